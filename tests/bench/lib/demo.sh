# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Seconds of the demo. `make demo` leaves them in build/demo-times.txt; where it has not run, it is run here (in a lab of its own, with the
# ISO that is there: the build is not in it), once from nothing and once with the cluster up.

step_demo() {
	local times=$BENCH_BUILD/demo-times.txt from='make demo'
	if ! { grep -q '^cold ' "$times" && grep -q '^warm ' "$times"; } 2>/dev/null; then
		times=$BENCH_OUT/demo/demo-times.txt from='the bench: without the build'
		if [ -n "${BENCH_SKIP_DEMO-}" ]; then
			say "demo: not measured (BENCH_SKIP_DEMO)"
		else
			with_lock demo_run || return 1
		fi
	fi
	[ -f "$times" ] || times=/dev/null
	jq -nR --arg from "$from" '[inputs / " " | {key: .[0], value: (.[1] | tonumber)}] | from_entries | if . == {} then null else .from = $from end' "$times" |
		keep demo
}

demo_run() {
	local i rc=0
	mkdir -p "$BENCH_OUT/demo"
	for i in 1 2; do
		say "demo: run $i of 2"
		LAB=bench-demo LAB_BUILD=$BENCH_OUT/demo LAB_ISO=$BENCH_BUILD/byre.iso LAB_ACCEL=$(cat "$BENCH_BUILD/lab-accel" 2>/dev/null) \
			"$BENCH_TREE/tests/vm/demo" >"$BENCH_OUT/demo.log" 2>&1 || { tail -n 15 "$BENCH_OUT/demo.log" >&2; rc=1; break; }
	done
	LAB=bench-demo LAB_BUILD=$BENCH_OUT/demo "$BENCH_TREE/tests/vm/lab" down
	return $rc
}
