#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Many volumes at once: made, reset and removed by volmgr; beside LVM snapshots, thin snapshots and qcow2 files on another disk, as many as go in MANY_LIMIT seconds. OVERWRITES both disks.
# One line each: BENCH METHOD N ACTION LVM-COMMITS GENERATIONS DM-IOCTLS WRITES SECTORS MS, the writes being those at the disk; or
# UNTRIED METHOD N: by how long fewer took, so many would take more than MANY_LIMIT seconds.
# usage: bench-many.sh DISK DISK    TRY, VOLMGR: the programs; SIZES, OTHERS: numbers of volumes, for us and for the others
# shellcheck disable=SC2317 # called by name
set -u
ours=$(readlink -f "$1") theirs=$(readlink -f "$2")
work=$(mktemp -d)
trace=/sys/kernel/tracing
limit=${MANY_LIMIT:-300}
took=0

die() { echo "FAIL bench-many: $*"; exit 1; }
lvm_() { LVM_SUPPRESS_FD_WARNINGS=1 lvm "$@" 2>/dev/null; }
commits() { lvm_ vgs --foreign --noheadings -o vg_seqno "$1" | tr -d ' '; }
generation() { "$VOLMGR" state show | sed -n 's/^  "generation": \([0-9]*\),.*/\1/p'; }
ioctls() { awk '$1 == "dm_ioctls" { print $2 }' $trace/kprobe_profile; }
disk_writes() { awk '{ print $5, $7 }' "/sys/block/${1##*/}/stat"; }

# changes METHOD: LVM commits and generations so far. What asks for them makes ioctls, too.
changes() {
  case $1 in
  byre) echo "$(commits one) $(generation)" ;;
  qcow2) echo "0 0" ;;
  *) echo "$(commits other) 0" ;;
  esac
}

# done_by METHOD: ioctls, writes and sectors so far.
done_by() { if [ "$1" = byre ]; then echo "$(ioctls) $(disk_writes "$ours")"; else echo "$(ioctls) $(disk_writes "$theirs")"; fi; }

# measure METHOD N ACTION COMMAND...
measure() {
  local before after start end i line="BENCH $1 $2 $3"
  sync
  read -r -a before <<<"$(changes "$1") $(done_by "$1")"
  start=$(date +%s%N)
  "${@:4}" >"$work/out" 2>&1 || die "$1 $2 $3: $(tail -n 1 "$work/out")"
  sync
  end=$(date +%s%N)
  read -r -a after <<<"$(done_by "$1")"
  read -r -a after <<<"$(changes "$1") ${after[*]}"
  for i in 0 1 2 3 4; do line+=" $((after[i] - before[i]))"; done
  took=$(((end - start) / 1000000))
  echo "$line $took"
}

byre() {
  local n=$1 names
  names=$(seq -f "many$n-%g" "$n")
  measure byre "$n" create "$VOLMGR" create --count "$n" --prefix "many$n-" --image try@1 --store 4
  # shellcheck disable=SC2086 # names
  measure byre "$n" reset "$VOLMGR" reset $names
  # shellcheck disable=SC2086
  measure byre "$n" remove "$VOLMGR" remove $names
}

each() {
  local i
  for ((i = 1; i <= n; i++)); do "$@" "$i" || return 1; done
}
make_snapshot() { lvm_ lvcreate -qq -s -L 4M -n "s$1" other/origin; }
make_thin() { lvm_ lvcreate -qq -s -kn -n "t$1" other/thin; }
make_qcow2() { qemu-img create -q -f qcow2 -F raw -b "$work/mount/origin" "$work/mount/q$1"; }
remove_qcow2() { rm "$work/mount/q"*; }

# up_to METHOD POWER COMMAND...: COMMAND N for one N after the other; the time grows with its POWER at least, which shows from 10 on.
up_to() {
  local method=$1 power=$2 n last=0 made=0 expected
  shift 2
  for n in ${OTHERS:-1 10 30 100 1000}; do
    expected=$((last >= 10 ? made * (n * 10 / last) ** power / 10 ** power : 0))
    if ((expected > limit * 1000)); then echo "UNTRIED $method $n"; continue; fi
    "$@" "$n"
  done
}
create_n() {
  measure "$method" "$n" create each "$1"
  last=$n made=$took
}
# shellcheck disable=SC2046 # names
snapshots() { create_n make_snapshot && measure "$method" "$n" remove lvm_ lvremove -qq -y $(seq -f 'other/s%g' "$n"); }
# shellcheck disable=SC2046
thins() { create_n make_thin && measure "$method" "$n" remove lvm_ lvremove -qq -y $(seq -f 'other/t%g' "$n"); }
qcow2s() { create_n make_qcow2 && measure "$method" "$n" remove remove_qcow2; }

prepare() {
  modprobe -q dm-mod
  modprobe -q dm-thin-pool
  modprobe -q dm-snapshot
  mountpoint -q $trace || mount -t tracefs none $trace
  grep -q dm_ioctls $trace/kprobe_events || echo 'p:dm_ioctls dm_ctl_ioctl' >$trace/kprobe_events
  echo 1 >$trace/events/kprobes/dm_ioctls/enable || die 'no kprobes'
  echo 'label: gpt' | sfdisk -q "$ours" || die sfdisk
  # shellcheck disable=SC2016 # expanded by try-volmgr's shell
  "$TRY" "$ours" one install 1 64 512 64 0 0 'mkfs.ext4 -q $d' >"$work/out" 2>&1 || die "$(cat "$work/out")"
  "$VOLMGR" create first --size 16 --store 4 >/dev/null || die 'the lease'
  printf 'label: gpt\n,1G\n,\n' | sfdisk -q "$theirs" && udevadm settle || die sfdisk
  mkfs.ext4 -q "${theirs}1" && mkdir "$work/mount" && mount "${theirs}1" "$work/mount" && truncate -s 64M "$work/mount/origin" || die ext4
  lvm_ vgcreate -q --metadatasize 16m other "${theirs}2" && lvm_ lvcreate -q -L 64M -n origin other &&
    lvm_ lvcreate -q -T -L 1G --poolmetadatasize 64M other/pool && lvm_ lvcreate -q -T -V 64M -n thin other/pool || die lvm
}

prepare
for n in ${SIZES:-1 10 100 1000 2000}; do byre "$n"; done
up_to qcow2 1 qcow2s
up_to lvm-thin 1 thins
up_to lvm-snapshot 2 snapshots # each looks at all that are there
echo "ok bench-many: everything was counted"
