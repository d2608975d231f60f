# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The membership's figures, from simulated clusters: they are counts and simulated times, the same on every machine. BENCH_MEMBERS picks sizes.

step_members() {
	local sizes=${BENCH_MEMBERS-10 30 100 300 1000}
	make -s -C "$BENCH_TREE" build/tests/figures || return 1
	say "members: clusters of $sizes nodes"
	# shellcheck disable=SC2086 # numbers
	"$BENCH_TREE/build/tests/figures" $sizes | jq -s . | keep members
}
