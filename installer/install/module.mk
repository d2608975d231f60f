# SPDX-License-Identifier: GPL-2.0-or-later
programs += byre-install
byre-install_src := $(wildcard installer/install/*.c)
byre-install_floors := base cluster cli compose volmgr
byre-install_pkgs := jansson libiscsi
byre-install_libs := cli volmgr compose cluster base
byre-install_dir := sbin
