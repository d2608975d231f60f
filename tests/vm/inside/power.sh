#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Power cuts at every write. Each operation runs once on a disk that logs its writes and flushes (device-mapper's log-writes); then the disks are made that a power
# cut may have left: all writes up to one; up to the last flush before it, with any of the later ones lost; one of them torn (replay.c). Each is judged as
# crash.sh does. The disk of all this is a file behind Linux's own SCSI target, as volmgr takes no other kind. OVERWRITES the last disk given with logs.
# usage: power.sh ... DISK       CRASH_POINTS: points of each operation (default 4), "all" for every one, CRASH_SEED: which;
#                                or points by their names   TRY, BIN, VOLMGR: the programs   TESTS: names of operations
set -u
log=${!#}
work=/run/power
target=/sys/kernel/config/target
loopback=$target/loopback/naa.5001405000000001
serial=b74e0001
# shellcheck disable=SC1091 # written by test-crash.sh
[ ! -r "${KIT:-}/crash.conf" ] || . "$KIT/crash.conf"
points=${CRASH_POINTS:-4}
seed=${CRASH_SEED:-1}
RANDOM=$seed
# shellcheck source=crashed.sh
. "$(dirname "$0")/crashed.sh"
r() { "$BIN/replay" "$@"; }

# --- the disk: $work/disk, a loop device, a dm device that logs or does not, a SCSI target, a SCSI disk ------------------------------------------------

table() { # linear or log
  local size
  size=$(blockdev --getsz "$loop")
  if [ "$1" = log ]; then echo "0 $size log-writes $loop $log"; else echo "0 $size linear $loop 0"; fi
}
switch() { dmsetup load power --table "$(table "$1")" && dmsetup suspend --noflush power && dmsetup resume power; }

scsi_disk() {
  local d
  for d in /sys/block/sd*; do
    grep -qs "naa.6001405$serial" "$d/device/wwid" && { echo "/dev/${d##*/}"; return; }
  done
  return 1
}

attach() {
  mkdir -p $target/core/iblock_0/power $loopback/tpgt_1/lun/lun_0 &&
    echo -n udev_path=/dev/mapper/power >$target/core/iblock_0/power/control && echo 1 >$target/core/iblock_0/power/enable &&
    echo -n $serial >$target/core/iblock_0/power/wwn/vpd_unit_serial &&
    echo 0 >$target/core/iblock_0/power/attrib/emulate_fua_write && # the file below knows flushes only: the kernel makes of a forced write a write and a flush
    echo 1 >$target/core/iblock_0/power/attrib/emulate_tpu && echo 1 >$target/core/iblock_0/power/attrib/unmap_zeroes_data &&
    echo -n naa.5001405000000002 >$loopback/tpgt_1/nexus && ln -s $target/core/iblock_0/power $loopback/tpgt_1/lun/lun_0/power &&
    udevadm settle && disk=$(scsi_disk)
}

build() {
  mkdir -p $work && mount -t tmpfs -o size=90% none $work && truncate -s 3G $work/disk $work/empty && loop=$(losetup -f --show $work/disk) &&
    dmsetup create power --table "$(table linear)" && attach
}

# What was changed below it, or is to be read below it.
fresh() { blockdev --flushbufs "$disk" && for d in "$disk"?*; do [ ! -b "$d" ] || blockdev --flushbufs "$d"; done; }

# start_of PARTITION: bytes
start_of() { sfdisk -d "$disk" | awk -F '[=,]' -v n="name=\"$1\"" 'index($0, n) { print $2 * 512 }'; }

# --- points --------------------------------------------------------------------------------------------------------------------------------------------

# keep FILE: the disk as it is now, as FILE.
keep() { fresh && cp --sparse=always $work/disk "$1"; }

known_whole() {
  local at extents
  while read -r at extents; do echo "$((at + pv_at)) $((extents * 4194304))"; done <"$work/known" | r same $work/base $work/disk
}

# record COMMAND...: it runs, and its writes are logged, up to a mark at its end.
record() {
  local status
  switch log || return 1
  "$@" >"$work/op.out" 2>"$work/op.err"
  status=$?
  dmsetup message power 0 mark end
  fresh # what is in the kernel's cache only is written, behind the mark
  switch linear && blockdev --flushbufs "$log"
  return $status
}

# Where volumes lie, "FROM TO": of what is written there nothing can be told before all of it is, so that a cut after each write says nothing new.
volumes_range() { echo "$((pv_at + $(document | jq '.pvs[0].pe_start') * 512)) $((pv_at + $(blockdev --getsize64 "$(part pv)") - (2 << 20)))"; }

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

# cut POINT: the disk as it was left there. 1: that one was judged before.
cut() {
  local sum
  sum=$(r make "$log" $work/base $work/disk "$1") || { problem "replay: $sum"; return 1; }
  fresh
  [ -z "${judged_before[$sum]-}" ] || return 1
  judged_before[$sum]=1
}

# It holds on to the partition that it works with. Its next start is that of a machine that comes back.
stop_sanlock() {
  local pid
  pid=$(cat /run/sanlock/sanlock.pid 2>/dev/null) && grep -qsx sanlock "/proc/$pid/comm" && kill -KILL "$pid" && while kill -0 "$pid" 2>/dev/null; do :; done
}

# told NAME N TOTAL
told() {
  if [ -z "$bad" ]; then
    echo "ok power: $1: $2 disks of $3 points, $(grep -c 'flush' $work/shown) flushes, found and repaired: $(kinds)"
  else
    echo "FAIL power: $1"
    failed=1
  fi
}

# campaign NAME OPERATION...
campaign() {
  local name=$1 quiet='' point is_done runs=0
  local -A judged_before=()
  shift
  bad=
  : >"$work/kinds"
  : >"$work/heads"
  r restore $work/first $work/disk && fresh
  case $name in # once more than needed: to know where the new volumes will lie
    create*) v "$@" >"$work/op.out" 2>&1 && heads '' >"$work/heads" && r restore $work/first $work/disk && fresh ;;
    reset) heads node2.root >"$work/heads" ;;
  esac
  spoil
  keep $work/base
  record v "$@" || problem "$name: $(cat "$work/op.err")"
  fresh
  volumes >"$work/after"
  cmp -s "$work/before" "$work/after" && [ "$name" != reset ] && problem "$name: nothing has changed"
  r show "$log" >$work/shown
  [ "$(grep -c flush $work/shown)" -gt 1 ] || problem "$name: the disk saw no flushes"
  [ "$name" != import ] || quiet=$(volumes_range)
  REPLAY_QUIET=$quiet r points "$log" 4 "$seed" >$work/points
  while read -r point is_done; do
    cut "$point" || continue
    runs=$((runs + 1))
    judged "$name at $point${is_done:+ (after its end)}" "$([ -n "$is_done" ]; echo $?)"
    if [ "$name" = import ] && cmp -s "$work/now" "$work/after"; then v image verify >"$work/check" 2>&1 || problem "$name at $point: $(cat "$work/check")"; fi
  done < <(some_points "$points")
  # Once with the lease as it was then: held by this machine before the cut.
  read -r point is_done < <(shuf -n 1 --random-source=<(yes "$name" 2>/dev/null) $work/points)
  stop_sanlock
  REPLAY_SKIP='' cut "$point" && judged "$name at $point, with the lease${is_done:+ (after its end)}" "$([ -n "$is_done" ]; echo $?)"
  [ -z "$bad" ] || cat $work/shown
  told "$name" "$runs" "$(wc -l <$work/points)"
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
  echo "$other_bytes" | r same $work/base $work/disk || problem "$at: the other partition's bytes changed"
  # What was cut off is no hindrance to the next.
  [ $is = whole ] || ((runs % 8)) || install >"$work/check" 2>&1 || problem "$at: and installing again: $(cat "$work/check")"
}

# shellcheck disable=SC2016 # expanded by try-volmgr's shell
install() { t install 3 16 512 64 0 0 'mkfs.ext4 -q $d'; }

installing() {
  local point is_done runs=0
  local -A judged_before=()
  bad=
  : >"$work/kinds"
  REPLAY_SKIP='' r restore $work/empty $work/disk
  reread
  echo 'size=8MiB, name="other"' | sfdisk -q -X gpt "$disk" && udevadm settle
  other=$(sfdisk -d "$disk" | grep '"other"')
  other_bytes="$(start_of other) $((8 << 20))"
  dd if=/dev/urandom of="${disk}1" bs=1M count=8 oflag=direct conv=fsync 2>/dev/null
  keep $work/base
  record install || problem "installing: $(cat "$work/op.err")"
  r show "$log" >$work/shown
  state=$(part state) pv_at=$(start_of byre-one-pv)
  REPLAY_QUIET=$(volumes_range) r points "$log" 2 "$seed" >$work/points
  while read -r point is_done; do
    cut "$point" || continue
    runs=$((runs + 1))
    judged_installation "installing at $point${is_done:+ (after its end)}" "$is_done"
  done < <(some_points "$points")
  [ -z "$bad" ] || cat $work/shown
  told installing "$runs" "$(wc -l <$work/points)"
}

modprobe -qa loop dm-mod dm-log-writes dm-thin-pool dm-zero target_core_mod target_core_iblock tcm_loop
mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
mkdir -p /run/byre && echo 1 >/run/byre/node && echo mac=52:54:00:00:00:01 >/run/byre/san
stop_sanlock
if ! build; then
  echo 'FAIL power: a disk that logs cannot be made'
  exit 1
fi
# shellcheck disable=SC2046 # words
chosen=$(operations_of installing $(operation_names))
[[ " $chosen " != *' installing '* ]] || installing
REPLAY_SKIP='' r restore $work/empty $work/disk && reread
if prepare; then
  at=$(start_of byre-one-state) pv_at=$(start_of byre-one-pv)
  # The lease is sanlock's, which goes on working there.
  export REPLAY_SKIP="$((at + (8 << 20))) $((at + (48 << 20)))"
  keep $work/first
  while read -r name operation; do
    [[ " $chosen " == *" $name "* ]] || continue
    # shellcheck disable=SC2086 # words
    [ -z "$name" ] || campaign "$name" ${operation/FILE/$work/file}
  done <<<"$operations"
else
  echo "FAIL power: preparing: $(cat "$work/out" 2>/dev/null)"
  failed=1
fi
exit $failed
