#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Crashes at every step: each operation is counted once (crash.c), then killed at steps of it, before or after the call. Whatever is left, volmgr check finds
# nothing that it cannot repair, repairs it, and is content; volumes are as before or as after, never between; what was acknowledged is there; files on other
# volumes and the image have not changed by a bit. OVERWRITES the disk.
# usage: crash.sh DISK [DISK] The second one is added to the container in one of the operations.
#                            CRASH_POINTS: points of each operation (default 2, "all" for every one)   CRASH_SEED: which
#                            TRY, BIN, VOLMGR: the programs   TESTS: names of operations
set -u
disk=$1 more=${2-}
work=$(mktemp -d)
# shellcheck disable=SC1091 # written by test-crash.sh
[ ! -r "${KIT:-}/crash.conf" ] || . "$KIT/crash.conf"
points=${CRASH_POINTS:-2}
RANDOM=${CRASH_SEED:-1}
failed=0
bad=

# Each operation is one line: its name and what is run. The slab has 1 GiB to spare: those that want more cost an LVM commit.
operations='
create         create --size 64 --store 16 one1 two2
create-extend  create --size 2048 --store 1100 one1
reset          reset 2
reset-keep     reset --keep 1
grow           grow 2 1250
resize         resize d1 128
remove         remove d1
undo           undo 3
import         image import --use disk img FILE
san-add        san add MORE
'

problem() { echo "  $*"; bad=1; }
t() { RANGE=20-3000 "$TRY" "$disk" one "$@"; }
v() { "$VOLMGR" --container one "$@"; }
part() { sfdisk -d "$disk" | awk -v l="name=\"byre-one-$1\"" 'index($0, l) { print $1 }'; }
command -v jq >/dev/null || jq() { LD_LIBRARY_PATH=$KIT "$KIT/jq" "$@"; }
document() { "$BIN/try-check" "$state" get; }
missing_pvs() { lvm vgs --config 'global{system_id_source="lvmlocal"} local{system_id="byre-one"} devices{use_devicesfile=0}' --noheadings -o vg_missing_pv_count one 2>/dev/null | tr -d ' '; }
pvs() { document | jq -c '.pvs | length'; }
# What a crash must leave whole: everything that the state says of volumes, and where LVM has what.
volumes() { document | jq -Sc '[.images[] | {name, version, filling}], [.volumes[] | {name, kind, node, image, bytes, thin, undo, data: ([.data[][2]] | add), metadata: ([.metadata[][2]] | add // 0)}]'; }

# Places that an operation changes beside stores: both document slots, intent, history, LVM's metadata. "DEVICE OFFSET LENGTH", MiB.
places() { printf '%s\n' "$state 48 1" "$state 80 1" "$state 144 1" "$state 180 1" "$pv 0 20"; }
# The disk that is to be added is blank.
blank() { [ -z "$more" ] || { blkdiscard -f "$more" && blockdev --rereadpt "$more"; } 2>/dev/null; }
save() { local n=0 d o l; places | while read -r d o l; do dd if="$d" of="$work/saved.$n" bs=1M skip="$o" count="$l" iflag=direct 2>/dev/null; n=$((n + 1)); done; }
restore() { local n=0 d o l; places | while read -r d o l; do dd if="$work/saved.$n" of="$d" bs=1M seek="$o" count="$l" oflag=direct conv=fsync 2>/dev/null; n=$((n + 1)); done; blank; }

# The bytes of the image and of node 1's store, by the segments that the first state gave.
digest() {
  local start count
  while read -r start count; do
    dd if="$pv" bs=4M iflag=direct,skip_bytes skip="$start" count="$count" 2>/dev/null
  done <"$work/known" | sha256sum
}

prepare() {
  # shellcheck disable=SC2016 # expanded by try-volmgr's shell
  t install 3 16 512 64 0 0 'mkfs.ext4 -q $d' >"$work/out" 2>&1 || return 1
  state=$(part state) pv=$(part pv)
  mkdir -p "$work/m"
  { dev=$(t compose node1.root) && mount "$dev" "$work/m" && head -c 4M /dev/urandom >"$work/m/known" && umount "$work/m" && t release node1.root; } || return 1
  t compose node3.root >/dev/null && t release node3.root && truncate -s 8M "$work/file" && mkfs.ext4 -q "$work/file" || return 1
  { v create --size 64 --store 16 d1 && v reset --keep 3; } >"$work/out" 2>&1 || return 1
  document | jq -r '.pvs[0].pe_start as $p | (.images[0].segments + (.volumes[] | select(.name == "node1.root") | .metadata + .data))[] | "\($p * 512 + .[1] * 4194304) \(.[2])"' >"$work/known"
  digest >"$work/digest"
  volumes >"$work/before"
  save
}

# operate K WHEN OPERATION...: its exit status.
operate() {
  local k=$1 when=$2
  shift 2
  rm -f "$work/count"
  CRASH_COUNT=$work/count CRASH_AT=$k CRASH_WHEN=$when CRASH_LOG=$work/steps LD_PRELOAD=$BIN/crash.so setsid --wait "$VOLMGR" --container one "$@" >"$work/op.out" 2>"$work/op.err"
}

# judged NAME K WHEN STATUS: what is left after a crash.
judged() {
  local at="$1 at $2 ($3)"
  v check --json >"$work/check" 2>"$work/check.err"
  grep -q '"outcome": "fault"' "$work/check" && problem "$at: cannot be repaired: $(grep -A4 '"fault"' "$work/check" | tr -d '\n')"
  grep -q '"fault"' "$work/check" && sed -n 's/^ *"fault": "\(.*\)",/\1/p' "$work/check" >>"$work/kinds"
  v check --repair >"$work/check" 2>&1 || problem "$at: repair: $(cat "$work/check")"
  v check >"$work/check" 2>&1 || problem "$at: not clean after repair: $(cat "$work/check")"
  volumes >"$work/now"
  # A disk is the container's, or blank and can be taken.
  if [ "$1" = san-add ] && [ "$(pvs)" = 1 ]; then
    v san add "$more" >"$work/check" 2>&1 || problem "$at: the disk cannot be added any more: $(cat "$work/check")"
    [ "$4" != 0 ] || problem "$at: acknowledged, but not there"
    [ "$(missing_pvs)" = 0 ] || problem "$at: LVM misses a PV, and changes nothing until that is there"
  fi
  if [ "$4" = 0 ]; then
    cmp -s "$work/now" "$work/after" || problem "$at: acknowledged, but not there"
  elif ! cmp -s "$work/now" "$work/before" && ! cmp -s "$work/now" "$work/after"; then
    problem "$at: half done: $(diff "$work/before" "$work/now")"
  fi
  [ "$(digest)" = "$(cat "$work/digest")" ] || problem "$at: known bytes changed"
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
  cmp -s "$work/before" "$work/after" && [[ $name != reset && $name != san-add ]] && problem "$name: nothing has changed"
  if [ "$points" = all ]; then
    mapfile -t ks < <(seq "$n")
  else
    ks=()
    for ((k = 0; k < points && n > 0; k++)); do ks+=($((RANDOM % n + 1))); done
  fi
  for k in "${ks[@]}"; do
    when=before
    ((RANDOM % 2)) && when=after
    restore
    operate "$k" "$when" "$@" 2>/dev/null # the shell tells of the kill
    status=$?
    runs=$((runs + 1))
    judged "$name" "$k" "$when" "$status"
  done
  if [ -z "$bad" ]; then
    echo "ok crash: $name: $runs of $n points, found and repaired: $(sort "$work/kinds" | uniq -c | awk '{ printf "%s%s %s", s, $1, $2; s = ", " }')"
  else
    echo "FAIL crash: $name"
    failed=1
  fi
}

modprobe -qa dm-mod dm-thin-pool dm-zero
# An import that was cut off is known to be over where it was begun: on a node.
mkdir -p /run/byre && echo 1 >/run/byre/node
if prepare; then
  while read -r name operation; do
    case " ${TESTS:-$name} " in *" $name "*) ;; *) continue ;; esac
    # shellcheck disable=SC2086 # words
    [ -z "$name" ] || { [ "$name" = san-add ] && [ -z "$more" ]; } || { operation=${operation/MORE/$more}; campaign "$name" ${operation/FILE/$work/file}; }
  done <<<"$operations"
else
  echo "FAIL crash: preparing: $(cat "$work/out")"
  failed=1
fi
rm -rf "$work"
exit $failed
