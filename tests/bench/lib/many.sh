# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Many volumes made, reset and removed at once, in one machine without a cluster; beside LVM snapshots, LVM thin snapshots and qcow2 files on another
# disk of it. Counts hold anywhere; seconds are of the emulated machine.

step_many() {
	say "many: 1 to 2,000 volumes"
	(
		# shellcheck source=../../vm/lib/solo.sh
		. "$BENCH_TREE/tests/vm/lib/solo.sh"
		export SOLO_DISKS='40G 8G' SOLO_MEMORY=1024 SOLO_LIMIT=7200 SOLO_EXPORT=MANY_LIMIT
		with_lock solo bench-many bench-many
	) >"$BENCH_OUT/many.txt"
	grep -q '^ok bench-many' "$BENCH_OUT/many.txt" || { tail -n 3 "$BENCH_OUT/many.txt" >&2; return 1; }
	many_parse <"$BENCH_OUT/many.txt" | keep many
}

many_parse() {
	jq -R 'split(" ") | if .[0] == "UNTRIED" then {method: .[1], n: (.[2] | tonumber), action: "create", untried: true} elif .[0] != "BENCH" then empty else {method: .[1], n: (.[2] | tonumber), action: .[3], commits: (.[4] | tonumber),
		generations: (.[5] | tonumber), ioctls: (.[6] | tonumber), writes: (.[7] | tonumber), bytes: (.[8] | tonumber * 512), ms: (.[9] | tonumber)} end' |
		jq -s .
}
