#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Crashes at every step: each operation is counted once (crash.c), then killed at steps of it, before or after the call. Whatever is left, volmgr check finds
# nothing that it cannot repair, repairs it, and is content; volumes are as before or as after, never between; what was acknowledged is there; files on other
# volumes and the image have not changed by a bit. OVERWRITES the disk.
# usage: crash.sh DISK [DISK] The second one is added to the container in one of the operations.
#                            CRASH_POINTS: points of each operation (default 2, "all" for every one, both before and after it)   CRASH_SEED: which
#                            TRY, BIN, VOLMGR: the programs   TESTS: names of operations
set -u
disk=$1 more=${2-}
work=$(mktemp -d)
# shellcheck disable=SC1091 # written by test-crash.sh
[ ! -r "${KIT:-}/crash.conf" ] || . "$KIT/crash.conf"
points=${CRASH_POINTS:-2}
RANDOM=${CRASH_SEED:-1}
# shellcheck source=crashed.sh
. "$(dirname "$0")/crashed.sh"
CRASH_MEND=1 # always, for it takes the lease, which was held by whoever was killed
operations+='san-add        san add MORE
'

# The disk that is to be added is blank.
blank() { [ -z "$more" ] || { blkdiscard -f "$more" && blockdev --rereadpt "$more"; } 2>/dev/null; }

# Places that an operation changes beside stores: both document slots, intent, history, LVM's metadata. "DEVICE OFFSET LENGTH", MiB.
places() { printf '%s\n' "$state 48 1" "$state 80 1" "$state 144 1" "$state 180 1" "$pv 0 20"; }
save() { local n=0 d o l; places | while read -r d o l; do dd if="$d" of="$work/saved.$n" bs=1M skip="$o" count="$l" iflag=direct 2>/dev/null; n=$((n + 1)); done; }
restore() { local n=0 d o l; places | while read -r d o l; do dd if="$work/saved.$n" of="$d" bs=1M seek="$o" count="$l" oflag=direct conv=fsync 2>/dev/null; n=$((n + 1)); done; blank; }

# The bytes of the image and of node 1's store, by the segments that the first state gave.
digest() {
  local start count
  while read -r start count; do
    dd if="$pv" bs=4M iflag=direct,skip_bytes skip="$start" count="$count" 2>/dev/null
  done <"$work/known" | sha256sum
}

known_whole() { [ "$(digest)" = "$(cat "$work/digest")" ]; }

# operate K WHEN OPERATION...: its exit status.
operate() {
  local k=$1 when=$2
  shift 2
  rm -f "$work/count"
  CRASH_COUNT=$work/count CRASH_AT=$k CRASH_WHEN=$when CRASH_LOG=$work/steps LD_PRELOAD=$BIN/crash.so setsid --wait "$VOLMGR" --container one "$@" >"$work/op.out" 2>"$work/op.err"
}

# campaign NAME OPERATION...: counts it, then crashes it.
campaign() {
  local name=$1 n k when ks status runs=0
  shift
  bad=
  : >"$work/kinds"
  restore
  rm -f "$work/steps"
  operate 0 before "$@" || problem "$name: $(cat "$work/op.err")"
  n=$(cat "$work/count" 2>/dev/null || echo 0)
  [ "$n" -gt 3 ] || problem "$name: only $n steps were counted"
  volumes >"$work/after"
  : >"$work/heads"
  case $name in create*) heads '' >"$work/heads" ;; reset) heads node2.root >"$work/heads" ;; esac
  cmp -s "$work/before" "$work/after" && [ -z "${same[$name]-}" ] && problem "$name: nothing has changed"
  if [ "$points" = all ]; then
    mapfile -t ks < <(seq "$n" | sed 's/.*/& before\n& after/')
  else
    ks=()
    for ((k = 0; k < points && n > 0; k++)); do
      when=before
      ((RANDOM % 2)) && when=after
      ks+=("$((RANDOM % n + 1)) $when")
    done
  fi
  cp "$work/steps" "$work/counted"
  for k in "${ks[@]}"; do
    when=${k#* } k=${k% *}
    restore
    spoil
    operate "$k" "$when" "$@" 2>/dev/null # the shell tells of the kill
    status=$?
    runs=$((runs + 1))
    judged "$name" "$k ($when)" "$status"
    [ -z "$bad" ] || grep "^$k " "$work/counted"
  done
  if [ -z "$bad" ]; then
    echo "ok crash: $name: $runs crashes at $n points, found and repaired: $(kinds)"
  else
    echo "FAIL crash: $name"
    failed=1
  fi
}

modprobe -qa dm-mod dm-thin-pool dm-zero
# An import that was cut off is known to be over where it was begun: on a node.
mkdir -p /run/byre && echo 1 >/run/byre/node
# shellcheck disable=SC2046 # words
chosen=$(operations_of $(operation_names))
if prepare; then
  digest >"$work/digest"
  save
  while read -r name operation; do
    [[ " $chosen " == *" $name "* ]] || continue
    operation=${operation/MORE/$more}
    # shellcheck disable=SC2086 # words
    [ -z "$name" ] || { [ "$name" = san-add ] && [ -z "$more" ]; } || campaign "$name" ${operation/FILE/$work/file}
  done <<<"$operations"
else
  echo "FAIL crash: preparing: $(cat "$work/out")"
  failed=1
fi
rm -rf "$work"
exit $failed
