# SPDX-License-Identifier: GPL-2.0-or-later
# The programs that the suites take with them into their machines, made before two lanes want them at once.
.PHONY: vm-programs
vm-programs: $(addprefix $(B)/tests/,$(filter-out test-% fuzz-%,$(tests)))
