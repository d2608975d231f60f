# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A composed volume beside a plain linear device, other thin block sizes and dm-snapshot, all on one disk of one machine without a cluster,
# taken in turn with the order rotated. Twice: on a disk that is bounded as a SAN on one gigabit link (what a node waits for), and on one that is not
# (what it costs in CPU: emulated here, so that every context switch counts many times what it costs on a machine).

VOLUMES_PACED=throttling.bps-total=115000000,throttling.iops-total=5000

step_volumes() {
	volumes_run paced "$VOLUMES_PACED" || return 1
	volumes_run free '' || return 1
	jq -s 'map({(.san): .tests}) | add' "$BENCH_OUT/volumes-paced.json" "$BENCH_OUT/volumes-free.json" | keep volumes
}

# volumes_run NAME DRIVE-OPTIONS
volumes_run() {
	local kit
	kit=$(mktemp -d) || return 1
	say "volumes: $1, $BENCH_ROUNDS rounds"
	printf 'ROUNDS=%q\nSCALE=%q\n' "$BENCH_ROUNDS" "${BENCH_SCALE:-1}" >"$kit/bench.conf"
	(
		# shellcheck source=../../vm/lib/solo.sh
		. "$BENCH_TREE/tests/vm/lib/solo.sh"
		fio_tar "$kit/fio.tar" || exit 1
		export SOLO_FILES="$kit/fio.tar $kit/bench.conf" SOLO_DISKS=9G SOLO_DRIVE=$2 SOLO_MEMORY=1024 SOLO_LIMIT=3600
		with_lock solo bench-volumes bench-volumes
	) >"$BENCH_OUT/volumes-$1.txt"
	rm -rf "$kit"
	grep -q '^ok bench-volumes' "$BENCH_OUT/volumes-$1.txt" || { tail -n 3 "$BENCH_OUT/volumes-$1.txt" >&2; return 1; }
	volumes_parse <"$BENCH_OUT/volumes-$1.txt" | jq --arg san "$1" '{san: $san, tests: .}' | keep "volumes-$1"
}

# The lines of inside/bench-volumes.sh: for each test and engine the median of its rounds' ratios to raw (of the same round), and the counts.
volumes_parse() {
	jq -R 'select(startswith("BENCH ")) | split(" ")
		| {engine: .[1], round: .[2], test: .[3], kib: (.[4] | tonumber), ms: (.[5] | tonumber), reads: (.[6] | tonumber),
		   read_bytes: (.[7] | tonumber * 512), writes: (.[8] | tonumber), written_bytes: (.[9] | tonumber * 512), switches: (.[10] | tonumber)}' |
		jq -s 'def median: sort | .[length / 2 | floor];
		. as $all | [$all[].test] | reduce .[] as $t ([]; if index($t) then . else . + [$t] end)
		| map(. as $t | ($all | map(select(.test == $t))) as $rows
			| {test: $t, engines: ([$rows[].engine] | unique | map(. as $e
				| ($rows | map(select(.engine == $e))) as $mine
				| {engine: $e, ratios: ($mine | map(. as $m | ($rows[] | select(.engine == "raw" and .round == $m.round) | .ms) / ([$m.ms, 1] | max))),
				   ms: ($mine | map(.ms) | median), reads: ($mine | map(.reads) | median), writes: ($mine | map(.writes) | median),
				   written_per_byte: ($mine | map(.written_bytes / (.kib * 1024)) | median),
				   switches_per_request: ($mine | map(.switches / ([.reads + .writes, 1] | max)) | median)}
				| .ratio = (.ratios | median) | .min = (.ratios | min) | .max = (.ratios | max)))})'
}
