#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Fencing: what a SAN keeps of its reservations, and that a node that was taken off its list writes no more, tried on both of the lab's SANs.
. "$(dirname "$0")/lib/test.sh"
target=iqn.2026-11.org.byre.lab:san
try=$TEST_BUILD/tests/try-fence

# try_fence VERB: reservations against the SAN, from this machine, without any node.
try_fence() {
	make -s -C "$TEST_HERE/../.." "build/tests/try-fence" >/dev/null
	nsenter --net="/run/netns/byre-$LAB" timeout 60 "$try" "$1" 192.168.0.250:3260 $target 1
}

# bare_lab SAN: a lab of its own for this test.
bare_lab() {
	export LAB=ck-fence-$1
	# shellcheck disable=SC2064 # now
	trap "LAB=$LAB lab down" EXIT
	lab down
	lab up --bare --san "$1"
}

test_tgtd_does_not_keep_reservations() {
	bare_lab tgt
	assert_eq "what the probe says" "wait: the SAN forgets its reservations when it restarts" "$(try_fence probe)"
}

test_lio_keeps_reservations() {
	bare_lab lio
	assert_eq "what the probe says" "reservation: the SAN keeps its keys, and takes them off for good" "$(try_fence probe)"
	assert_match "a fence" "nodes: as it must be" "$(try_fence nodes)"
}

# A target that restarts reads back what it wrote.
test_lio_keeps_them_over_a_restart() {
	bare_lab lio
	try_fence nodes
	lab san stop
	lab san start
	assert_match "what is left" "as it was" "$(try_fence left)"
}

run_tests
