# SPDX-License-Identifier: GPL-2.0-or-later
# PID 1 of a booting machine, and the tool that packs it.
programs += init
init_src := $(addprefix initrd/,main.c params.c say.c wait.c modules.c net.c discovery.c portal.c ibft.c iscsi.c fs.c sanroot.c liveroot.c handover.c)
init_floors := base cluster compose
init_pkgs := libkmod libmnl jansson
init_libs := compose cluster base
init_ldflags := -s
init_dir := libexec

# Loaded into iscsistart by init.
programs += quick.so
quick.so_src := initrd/quick.c
quick.so_cflags := -fPIC
quick.so_ldflags := -shared -nostartfiles
quick.so_dir := libexec

install_hooks += install-initrd
.PHONY: install-initrd
install-initrd:
	$(Q)install -d $(DESTDIR)$(libexecdir)
	$(Q)sed 's/@VERSION@/$(VERSION)/' initrd/mkinitrd >$(DESTDIR)$(libexecdir)/mkinitrd
	$(Q)chmod 755 $(DESTDIR)$(libexecdir)/mkinitrd
