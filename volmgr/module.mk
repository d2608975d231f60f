# SPDX-License-Identifier: GPL-2.0-or-later
libs += volmgr compose
compose_src := $(addprefix volmgr/,layout.c area.c area_document.c area_records.c disk.c rescan.c paths.c dm.c growth.c compose.c thin.c wipe.c guard.c)
compose_floors := base cluster compose
compose_pkgs := devmapper blkid
compose_public := volmgr/compose.h volmgr/paths.h
volmgr_src := $(addprefix volmgr/,plan.c space.c room.c heads.c volumes.c volumes_grow.c volumes_hold.c holding.c use.c gpt.c halfgpt.c lvm.c lvm_text.c container.c image.c publish.c)
volmgr_floors := base cluster compose volmgr
volmgr_pkgs := fdisk blkid jansson libgcrypt
volmgr_public := volmgr/volmgr.h volmgr/change.h volmgr/volumes.h volmgr/holding.h
programs += volmgr
volmgr_program := volmgr-tool
volmgr_dir := sbin
volmgr-tool_src := $(addprefix volmgr/,main.c usage.c list.c status.c state_show.c image_verify.c attach.c fence_run.c san.c)
volmgr-tool_floors := base cluster cli compose volmgr
volmgr-tool_libs := volmgr compose cli cluster base
volmgr-tool_pkgs := jansson

# For tests/vm/inside/volmgr.sh.
tests += try-volmgr
try-volmgr_src := tests/vm/inside/try-volmgr.c
try-volmgr_floors := base cluster compose volmgr
try-volmgr_libs := volmgr compose cluster base

# The commands that change volumes.
volmgr-tool_src += $(addprefix volmgr/,edit.c create.c reset.c resize.c hold.c)

# For tests/vm/inside/volumes.sh.
tests += try-lvm
try-lvm_src := tests/vm/inside/try-lvm.c
try-lvm_floors := base cluster compose volmgr
try-lvm_cflags := -I.
try-lvm_libs := volmgr compose cluster base

# Images: what they are made of, and what becomes of them.
volmgr_src += $(addprefix volmgr/,image_listing.c image_sniff.c image_oci.c image_layout.c image_source.c image_qcow2.c image_tar.c image_fill.c capture.c \
	images.c tree.c tree_diff.c pipeline.c)
volmgr_public += volmgr/image_make.h volmgr/images.h
volmgr-tool_src += $(addprefix volmgr/,tool_change.c image_import.c image_list.c image_choose.c image_capture.c image_diff.c node_tree.c)

# The lease, and changes under it.
volmgr_src += $(addprefix volmgr/,change.c control.c login.c portals.c lease.c lease_record.c lockspace.c)
volmgr_pkgs += libsanlock_client
volmgr_public += volmgr/control.h volmgr/lease.h

# For the tests of the lease: changes, one after another.
tests += try-change
try-change_src := tests/vm/inside/try-change.c
try-change_floors := base cluster compose volmgr
try-change_cflags := -I.
try-change_libs := volmgr compose cluster base

# Fencing: who may write to the SAN, and who no more.
compose_src += $(addprefix volmgr/,scsi.c pr.c registration.c)
compose_public += volmgr/registration.h
volmgr_src += $(addprefix volmgr/,fence.c probe.c session.c)
volmgr_pkgs += libiscsi
volmgr_public += volmgr/fence.h

# For tests/vm/test-fence.sh.
tests += try-fence
try-fence_src := tests/vm/inside/try-fence.c
try-fence_floors := base cluster compose volmgr
try-fence_cflags := -I.
try-fence_libs := volmgr compose cluster base
tests += scribble
scribble_src := tests/vm/inside/scribble.c
scribble_floors := base
scribble_libs := base

# The state: who published it, out of it, into it.
volmgr-tool_src += $(addprefix volmgr/,state_history.c state_export.c state_import.c)

# The daemon that lets stores grow; and what gives blocks back to them.
volmgr-tool_src += volmgr/trim.c
programs += volmgrd
volmgrd_program := volmgr-daemon
volmgrd_dir := sbin
volmgr-daemon_src := $(addprefix volmgr/,volmgrd.c watch.c grant.c fence_watch.c)
volmgr-daemon_floors := base cluster cli compose volmgr
volmgr-daemon_libs := volmgr compose cli cluster base

# For tests/vm/inside/growth.sh.
tests += try-growth
try-growth_src := tests/vm/inside/try-growth.c
try-growth_floors := base cluster compose volmgr
try-growth_cflags := -I.
try-growth_libs := volmgr compose cluster base

# What is wrong with a container, and mending it.
volmgr_src += $(addprefix volmgr/,findings.c look.c reconcile.c leftover.c)
volmgr-tool_src += volmgr/check.c

# For tests/vm/inside/check.sh.
tests += try-check
try-check_src := tests/vm/inside/try-check.c
try-check_floors := base cluster compose volmgr
try-check_cflags := -I.
try-check_libs := volmgr compose cluster base

# For tests/vm/inside/crash.sh: preloaded into whatever is to crash.
tests += crash.so
crash.so_src := tests/vm/inside/crash.c
crash.so_cflags := -fPIC
crash.so_ldflags := -shared

# For tests/vm/inside/power.sh: disks that a power cut leaves.
tests += replay
replay_src := tests/vm/inside/replay.c

# For tests/vm/inside/moving.sh; as-node.so is preloaded into what runs on each of several nodes.
tests += try-moving as-node.so
try-moving_src := tests/vm/inside/try-moving.c
try-moving_floors := base cluster compose volmgr
try-moving_cflags := -I.
try-moving_libs := volmgr compose cluster base
as-node.so_src := tests/vm/inside/as-node.c
as-node.so_cflags := -fPIC
as-node.so_ldflags := -shared -Wl,--no-as-needed -ldevmapper
