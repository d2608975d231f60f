# SPDX-License-Identifier: GPL-2.0-or-later
# One make for the whole tree. Each folder's module.mk names its libraries and programs:
#   lib NAME:      libs += NAME,     NAME_src, NAME_floors (floors it may include), NAME_pkgs (pkg-config names), NAME_public (headers others see)
#   program NAME:  programs += NAME, NAME_src, NAME_floors, NAME_pkgs, NAME_libs (our libraries, users first), NAME_dir (sbin or libexec);
#                  a program that bears a library's name keeps its variables under another: NAME_program := OTHER (then OTHER_src, …; NAME_dir stays)
# Floors are held up by -I: build/include/FLOOR holds links to the public headers of that floor and nothing else.

VERSION := 0.1.0
B := $(if $(ASAN),build/asan,build)
prefix ?= /usr
sbindir ?= $(prefix)/sbin
libexecdir ?= $(prefix)/lib/byre
mandir ?= $(prefix)/share/man
unitdir ?= $(prefix)/lib/systemd/system
completiondir ?= $(prefix)/share/bash-completion/completions
DESTDIR ?=

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
Q := $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)")

libs :=
programs :=
tests :=
install_hooks :=
include $(wildcard */module.mk tests/*/module.mk)

# Goals that first install packages and then call make again: they need no compiler yet.
front_goals := deps check check-unit check-cli check-net check-vm check-asan bench iso demo soak
ifeq ($(filter-out $(front_goals) clean distclean help,$(or $(MAKECMDGOALS),all)),)
else
-include config.mk
config.mk: build-aux/probe build-aux/packages $(wildcard */module.mk tests/*/module.mk)
	$(Q)build-aux/probe $(sort $(foreach t,$(libs) $(programs) $(tests),$($(t)_pkgs))) > $@.new && mv $@.new $@
endif

CC ?= gcc
CFLAGS ?= -O2 -g
warnings := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wformat=2 -Wno-format-truncation -Wstrict-prototypes -Wmissing-prototypes
all_cflags = -std=c11 -D_GNU_SOURCE -DBYRE_VERSION='"$(VERSION)"' -DBYRE_LIBEXEC='"$(libexecdir)"' -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
	$(warnings) $(if $(filter 0,$(WERROR)),,-Werror) $(CFLAGS)
ifdef ASAN
all_cflags += -fsanitize=address,undefined -fno-sanitize-recover=undefined -U_FORTIFY_SOURCE
asan_ldflags := -fsanitize=address,undefined
endif
all_ldflags = -Wl,-z,relro,-z,now $(LDFLAGS) $(asan_ldflags)

floors := base cluster cli $(foreach l,$(libs),$(if $($(l)_public),$(l)))
include_links := $(B)/include/.stamp
$(include_links): Makefile $(wildcard */module.mk)
	$(Q)rm -rf $(B)/include && mkdir -p $(addprefix $(B)/include/,$(floors))
	$(Q)for f in base cluster cli; do ln -s $(CURDIR)/common/$$f $(B)/include/$$f/$$f; done
	$(Q)for h in $(foreach l,$(libs),$(addprefix $(l):,$($(l)_public))); do \
		d=$(B)/include/$${h%%:*}/$$(dirname $${h#*:}); mkdir -p $$d && ln -s $(CURDIR)/$${h#*:} $$d/; done
	$(Q)touch $@

# $(call objects,TARGET): its object files.  Tests may look into the folders ( -I. ) to reach private headers.
objects = $(patsubst %.c,$(B)/obj/$(1)/%.o,$($(1)_src))
define compile_rule
$(B)/obj/$(1)/%.o: %.c $(include_links) Makefile config.mk
	$(call say,CC  $$<)
	$(Q)mkdir -p $$(@D)
	$(Q)$(CC) $(all_cflags) $(foreach f,$($(1)_floors),-I$(B)/include/$(f)) $($(1)_cflags) $(foreach p,$($(1)_pkgs),$(pkg_cflags_$(p))) -MMD -MP -c -o $$@ $$<
-include $(patsubst %.o,%.d,$(call objects,$(1)))
endef
define lib_rule
$(call compile_rule,$(1))
$(B)/lib$(1).a: $(call objects,$(1))
	$(call say,AR  $$@)
	$(Q)rm -f $$@ && ar rcsD $$@ $$^
endef
define program_rule
$(call compile_rule,$(1))
$(B)/$(2)$(or $(3),$(1)): $(call objects,$(1)) $(foreach l,$($(1)_libs),$(B)/lib$(l).a)
	$(call say,LD  $$@)
	$(Q)mkdir -p $$(@D)
	$(Q)$(CC) $(all_cflags) $(all_ldflags) -o $$@ $$^ $($(1)_ldflags) $(sort $(foreach t,$(1) $($(1)_libs),$(foreach p,$($(t)_pkgs),$(pkg_libs_$(p)))))
endef
$(foreach l,$(libs),$(eval $(call lib_rule,$(l))))
$(foreach p,$(programs),$(eval $(call program_rule,$(or $($(p)_program),$(p)),bin/,$(p))))
$(foreach t,$(tests),$(eval $(call program_rule,$(t),tests/)))

.PHONY: all clean distclean help $(front_goals) install
all: $(addprefix $(B)/bin/,$(programs)) $(foreach l,$(libs),$(B)/lib$(l).a)

help:
	@sed -n 's/^## //p' Makefile

## make            build everything into build/
## make install    install it (DESTDIR=, prefix=)
install: all
	$(Q)install -d $(DESTDIR)$(sbindir) $(DESTDIR)$(libexecdir) $(DESTDIR)$(unitdir) $(DESTDIR)$(mandir)/man8 $(DESTDIR)$(completiondir)
	$(Q)for p in $(foreach p,$(programs),$(if $(filter sbin,$($(p)_dir)),$(p))); do install -m 755 $(B)/bin/$$p $(DESTDIR)$(sbindir)/; done
	$(Q)for p in $(foreach p,$(programs),$(if $(filter sbin,$($(p)_dir)),,$(p))); do install -m 755 $(B)/bin/$$p $(DESTDIR)$(libexecdir)/; done
	$(Q)for f in $(wildcard docs/man/*.8); do install -m 644 $$f $(DESTDIR)$(mandir)/man8/; done
	$(Q)for f in $(wildcard docs/completion/*); do install -m 644 $$f $(DESTDIR)$(completiondir)/; done
install: $(install_hooks)

## make deps       install every Debian package that the targets below need
deps:
	$(Q)build-aux/deps build image lab test

## make check      every test: check-unit, check-asan, check-cli, check-net, check-vm
check:
	$(Q)build-aux/deps build image lab test
	$(Q)tests/run unit asan cli net vm
check-unit check-asan check-cli check-net:
	$(Q)build-aux/deps build test
	$(Q)tests/run $(@:check-%=%)
check-vm:
	$(Q)build-aux/deps build image lab test
	$(Q)tests/run vm

## make iso        build/byre.iso, the live DVD
iso:
	$(Q)build-aux/deps build image
	$(Q)$(MAKE) --no-print-directory $(B)/byre.iso

## make demo       a whole cluster on this machine, from the DVD to disk-less nodes (DEMO_NODES=2)
demo: export DEMO_START := $(shell date +%s)
demo:
	$(Q)build-aux/deps build image lab
	$(Q)$(MAKE) --no-print-directory $(B)/byre.iso
	$(Q)tests/vm/demo

## make bench      the benchmarks: ratios and counts of one run
bench:
	$(Q)build-aux/deps build image lab test
	$(Q)$(MAKE) --no-print-directory $(B)/byre.iso
	$(Q)tests/bench/run

## make soak       the long campaigns (make check runs a short seeded slice of each)
soak:
	$(Q)build-aux/deps build image lab test
	$(Q)tests/run soak

## make clean      remove what make built, but keep the root tree and the ISO;  make distclean removes all
clean:
	rm -rf build/obj build/asan build/bin build/tests build/include build/*.a
distclean:
	rm -rf build config.mk
