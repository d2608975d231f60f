# SPDX-License-Identifier: GPL-2.0-or-later
# Every test-NAME.c runs in the rings unit and asan, on whole clusters in one process.
sim_tests := $(patsubst tests/sim/%.c,%,$(wildcard tests/sim/test-*.c))
tests += $(sim_tests)
define sim_test
$(1)_src := tests/sim/$(1).c tests/sim/sim.c
$(1)_floors := base
$(1)_cflags := -I.
$(1)_libs := member base
$(1)_pkgs := cmocka
endef
$(foreach t,$(sim_tests),$(eval $(call sim_test,$(t))))
unit-tests: $(addprefix $(B)/tests/,$(sim_tests))

tests += figures
figures_src := tests/sim/figures.c tests/sim/sim.c
figures_floors := base
figures_cflags := -I.
figures_libs := member base
