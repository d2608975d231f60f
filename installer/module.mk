# SPDX-License-Identifier: GPL-2.0-or-later
# The live medium: build/root (the tree), build/byre.iso.  The install tool has its own module.mk.
-include installer/install/module.mk

install_hooks += install-live
.PHONY: install-live
install-live:
	$(Q)install -d $(DESTDIR)$(libexecdir)
	$(Q)install -m 755 installer/live-start $(DESTDIR)$(libexecdir)/

root_inputs := $(addprefix installer/,mkroot mkbase dates.sh live-start) $(wildcard installer/debian12.*) \
	$(shell find installer/root ! -type d ! -xtype l) $(wildcard docs/man/*.8 docs/completion/* */*.service)

# The programs are not all known yet when this file is read.
.SECONDEXPANSION:
build/root.stamp: $(root_inputs) $$(addprefix build/bin/,$$(programs))
	$(Q)installer/mkroot build/root
	$(Q)touch $@

build/byre.iso: build/root.stamp installer/mkiso
	$(Q)installer/mkiso --root build/root --out $@
	$(Q)touch $@
