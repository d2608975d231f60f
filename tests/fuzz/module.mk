# SPDX-License-Identifier: GPL-2.0-or-later
# Every fuzz-NAME.c has LLVMFuzzerTestOneInput and a corpus in tests/fuzz/corpus/NAME. driver.c mutates the corpus from a seed, so that
# gcc and its sanitizers are enough.
fuzz-params_extra := initrd/params.c
fuzz-discovery_extra := initrd/discovery.c

fuzz_targets := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz-*.c))
tests += $(fuzz_targets)
define fuzz_target
$(1)_src := tests/fuzz/$(1).c tests/fuzz/driver.c $($(1)_extra)
$(1)_floors := base cluster cli compose volmgr services
$(1)_cflags := -I. $(volmgr_folders)
$(1)_libs := $(filter $(libs),services member volmgr compose cli cluster base)
$(1)_pkgs := jansson
endef
$(foreach t,$(fuzz_targets),$(eval $(call fuzz_target,$(t))))
fuzz-targets: $(addprefix $(B)/tests/,$(fuzz_targets))
