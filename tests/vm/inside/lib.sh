# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the suites of inside/ share. A suite is SUITE.sh DISK...: it runs as root inside a throw-away machine, OVERWRITES the disk, sources this, and ends with
# `suite SUITE FUNCTION...`.
# shellcheck disable=SC2034 # used by the suites
# From solo.sh: TRY, VOLMGR: the programs under test; BIN: the other programs of the kit; KIT: its place; TESTS: functions to run
disk=$(readlink -f "${1:?usage: ${0##*/} DISK}")
try=${TRY:-$BIN/try-volmgr}
volmgr=${VOLMGR:-/usr/sbin/volmgr}
work=$(mktemp -d)
bad=

# problem WHAT: the test that runs has failed; it goes on.
problem() { echo "  $*"; bad=1; }

# What a suite does around each test: when before_each fails the test is not run.
before_each() { :; }
after_each() { :; }
# What it tells of a test that failed.
on_failure() { :; }

# suite NAME FUNCTION...: runs each in turn, or with TESTS those; $first is run at any rate, and when it fails no other is. Its status is the suite's.
suite() {
  local name=$1 f start failed=0 all
  local -A done_=()
  shift
  all=${TESTS:-$*}
  # shellcheck disable=SC2086 # names
  for f in ${first-} $all; do
    [ -z "${done_[$f]-}" ] || continue
    done_[$f]=1
    [ -z "${TESTS-}" ] || declare -F "$f" >/dev/null || continue # another suite's
    bad=
    start=$(date +%s%N)
    if before_each; then "$f" || [ $? != 127 ] || problem 'it ended with a command that is not there'; else problem 'what comes before it failed'; fi
    after_each
    if [ -z "$bad" ]; then
      echo "ok $name: $f ($((($(date +%s%N) - start) / 1000000)) ms)"
      continue
    fi
    on_failure
    echo "FAIL $name: $f"
    failed=1
    [ "$f" != "${first-}" ] || break
  done
  rm -rf "$work"
  return "$failed"
}

# until_true SECONDS COMMAND...: far off; only a guard.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || { problem "never came true: $*"; return 1; }
    sleep 0.1
  done
}

[ ! -x "${KIT-}/jq" ] || jq() { LD_LIBRARY_PATH=$KIT "$KIT/jq" "$@"; }

# part KIND: the container's partition of that kind.
part() { sfdisk -d "$disk" | awk -v l="name=\"byre-${container:-one}-$1\"" 'index($0, l) { print $1 }'; }
writes() { awk '{ print $5 }' "/sys/block/${disk##*/}/stat"; }
devices() { dmsetup ls | cut -f1 | sort | tr '\n' ' '; }
# An image with a file system; run by try-volmgr, which gives the device.
# shellcheck disable=SC2016
fill='mkfs.ext4 -q $d; mkdir -p /run/fill; mount $d /run/fill; head -c 20M /dev/urandom >/run/fill/blob; echo image >/run/fill/name; umount /run/fill'

# with_root N COMMAND...: node N's root composed (by the suite's t) and mounted on $work/N while the command runs.
with_root() {
  local n=$1 dev status
  shift
  dev=$(t compose "node$n.root") || return 1
  mkdir -p "$work/$n"
  mount "$dev" "$work/$n" || return 1
  "$@"
  status=$?
  umount "$work/$n" && t release "node$n.root" || return 1
  return "$status"
}

# load NAME DEVICE SEED ARGUMENTS: fio (unpacked in $work) writes blocks of 4 to 256 KiB all over it; `verify` with the same finds each where it was written.
fio() {
  local name=$1 dev=$2 seed=$3
  shift 3
  "$work/fio/run" --name="$name" --filename="$dev" --allow_file_create=0 --direct=1 --ioengine=libaio --iodepth=16 --rw=randwrite --norandommap=0 \
    --bsrange=4k-256k --bs_unaligned=0 --randseed="$seed" --verify=crc32c --verify_fatal=1 --verify_dump=0 "$@" \
    >"$work/$name.out" 2>&1 || { problem "$name: $(grep -iE 'verify|error|err=' "$work/$name.out" | head -n 2)"; return 1; }
}
load() { fio "$@" --do_verify=0; }
verify() { fio "$@" --verify_only; }
