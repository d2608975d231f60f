# SPDX-License-Identifier: GPL-2.0-or-later
libs += volmgr compose
compose_src := $(addprefix volmgr/,layout.c area.c disk.c dm.c compose.c)
compose_floors := base cluster compose
compose_pkgs := devmapper blkid
compose_public := volmgr/compose.h
volmgr_src := $(addprefix volmgr/,plan.c gpt.c lvm.c container.c image.c publish.c)
volmgr_floors := base cluster compose volmgr
volmgr_pkgs := fdisk blkid jansson libgcrypt
volmgr_public := volmgr/volmgr.h
programs += volmgr
volmgr_program := volmgr-tool
volmgr_dir := sbin
volmgr-tool_src := $(addprefix volmgr/,main.c usage.c list.c status.c state_show.c image_verify.c attach.c)
volmgr-tool_floors := base cluster cli compose volmgr
volmgr-tool_libs := volmgr compose cli cluster base
volmgr-tool_pkgs := jansson

# For tests/vm/inside/volmgr.sh.
tests += try-volmgr
try-volmgr_src := tests/vm/inside/try-volmgr.c
try-volmgr_floors := base cluster compose volmgr
try-volmgr_libs := volmgr compose cluster base
