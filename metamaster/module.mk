# SPDX-License-Identifier: GPL-2.0-or-later
programs += metamaster metamasterctl metamaster-http metamaster-member byre-status byre

metamaster_src := $(addprefix metamaster/,main.c follow.c report.c images.c boot.c interface.c child.c dnsmasq_log.c notify.c members.c gateway.c netlink.c arp.c ipc.c tell.c)
metamaster_floors := base cluster cli compose services
metamaster_libs := member services compose cli cluster base
metamaster_pkgs := libqb libsodium libmnl jansson
metamaster_ldflags := -pthread
metamaster_dir := sbin

metamasterctl_src := metamaster/metamasterctl.c
metamasterctl_floors := base cli
metamasterctl_libs := cli base
metamasterctl_pkgs := libqb jansson
metamasterctl_dir := sbin

metamaster-http_src := metamaster/http.c metamaster/http_path.c
metamaster-http_floors := base cli
metamaster-http_libs := cli base
metamaster-http_pkgs := libmicrohttpd
metamaster-http_dir := libexec

metamaster-member_src := metamaster/member/main.c
metamaster-member_floors := base cli
metamaster-member_libs := member cli base
metamaster-member_pkgs := libsodium
metamaster-member_dir := libexec

byre-status_src := metamaster/byre_status.c
byre-status_floors := base cluster cli compose
byre-status_libs := compose cli cluster base
byre-status_dir := libexec

byre_src := metamaster/byre.c
byre_floors := base cli
byre_libs := cli base
byre_dir := sbin

install_hooks += install-metamaster
.PHONY: install-metamaster
install-metamaster:
	$(Q)install -d $(DESTDIR)$(unitdir)
	$(Q)install -m 644 metamaster/metamaster.service $(DESTDIR)$(unitdir)/

libs += member
member_src := $(addprefix metamaster/member/,packet.c ring.c member.c gateway.c seal.c share.c control.c)
member_floors := base
member_pkgs := libsodium
