# shellcheck shell=bash
# shellcheck disable=SC2034 # used by the other parts
# SPDX-License-Identifier: GPL-2.0-or-later
# What every part of the bench uses: places, messages, the labs, the lock, tables.

BENCH_TREE=$(cd "$BENCH_HERE/../.." && pwd)
BENCH_BUILD=$BENCH_TREE/build
BENCH_OUT=$BENCH_BUILD/bench
BENCH_ROUNDS=${BENCH_ROUNDS:-5}
BENCH_BOOTS=${BENCH_BOOTS:-2}
BENCH_MEM=1024 # MiB of each machine in the comparison: the largest initrd must fit
BENCH_SQUASHFS=$BENCH_BUILD/debian12.squashfs
BENCH_VARIANTS=(byre byre-trimmed initramfs-tools initramfs-tools-trimmed dracut dracut-trimmed)

say() { printf 'bench: %4d s  %s\n' "$SECONDS" "$*"; }
die() { echo "bench: $*" >&2; exit 1; }

# lab NAME ARGUMENTS: `bench` has a cluster of byre's, `bench-debian` the same SAN with a plain root file system on the LUN.
lab() { LAB=$1 "$BENCH_TREE/tests/vm/lab" "${@:2}"; }
lab_dir() { echo "$BENCH_BUILD/lab/$1"; }

# with_lock COMMAND: runs it while holding BENCH_LOCK (a file), when that is set: others can use the machine in between.
with_lock() {
	local fd rc=0
	if [ -z "${BENCH_LOCK-}" ]; then "$@"; return; fi
	exec {fd}>"$BENCH_LOCK"
	flock "$fd"
	"$@" || rc=$?
	exec {fd}>&-
	return $rc
}

# san LAB: "READ WRITTEN", bytes so far at the target, of all machines; san LAB ADDRESS: of one.
san() {
	lab "$1" san stats --json | jq -r --arg who "${2-}" '
		(if $who == "" then . else .machines[$who] // {} end) | "\(.read_bytes // 0) \(.written_bytes // 0)"'
}

# minus "A B" "C D": A-C B-D
minus() {
	# shellcheck disable=SC2086 # two numbers each
	set -- $1 $2
	echo "$(($1 - $3)) $(($2 - $4))"
}

# keep NAME: stdin becomes build/bench/NAME.json, when it is JSON.
keep() { jq . >"$BENCH_OUT/$1.json.new" && mv "$BENCH_OUT/$1.json.new" "$BENCH_OUT/$1.json"; }

# columns: tab-separated lines in columns, the first to the left, the others to the right; each table (they end at an empty line) by
# itself; other lines as they are.
columns() {
	awk -F '\t' '
		function flush(  n, i, k, f, out) {
			for (n = 1; n <= lines; n++) {
				k = split(line[n], f, "\t")
				out = k > 1 ? sprintf("%-*s", w[1], f[1]) : line[n]
				for (i = 2; i <= k; i++) out = out sprintf("  %*s", w[i], f[i])
				sub(/ +$/, "", out)
				print out
			}
			lines = 0
			split("", w)
		}
		{ line[++lines] = $0; if (NF > 1) for (i = 1; i <= NF; i++) if (length($i) > w[i]) w[i] = length($i) }
		NF == 0 { flush() }
		END { flush() }'
}
