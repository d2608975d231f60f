#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Power cuts at every write. Each operation runs once on disks that log their writes and flushes (logged.c); then the disks are made that a power cut may have left:
# all writes up to one; what the disks had promised to keep, with any of the others lost; one of them torn; and what was promised when the operation said that it was
# done (replay.c). Each is judged as crash.sh does. The disks of all this are files behind Linux's own SCSI target, as volmgr takes no other kind.
# OVERWRITES the last disk given with logs.
# usage: power.sh ... DISK       CRASH_POINTS: points of each operation (default 4), "all" for every one, CRASH_SEED: which;
#                                or points by their names   TRY, BIN, VOLMGR: the programs   TESTS: names of operations
set -u
log=${!#}
work=/run/power
target=/sys/kernel/config/target
loopback=$target/loopback/naa.5001405000000001
numbers='0 1' # of the disks
more=
# shellcheck disable=SC1091 # written by test-crash.sh
[ ! -r "${KIT:-}/crash.conf" ] || . "$KIT/crash.conf"
points=${CRASH_POINTS:-4}
seed=${CRASH_SEED:-1}
# shellcheck source=crashed.sh
. "$(dirname "$0")/crashed.sh"
r() { "$BIN/replay" "$@"; }
# On a container that has no room left but on a disk that was added to it: what is made lies there, and the state here.
operations_there='
create-there   create --size 64 --store 16 one1
grow-there     grow e1 1250
reset-there    reset e1
import-there   image import --use disk img FILE
'

# --- the disks: each $work/diskN, served by logged as /dev/nbdN, a SCSI target, a SCSI disk -----------------------------------------------------------------

# tell WORD: see logged.c.
tell() { echo "$1" >&"${logged[1]}" && read -r _ <&"${logged[0]}"; }

serve() {
  local n
  modprobe nbd nbds_max=2 max_part=0 && truncate -s 3G $work/disk0 $work/disk1 || return 1
  coproc logged { exec "$BIN/logged" "$log" $work/disk0 /dev/nbd0 $work/disk1 /dev/nbd1; }
  for n in $numbers; do
    # shellcheck disable=SC2154 # the coproc's
    until [ "$(cat "/sys/block/nbd$n/size")" != 0 ]; do kill -0 "$logged_PID" 2>/dev/null || return 1; done
  done
}

serial() { echo "b74e000$1"; }
scsi_disk() {
  local d
  for d in /sys/block/sd*; do
    grep -qs "naa.6001405$(serial "$1")" "$d/device/wwid" && { echo "/dev/${d##*/}"; return; }
  done
  return 1
}

# attach N: what zeroes a range may give it back.
attach() {
  local store=$target/core/iblock_$1/power
  mkdir -p "$store" "$loopback/tpgt_1/lun/lun_$1" && echo -n "udev_path=/dev/nbd$1" >"$store/control" && echo 1 >"$store/enable" &&
    serial "$1" | tr -d '\n' >"$store/wwn/vpd_unit_serial" && echo 1 >"$store/attrib/emulate_tpu" && echo 1 >"$store/attrib/emulate_tpws" &&
    echo 1 >"$store/attrib/unmap_zeroes_data" && [ "$(cat "$store/attrib/emulate_fua_write")" = 1 ] &&
    { cat $loopback/tpgt_1/nexus >/dev/null 2>&1 || echo -n naa.5001405000000002 >$loopback/tpgt_1/nexus; } && ln -s "$store" "$loopback/tpgt_1/lun/lun_$1/power"
}

build() {
  mkdir -p $work && mount -t tmpfs -o size=90% none $work && serve && attach 0 && attach 1 && udevadm settle && disk=$(scsi_disk 0) && more=$(scsi_disk 1)
}

# What was changed below them, or is to be read below them. The kernel's partitions of MORE are those of the table that lies there now.
fresh() {
  local d devices=()
  for d in "$disk" "$disk"?* "$more" "$more"?*; do [ ! -b "$d" ] || devices+=("$d"); done
  blockdev --flushbufs "${devices[@]}"
  [ -z "${retable-}" ] || { blockdev --rereadpt "$more" && udevadm settle; }
}

# start_of PARTITION [DISK]: bytes
start_of() { sfdisk -d "${2-$disk}" 2>/dev/null | awk -F '[=,]' -v n="name=\"$1\"" 'index($0, n) { print $2 * 512 }'; }

# keep NAME: the disks as they are now, as that. back NAME: as they were then.
keep() {
  local n
  fresh
  for n in $numbers; do cp --sparse=always "$work/disk$n" "$work/$1$n" || return 1; done
}
back() {
  r restore "$work/${1}0" $work/disk0 && REPLAY_SKIP='' r restore "$work/${1}1" $work/disk1 && fresh
}

# --- points --------------------------------------------------------------------------------------------------------------------------------------------

known_whole() {
  local at extents
  while read -r at extents; do echo "$((at + pv_at)) $((extents * 4194304))"; done <"$work/known" | r same $work/base0 $work/disk0
}

# record COMMAND...: it runs, and what the disks are told is logged, with a mark at its end, and with what is in the kernel's cache only behind that.
record() {
  local status
  tell begin
  "$@" >"$work/op.out" 2>"$work/op.err"
  status=$?
  tell mark
  fresh
  tell end
  return $status
}

# Where volumes lie, "FROM TO" of each disk: of what is written there nothing can be told before all of it is, so that a cut after each write says nothing new.
volumes_range() {
  local start
  echo "$((pv_at + $(document | jq '.pvs[0].pe_start') * 512)) $((pv_at + $(blockdev --getsize64 "$(part pv)") - (2 << 20)))"
  start=$(start_of byre-one-pv "$more")
  [ -z "$start" ] || echo "$((start + $(document | jq '.pvs[1].pe_start') * 512)) $((start + $(blockdev --getsize64 "$(part pv "$more")") - (2 << 20)))"
}

# some_points COUNT: so many of all, in any order.
some_points() {
  if [ "$points" = all ]; then
    cat $work/points
  elif [[ $points == *.* ]]; then
    grep -wF -e "${points// /$'\n'}" $work/points
  else
    shuf -n "$1" --random-source=<(yes "$seed" 2>/dev/null) $work/points
  fi
}

# cut POINT IS_DONE: the disks as they were left there. 1: these were judged before, by no weaker measure.
cut() {
  local sum
  sum=$(r make "$log" "$1" $work/base0 $work/disk0 $work/base1 $work/disk1) || { problem "replay: $sum"; return 1; }
  fresh
  [ -z "${judged_before[$sum$2]-}" ] || return 1
  judged_before[$sum$2]=1
}

# It holds on to the partition that it works with. Its next start is that of a machine that comes back.
stop_sanlock() {
  local pid
  pid=$(cat /run/sanlock/sanlock.pid 2>/dev/null) && grep -qsx sanlock "/proc/$pid/comm" && kill -KILL "$pid" && while kill -0 "$pid" 2>/dev/null; do :; done
}

# told NAME N TOTAL
told() {
  if [ -z "$bad" ]; then
    echo "ok power: $1: $2 disks of $3 points, $(grep -c 'flush' $work/shown) flushes, in $((SECONDS - began)) s, found and repaired: $(kinds)"
  else
    echo "FAIL power: $1"
    failed=1
  fi
}

# cut_and_judged NAME POINT IS_DONE
cut_and_judged() {
  cut "$2" "$3" || return
  runs=$((runs + 1))
  judged "$1" "$2${3:+ (after its end)}" "$([ -n "$3" ]; echo $?)"
  [[ $1 != import* ]] || ! cmp -s "$work/now" "$work/after" || v image verify img@1 >"$work/check" 2>&1 || problem "$1 at $2: $(tail -n 1 "$work/check")"
}

# campaign NAME OPERATION...
campaign() {
  local name=$1 quiet='' retable='' point is_done runs=0 began=$SECONDS
  local -A judged_before=()
  shift
  bad=
  : >"$work/kinds"
  : >"$work/heads"
  [ "$name" != san-add ] || retable=1
  back first
  case $name in # once more than needed: to know where the new volumes will lie
    create*) v "$@" >"$work/op.out" 2>&1 && heads '' >"$work/heads" && back first ;;
    reset) heads node2.root >"$work/heads" ;;
    reset-there) heads e1 >"$work/heads" ;;
  esac
  [[ $name != create* && $name != reset && $name != reset-there ]] || [ -s "$work/heads" ] || problem "$name: where the new volumes lie is not known"
  spoil
  keep base
  record v "$@" || problem "$name: $(cat "$work/op.err")"
  fresh
  volumes >"$work/after"
  cmp -s "$work/before" "$work/after" && [ -z "${same[$name]-}" ] && problem "$name: nothing has changed"
  r show "$log" >$work/shown
  [ "$(grep -c flush $work/shown)" -gt 1 ] || problem "$name: the disks saw no flushes"
  [[ $name != *-there ]] || grep -q 'disk 1 .*counts' $work/shown || problem "$name: nothing was written there"
  [[ $name != import* ]] || quiet=$(volumes_range)
  REPLAY_QUIET=$quiet r points "$log" 4 "$seed" >$work/points
  while read -r point is_done; do
    cut_and_judged "$name" "$point" "$is_done"
  done < <(some_points "$points")
  # Once with the lease as it was then: held by this machine before the cut.
  read -r point is_done < <(shuf -n 1 --random-source=<(yes "$name" 2>/dev/null) $work/points)
  stop_sanlock
  judged_before=()
  REPLAY_SKIP='' cut_and_judged "$name" "$point" "$is_done"
  [ -z "$bad" ] || cat $work/shown
  told "$name" "$runs" "$(wc -l <$work/points)"
}

# campaigns OPERATIONS: those that are chosen, each on the disks as they were kept as first.
campaigns() {
  local name operation
  volumes >"$work/before"
  document >"$work/document"
  keep first
  while read -r name operation; do
    [[ " $chosen " == *" $name "* ]] || continue
    operation=${operation/MORE/$more}
    # shellcheck disable=SC2086 # words
    [ -z "$name" ] || campaign "$name" ${operation/FILE/$work/file}
  done <<<"$1"
}

# --- installing --------------------------------------------------------------------------------------------------------------------------------------------

# The kernel's partitions are those of the table that lies there now.
reread() {
  stop_sanlock
  fresh
  blockdev --rereadpt "$disk" && udevadm settle
}

# judged_installation AT IS_DONE: others' partitions are there, and of ours there is nothing, or what --restart takes away, or all.
judged_installation() {
  local at=$1 is
  reread || problem "$at: the partitions cannot be read again"
  [ "$(sfdisk -d "$disk" 2>/dev/null | grep '"other"')" = "$other" ] || problem "$at: the other partition has gone from the table"
  [ -b "${disk}1" ] || problem "$at: the kernel does not know the other partition any more"
  if [ -z "$(part state)$(part pv)" ]; then
    is=nothing
  elif t remove-unfinished 2>"$work/check.err"; then
    is=unfinished
    [ -z "$(part state)$(part pv)" ] || problem "$at: unfinished, and not gone when it was removed"
  elif v check >"$work/check" 2>&1 && v image verify >>"$work/check" 2>&1; then
    is=whole
  else
    is=neither
    problem "$at: neither whole nor to be removed: $(cat "$work/check.err" "$work/check")"
  fi
  echo $is >>"$work/kinds"
  [ -z "$2" ] || [ $is = whole ] || problem "$at: installed, and not there"
  echo "$other_bytes" | r same $work/base0 $work/disk0 || problem "$at: the other partition's bytes changed"
  # What was cut off is no hindrance to the next.
  [ $is = whole ] || ((runs % 8)) || install >"$work/check" 2>&1 || problem "$at: and installing again: $(cat "$work/check")"
}

# shellcheck disable=SC2016 # expanded by try-volmgr's shell
install() { t install 3 16 512 64 0 0 'mkfs.ext4 -q $d'; }

installing() {
  local point is_done runs=0 began=$SECONDS
  local -A judged_before=()
  bad=
  : >"$work/kinds"
  echo 'size=8MiB, name="other"' | sfdisk -q -X gpt "$disk" && udevadm settle
  other=$(sfdisk -d "$disk" | grep '"other"')
  other_bytes="$(start_of other) $((8 << 20))"
  dd if=/dev/urandom of="${disk}1" bs=1M count=8 oflag=direct conv=fsync 2>/dev/null
  keep base
  record install || problem "installing: $(cat "$work/op.err")"
  r show "$log" >$work/shown
  state=$(part state) pv_at=$(start_of byre-one-pv)
  REPLAY_QUIET=$(volumes_range) r points "$log" 2 "$seed" >$work/points
  while read -r point is_done; do
    cut "$point" "$is_done" || continue
    runs=$((runs + 1))
    judged_installation "installing at $point${is_done:+ (after its end)}" "$is_done"
  done < <(some_points "$points")
  [ -z "$bad" ] || cat $work/shown
  told installing "$runs" "$(wc -l <$work/points)"
  back empty && reread
}

# --- a container without room -------------------------------------------------------------------------------------------------------------------------------

# All that is left is given away, most of it at once.
fill() {
  local size n=0 room
  room=$(document | jq '(.pvs[0].extents - ([.images[].segments[][2], (.volumes[] | (.data + .metadata)[][2])] | add)) * 4')
  for size in $((room - 64)) 32 8 4; do
    while v create --size $size --store $size "fill$n" >"$work/out" 2>&1; do n=$((n + 1)); done
  done
}

# Then a disk is added, and what is made next lies there.
grow_there() { v san add "$more" && v create --size 64 --store 16 e1 && document | jq -e '[.volumes[] | select(.name == "e1") | .data[][0]] == [1]'; }

wants() { # NAMES: one of them is chosen
  local name
  for name; do [[ " $chosen " != *" $name "* ]] || return 0; done
  return 1
}

without() { echo "FAIL power: preparing $1: $(cat "$work/out" 2>/dev/null)"; exit 1; }

modprobe -qa dm-mod dm-thin-pool dm-zero target_core_mod target_core_iblock tcm_loop
mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
mkdir -p /run/byre && echo 1 >/run/byre/node && echo mac=52:54:00:00:00:01 >/run/byre/san
stop_sanlock
if ! build; then
  echo 'FAIL power: disks that log cannot be made'
  exit 1
fi
keep empty
there=$(awk 'NF { print $1 }' <<<"$operations_there")
# shellcheck disable=SC2046,SC2086 # words
chosen=$(operations_of installing $(operation_names) san-add $there)
! wants installing || installing
prepare || without 'a container'
# The lease is sanlock's, which goes on working there.
at=$(start_of byre-one-state) pv_at=$(start_of byre-one-pv)
export REPLAY_SKIP="$((at + (8 << 20))) $((at + (48 << 20)))"
campaigns "$operations"
# shellcheck disable=SC2086 # words
if wants san-add $there; then
  back first
  fill
  campaigns 'san-add san add MORE'
  retable=1 back first
  grow_there >"$work/out" 2>&1 || without 'a disk more'
  campaigns "$operations_there"
fi
exit $failed
