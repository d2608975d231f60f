#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the installer on the real medium refuses: one line on the console, and the SAN as it was.
# shellcheck source=tests/vm/lib/test.sh
. "$(dirname "$0")/lib/test.sh"

# refused WORDS SED-EXPRESSION: installs once more, onto the running cluster's SAN, with the lab's answers changed.
refused() {
	local before after
	need_cluster 3
	sed -e "$2" "$TEST_BUILD/lab/$LAB/INSTALL.info" | sed 's/^mac\.1 = .*/mac.1 = 52:54:00:99:00:09/' >"$TEST_LOGS/answers"
	before=$(on 2 volmgr state show --json 2>/dev/null | sha256sum)
	lab node 9 start --iso "${LAB_ISO:-$TEST_BUILD/byre.iso}" --answers "$TEST_LOGS/answers" --mac 52:54:00:99:00:09
	on_console 9 'byre-install: failed: ' 180
	lab shot 9 | grep -F 'byre-install: failed: ' | head -n 1
	console_has 9 "$1" || { lab node 9 kill; fail "the line does not say '$1'"; }
	lab node 9 kill
	after=$(on 2 volmgr state show --json 2>/dev/null | sha256sum)
	assert_eq 'the state' "$before" "$after"
}

test_a_container_name_that_exists() { refused 'debian12' 's/^meta-master-ip = .*/meta-master-ip = 192.168.0.99/; s/^spare-local-ip.*//'; }
test_too_small_a_disk() { refused 'the container needs' 's/^container-name = .*/container-name = other/; s/^shared-size = .*/shared-size = 900000/; s/^meta-master-ip = .*/meta-master-ip = 192.168.0.99/'; }
# shellcheck disable=SC2016 # sed, not the shell
test_an_unknown_key() { refused 'colour: unknown key' '$a colour = red'; }

run_tests
