# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For the VM tests. A test file sources this, defines functions test_WHAT (and long_WHAT: with LONG=1 only, for make soak), and ends with `run_tests`. Each runs in a
# subshell under `set -eEu`: it fails with the first command that fails, or says `fail WHY`, or `skip WHY`.
# Results, on stdout: "ok FILE: WHAT", "FAIL FILE: WHAT" (the end of its output follows, indented), "skip FILE: WHAT: WHY".

TEST_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TEST_BUILD=${LAB_BUILD:-$TEST_HERE/../../build}
mkdir -p "$TEST_BUILD/check-vm"
TEST_BUILD=$(cd "$TEST_BUILD" && pwd)
TEST_LOGS=$TEST_BUILD/check-vm
TEST_FILE=$(basename "$0" .sh)
export LAB=${LAB:-check}

lab() { "$TEST_HERE/lab" "$@"; }
fail() { echo "FAIL: $*"; exit 1; }
skip() { echo "skip: $*"; exit 77; }

# assert_eq WHAT WANT GOT; assert_match WHAT REGEX GOT; assert_fails COMMAND: it must fail (and not by a signal); assert_le WHAT GOT LIMIT.
assert_eq() { [ "$2" = "$3" ] || fail "$1: want '$2', got '$3'"; }
assert_match() { [[ $3 =~ $2 ]] || fail "$1: want something like '$2', got '$3'"; }
assert_le() { (($2 <= $3)) || fail "$1: $2 is more than $3"; }
assert_fails() {
	local rc=0
	"$@" || rc=$?
	((rc > 0 && rc < 126)) || fail "should have failed: $* (exit $rc)"
}

# eventually SECONDS COMMAND: polls until the command succeeds. The limit tells that it hangs: a quiet machine would need less than SECONDS, a busy one gets
# LAB_PATIENCE (5) times as much.
eventually() {
	local deadline=$((SECONDS + $1 * ${LAB_PATIENCE:-5}))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < deadline)) || fail "never came true: $*"
		sleep 0.3
	done
}

# on N COMMAND: runs a shell command line on machine N as root; its output and exit code.
on() { local n=$1; shift; lab ssh "$n" -- "$*"; }

# The machines: wait_up N (boot finished), power_cut N, power_on N (and up), power_off N (cleanly), reboot N (cleanly, and up).
wait_up() { lab node "$1" wait; }
power_cut() { lab node "$1" kill; }
power_off() { lab node "$1" stop; }
power_on() { lab node "$1" start && wait_up "$1"; }
reboot() {
	local before
	before=$(boot_id "$1")
	on "$1" 'systemctl reboot' || true
	eventually 120 booted_since "$1" "$before"
	wait_up "$1"
}
boot_id() { on "$1" cat /proc/sys/kernel/random/boot_id; }
booted_since() { local now; now=$(LAB_SSH_CONNECT=3 LAB_SSH_LIMIT=20 boot_id "$1") && [ "$now" != "$2" ]; }

# on_console N TEXT [SECONDS]: until the machine's console shows the text (since it was switched on).
on_console() { eventually "${3:-60}" console_has "$1" "$2"; }
console_has() { lab shot "$1" | grep -qF -e "$2"; }

# power_of N: off, booting or up. san_bytes read|written|allocated: at the target.
power_of() { lab status --json | jq -r --argjson n "$1" '.machines[] | select(.number == $n) | .power'; }
san_bytes() { lab san stats --json | jq -r ".${1}_bytes"; }
live_node() { lab status --json | jq -r 'first(.machines[] | select(.power == "up") | .number)'; }

# need_cluster [N]: the shared lab with N machines (default 3) is up, all switched on. Installs it for the first test that
# needs it; when that fails, the others fail at once.
need_cluster() {
	[ -e "$TEST_LOGS/cluster-failed" ] && fail "the cluster did not come up: see $TEST_LOGS/cluster.log"
	[ -r "${LAB_ISO:-$TEST_BUILD/byre.iso}" ] || skip "there is no ISO: make iso"
	lab up --nodes "${1:-3}" >>"$TEST_LOGS/cluster.log" 2>&1 && return
	touch "$TEST_LOGS/cluster-failed"
	fail "the cluster does not come up: $(tail -n 3 "$TEST_LOGS/cluster.log")"
}

# run_test NAME: one test in its subshell, and its result line. The log keeps its output.
run_test() {
	local what=${1#*_} log rc began=$SECONDS
	log=$TEST_LOGS/$TEST_FILE.${1#*_}.log
	(
		set -eEu
		trap 'echo "line $LINENO: exit $?: $BASH_COMMAND" >&2' ERR
		"$1"
	) >"$log" 2>&1 </dev/null
	rc=$?
	what="$TEST_FILE: ${what//_/ }"
	case $rc in
	0) echo "ok $what ($((SECONDS - began)) s)" ;;
	77) echo "skip $what: $(sed -n 's/^skip: //p' "$log" | tail -n 1)" ;;
	*) echo "FAIL $what ($log)"; tail -n 15 "$log" | sed 's/^/    /' ;;
	esac
}

# run_tests: all test_ functions of the file, in the order in which they stand there, with LONG=1 the long_ ones, too; or those named in TESTS.
run_tests() {
	local name
	# shellcheck disable=SC2013 # words
	for name in $(sed -n 's/^\(\(test\|long\)_[a-z0-9_]*\)() *{.*/\1/p' "$0"); do
		if [ -n "${TESTS-}" ]; then
			[[ " $TESTS " == *" ${name#*_} "* ]] || continue
		elif [[ $name == long_* ]]; then
			[ -n "${LONG-}" ] || continue
		fi
		run_test "$name"
	done
}
