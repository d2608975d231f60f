# SPDX-License-Identifier: GPL-2.0-or-later
# Every test-NAME.c is a program of its own. A test of a program's private source names it: test-NAME_extra := folder/file.c
# Link-time overrides: test-NAME_ldflags := -Wl,--wrap=function
test-params_extra := initrd/params.c
test-discovery_extra := initrd/discovery.c
test-ibft_extra := initrd/ibft.c
test-install_extra := $(addprefix installer/install/,build.c choose.c sysfs.c tell.c)
test-wipe_ldflags := -Wl,--wrap=pwrite_full
test-volumes_ldflags := $(foreach f,change_intend change_publish lvm_extend lvm_reduce volume_may_write node_status_read volume_status_read,-Wl,--wrap=$(f))

unit_tests := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test-*.c))
tests += $(unit_tests)
define unit_test
$(1)_src := tests/unit/$(1).c $($(1)_extra)
$(1)_floors := base cluster cli compose volmgr services
# gcc 12 takes a pointer that a cleanup attribute frees for a dangling one.
$(1)_cflags := -I. $(volmgr_folders) -Wno-dangling-pointer -DSOURCE_DIR='"$(CURDIR)"'
$(1)_libs := $(filter $(libs),services member volmgr compose cli cluster base)
$(1)_pkgs := cmocka jansson
endef
$(foreach t,$(unit_tests),$(eval $(call unit_test,$(t))))
unit-tests: $(addprefix $(B)/tests/,$(unit_tests))
