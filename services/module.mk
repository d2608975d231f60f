# SPDX-License-Identifier: GPL-2.0-or-later
libs += services
services_src := services/table.c services/names.c services/ssh.c services/boot.c services/gateway.c services/node.c
services_floors := base cluster services
services_public := services/services.h
services_pkgs := libsodium

programs += byre-services
byre-services_src := services/main.c services/apply.c services/swap.c
byre-services_floors := base cluster cli services
byre-services_libs := services cluster cli base
byre-services_pkgs := jansson blkid
byre-services_dir := libexec
