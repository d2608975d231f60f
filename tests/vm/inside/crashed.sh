# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What crash.sh and power.sh share: a container to crash, what is done to it, and the judgement on what is left. Whoever sources this has set
#	disk more work	the disk that is overwritten, another one for it to grow to ('' = none), and a directory of its own
# and has a function known_whole: the bytes of $work/known ("OFFSET EXTENTS" of $pv) are what they were.

failed=0
bad=
turn=0 # what crashes leave is mended in two ways, by turns
state='' pv='' # its partitions
# Operations that change no volume: nothing tells before from after but that they say that they are done. And what the next change would change as well.
# shellcheck disable=SC2034
declare -A same=([reset]=1 [san-add]=1 [reset-there]=1) alone=([reset]=1 [reset-there]=1 [san-add]=1 [image-default]=1)

# Each operation is one line: its name and what is run. The slab has 1 GiB to spare: those that want more cost an LVM commit.
# shellcheck disable=SC2034 # used by who sources this
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
image-default  image default spare@1
image-remove   image remove spare@1
'

# Which of the names given are to be crashed: TESTS; or all, when all points are; or so many as CRASH_OPERATIONS says.
operations_of() {
  if [ -n "${TESTS-}" ]; then
    echo "$TESTS"
  elif [ "${CRASH_POINTS-}" = all ] || [ -z "${CRASH_OPERATIONS-}" ]; then
    echo "$*"
  else
    shuf -n "$CRASH_OPERATIONS" --random-source=<(yes "$CRASH_SEED" 2>/dev/null) -e "$@" | tr '\n' ' '
  fi
}
operation_names() { awk 'NF { print $1 }' <<<"$operations"; }

problem() { echo "  $*"; bad=1; }
t() { RANGE=20-3000 "$TRY" "$disk" one "$@"; }
v() { "$VOLMGR" --container one "$@"; }
part() { sfdisk -d "${2-$disk}" | awk -v l="name=\"byre-one-$1\"" 'index($0, l) { print $1 }'; }
command -v jq >/dev/null || jq() { LD_LIBRARY_PATH=$KIT "$KIT/jq" "$@"; }
document() { "$BIN/try-check" "$state" get; }
# What a crash must leave whole: everything that the state says of volumes, and where LVM has what.
volumes() { document | jq -Sc '.default_image, [.images[] | {name, version, filling}], [.volumes[] | {name, kind, node, image, bytes, thin, undo, data: ([.data[][2]] | add), metadata: ([.metadata[][2]] | add // 0)}]'; }

# One that nodes could boot, as far as anybody looks, and nobody does.
spare_image() {
  mkdir -p "$work/tree"/{boot,sbin} && head -c 64K /boot/vmlinuz >"$work/tree/boot/vmlinuz" && echo >"$work/tree/boot/initrd" &&
    printf '#!/bin/sh\n' >"$work/tree/sbin/init" && chmod 755 "$work/tree/sbin/init" && truncate -s 8M "$work/spare" &&
    mkfs.ext4 -q -d "$work/tree" "$work/spare" && v image import --use node spare "$work/spare"
}

prepare() {
  # shellcheck disable=SC2016 # expanded by try-volmgr's shell
  t install 3 16 512 64 0 0 'mkfs.ext4 -q $d' >"$work/out" 2>&1 || return 1
  state=$(part state) pv=$(part pv)
  mkdir -p "$work/m"
  { dev=$(t compose node1.root) && mount "$dev" "$work/m" && head -c 4M /dev/urandom >"$work/m/known" && umount "$work/m" && t release node1.root; } || return 1
  t compose node3.root >/dev/null && t release node3.root && truncate -s 8M "$work/file" && mkfs.ext4 -q "$work/file" || return 1
  { v create --size 64 --store 16 d1 && v reset --keep 3 && spare_image; } >"$work/out" 2>&1 || return 1
  # shellcheck disable=SC2016 # jq's
  document | jq -r '.pvs[0].pe_start as $p | (.images[0].segments + (.volumes[] | select(.name == "node1.root") | .metadata + .data))[] | "\($p * 512 + .[1] * 4194304) \(.[2])"' >"$work/known"
  volumes >"$work/before"
  document >"$work/document"
}

# The heads of volumes that are not in $work/document, the state before, and of RESET: what lay there must not be seen in them. Each a PV's number and an offset in it.
heads() {
  document | jq -r --slurpfile before "$work/document" --arg reset "$1" '.pvs as $pvs | [$before[0].volumes[].name | select(. != $reset)] as $old
    | .volumes[] | select(.name | IN($old[]) | not) | (.metadata + .data)[0] | "\(.[0]) \($pvs[.[0]].pe_start * 512 + .[1] * 4194304)"'
}
pv_device() { if [ "$1" = 0 ]; then echo "$pv"; else part pv "$more"; fi; }
spoil() {
  local n at
  while read -r n at; do
    head -c 4096 /dev/zero | tr '\0' X | dd of="$(pv_device "$n")" bs=4096 oflag=direct,seek_bytes seek="$at" conv=fsync,notrunc 2>/dev/null
  done <"$work/heads"
}
spoiled() {
  local n at
  while read -r n at; do
    dd if="$(pv_device "$n")" bs=4096 count=1 iflag=direct,skip_bytes skip="$at" 2>/dev/null
  done <"$work/heads" | tr -d '\0' | grep -q .
}

missing_pvs() { lvm vgs --config 'global{system_id_source="lvmlocal"} local{system_id="byre-one"} devices{use_devicesfile=0}' --noheadings -o vg_missing_pv_count one 2>/dev/null | tr -d ' '; }
# judged_disk AT STATUS: a disk that was to be added is the container's, or blank and can be taken.
judged_disk() {
  [ "$(document | jq '.pvs | length')" = 1 ] || return
  v san add "$more" >"$work/check" 2>&1 || problem "$1: the disk cannot be added any more: $(cat "$work/check")"
  [ "$2" != 0 ] || problem "$1: acknowledged, but not there"
  [ "$(missing_pvs)" = 0 ] || problem "$1: LVM misses a PV, and changes nothing until that is there"
}

# found AT: $work/check, as check --json wrote it, names nothing that stays, and goes to the kinds.
found() {
  grep -q '"outcome": "fault"' "$work/check" && problem "$1: cannot be repaired: $(grep -A4 '"fault"' "$work/check" | tr -d '\n')"
  grep -q 'has to be done again' "$work/check" && problem "$1: a document's header was there before its text"
  sed -n 's/^ *"fault": "\(.*\)",/\1/p' "$work/check" >>"$work/kinds"
}

# by_check AT: what is left is repaired, if there is anything; that ends with another look.
by_check() {
  v check --repair --json >"$work/check" 2>"$work/check.err" || problem "$1: not clean after repair: $(cat "$work/check.err" "$work/check")"
  found "$1"
}

# by_change AT: whoever changes anything next mends it in passing. An image that nobody fills any more waits for an admin.
by_change() {
  v check --json >"$work/check" 2>"$work/check.err" && [ -z "${CRASH_MEND-}" ] && return
  found "$1"
  v reset 2 >"$work/check" 2>&1 || problem "$1: the next change: $(cat "$work/check")"
  v check --json >"$work/check" 2>"$work/check.err" && return
  jq -e 'all(.findings[]; .outcome == "note" or .fault == "image-filling")' "$work/check" >/dev/null || problem "$1: not clean after the next change: $(cat "$work/check.err" "$work/check")"
  v check --repair >"$work/check" 2>&1 || problem "$1: not clean after the next change and repair: $(cat "$work/check")"
}

# judged NAME AT STATUS: what is left after a crash of operation NAME at AT. STATUS 0: the operation had told that it was done.
judged() {
  local at="$1 at $2" is=between
  set -- "$1" "$3"
  if ((turn++ % 2)) && [ -z "${alone[$1]-}" ]; then by_change "$at"; else by_check "$at"; fi
  volumes >"$work/now"
  cmp -s "$work/now" "$work/before" && is=before
  [ "$2" != 0 ] && [ $is = before ] || { cmp -s "$work/now" "$work/after" && is=after; }
  case $is:$2 in
    between:0 | before:0) problem "$at: acknowledged, but not there: $(diff "$work/after" "$work/now")" ;;
    between:*) problem "$at: half done: $(diff "$work/before" "$work/now")" ;;
    after:*) spoiled && problem "$at: a new volume shows what lay there before" ;;
  esac
  known_whole || problem "$at: known bytes changed"
  [ "$1" != san-add ] || judged_disk "$at" "$2"
}

# How often each kind of fault was found: "3 intent, 1 slot".
kinds() { sort "$work/kinds" | uniq -c | awk '{ printf "%s%s %s", s, $1, $2; s = ", " }'; }
