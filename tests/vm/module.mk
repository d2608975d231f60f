# SPDX-License-Identifier: GPL-2.0-or-later
# What the suites inside run on real parts: a file with private headers of volmgr in reach.
try_programs := $(patsubst tests/vm/inside/%.c,%,$(wildcard tests/vm/inside/try-*.c))
tests += $(try_programs)
define try_program
$(1)_src := tests/vm/inside/$(1).c
$(1)_floors := base cluster compose volmgr
$(1)_cflags := -I. $(volmgr_folders)
$(1)_libs := volmgr compose cluster base
endef
$(foreach t,$(try_programs),$(eval $(call try_program,$(t))))

tests += scribble
scribble_src := tests/vm/inside/scribble.c
scribble_floors := base
scribble_libs := base

# Disks that log, and those that a power cut leaves.
tests += logged replay
logged_src := tests/vm/inside/logged.c
replay_src := tests/vm/inside/replay.c

# Preloaded: into whatever is to crash, and into what runs as one of several nodes on one machine.
tests += crash.so as-node.so
crash.so_src := tests/vm/inside/crash.c
crash.so_cflags := -fPIC
crash.so_ldflags := -shared
as-node.so_src := tests/vm/inside/as-node.c
as-node.so_cflags := -fPIC
as-node.so_ldflags := -shared -Wl,--no-as-needed -ldevmapper

# The programs that the suites take with them into their machines, made before two lanes want them at once.
.PHONY: vm-programs
vm-programs: $(addprefix $(B)/tests/,$(filter-out test-% fuzz-%,$(tests)))
