#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The volume manager on a real kernel, LVM and disk. OVERWRITES the disk (2 GiB or more).
# usage: volmgr.sh DISK       see lib.sh
set -u
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# The container 'one' leaves room behind it for others.
t() { RANGE=${RANGE-12-1800} "$try" "$disk" "${container:-one}" "$@"; }
v() { "$volmgr" --container "${container:-one}" "$@"; }
lvm_counts() { LVM_SUPPRESS_FD_WARNINGS=1 lvm vgs --foreign --noheadings -o vg_seqno "$1" 2>/dev/null | tr -d ' '; }
digest() { dd if="$1" bs=1M iflag=direct 2>/dev/null | sha256sum | cut -d' ' -f1; }

# Somebody else's partition with data on the disk, and a container beside it.
container_beside_others() {
  printf 'label: gpt\nstart=2048,size=20480,name="others",uuid=0FC63DAF-8483-4772-8E79-3D69D8477DE4\n' | sfdisk -q --wipe always "$disk" || problem 'sfdisk'
  sleep 0.2
  mkfs.ext4 -q "$disk"1
  others=$(digest "$disk"1)
  entry=$(sfdisk -d "$disk" | grep 'name="others"')
  t install 3 128 600 128 32 64 "$fill" >"$work/out" || problem "install: $(cat "$work/out")"
  [ "$(digest "$disk"1)" = "$others" ] || problem "the other partition's bytes changed"
  [ "$(sfdisk -d "$disk" | grep 'name="others"')" = "$entry" ] || problem "the other partition's entry changed"
  sfdisk --verify "$disk" >/dev/null || problem 'the table is not well'
  [ -n "$(part state)" ] && [ -n "$(part pv)" ] || problem 'no partitions'
  [ "$(ls /dev/mapper)" = control ] || problem "devices were left: $(ls /dev/mapper)"
}

the_name_is_taken() {
  t install 3 128 600 128 32 64 true >"$work/out" 2>&1 && problem 'installed twice'
  grep -q "container-name: a container 'one' is on $disk already" "$work/out" || problem "$(cat "$work/out")"
}

hosts_lvm_keeps_off() {
  lvm vgchange -ay >"$work/out" 2>&1
  lvm vgchange -ay one >>"$work/out" 2>&1 && problem 'activated by name'
  lvm lvremove -y one/stores >>"$work/out" 2>&1 && problem 'removed an LV'
  lvm lvs --noheadings 2>/dev/null | grep -q . && problem 'LVs are shown'
  grep -q 'system ID byre-one' "$work/out" || problem "$(cat "$work/out")"
  [ "$(ls /dev/mapper)" = control ] || problem "active: $(ls /dev/mapper)"
}

say() { echo "$2" >"$work/$1/mine" && head -c 3M /dev/urandom >"$work/$1/data" && sha256sum <"$work/$1/data" >"$work/sum$1"; }
hear() { [ "$(cat "$work/$1/mine")" = "$2" ] && [ "$(cat "$work/$1/name")" = image ] && [ "$(sha256sum <"$work/$1/data")" = "$(cat "$work/sum$1")" ]; }

nodes_write_apart() {
  for n in 1 2 3; do with_root "$n" say "$n" "node $n" || problem "node $n cannot write"; done
  for n in 1 2 3; do with_root "$n" hear "$n" "node $n" || problem "node $n reads something else"; done
  v image verify >"$work/out" 2>&1 || problem "$(cat "$work/out")"
  [ "$(ls /dev/mapper)" = control ] || problem "left: $(ls /dev/mapper)"
}

composing_twice_is_once() {
  local one two
  one=$(t compose node1.root) && two=$(t compose node1.root) || problem 'compose'
  [ "$one" = "$two" ] || problem "$one, $two"
  mkdir -p "$work/1" && mount "$one" "$work/1"
  t release node1.root 2>"$work/out" && problem 'released while mounted'
  grep -q 'in use' "$work/out" || problem "$(cat "$work/out")"
  umount "$work/1"
  t release node1.root && t release node1.root || problem 'release'
}

# Beneath it something of another cluster bears one of the names: refused, and all that was made is gone again.
a_failed_compose_leaves_nothing() {
  dmsetup create byre-one-node2.root-pool --table '0 8 zero' || problem 'dmsetup'
  t compose node2.root 2>"$work/out" && problem 'composed over it'
  grep -q 'of another cluster' "$work/out" || problem "$(cat "$work/out")"
  [ "$(dmsetup ls | cut -f1)" = byre-one-node2.root-pool ] || problem "left: $(dmsetup ls)"
  dmsetup remove byre-one-node2.root-pool
  with_root 2 hear 2 'node 2' || problem 'node 2 reads something else'
}

swap_is_ready() {
  local dev
  dev=$(t compose node3.swap) || problem 'compose'
  swapon "$dev" || problem 'swapon'
  awk '$3 == 32764 { found = 1 } END { exit !found }' /proc/swaps || problem "$(cat /proc/swaps)"
  swapoff "$dev" && t release node3.swap || problem 'release'
}

listed() {
  v list >"$work/out" || problem 'list'
  grep -qE '^node2.root +2 +root +try@1 +600 MiB +- +128 MiB' "$work/out" || problem "$(cat "$work/out")"
  dev=$(t compose node2.root)
  v list --json >"$work/out" || problem 'list --json'
  # One member a line; volumes begin with "volume".
  row=$(awk '/"volume": "node2.root"/ { on = 1 } on { print } /}/ { on = 0 }' "$work/out")
  grep -q "\"device\": \"$dev\"" <<<"$row" && grep -q '"in_use": "here"' <<<"$row" || problem "$row"
  used=$(sed -n 's/.*"private_bytes": \([0-9]*\),*/\1/p' <<<"$row")
  [ "${used:-0}" -gt 3145728 ] && [ "$used" -lt 16777216 ] || problem "private bytes: $used"
  t release node2.root
  t status 2 '{"node":2,"generation":1,"boot_id":"0f0e0d0c-0b0a-0908-0706-050403020100","uptime_ms":1,"written":'"$(date +%s)"',"counter":1,"boot_ms":0,"leaving":false,"phases":[],"root":{"device":"/dev/mapper/x","data_used":7340032,"data_total":134217728,"metadata_used":8192,"metadata_total":8388608}}' || problem 'status slot'
  v list >"$work/out"
  grep -qE '^node2.root +2 +root +try@1 +600 MiB +7.0 MiB +128 MiB +node2' "$work/out" || problem "$(cat "$work/out")"
  v status >"$work/out" || problem 'status'
  grep -q 'private     7.0 MiB written by 1 of 3 nodes' "$work/out" || problem "$(cat "$work/out")"
}

looking_changes_nothing() {
  local before dev
  sync
  v attach --read-only 2 2>"$work/out" && problem 'attached a node that is up'
  grep -q 'node2.root: node2 is up' "$work/out" || problem "$(cat "$work/out")"
  before=$(writes)
  dev=$(v attach --read-only node3) || problem 'attach'
  mkdir -p "$work/look" && mount -o ro,noload "$dev" "$work/look" || problem 'mount'
  [ "$(cat "$work/look/mine")" = 'node 3' ] || problem 'reads something else'
  [ "$(sha256sum <"$work/look/data")" = "$(cat "$work/sum3")" ] || problem 'data differs'
  dd if="$dev" of=/dev/null bs=1M 2>/dev/null || problem 'some of it cannot be read'
  mount -o remount,rw "$work/look" 2>/dev/null && problem 'writable'
  umount "$work/look"
  dd if=/dev/zero of="$dev" bs=4k count=1 oflag=direct 2>/dev/null && problem 'written'
  v detach 3 || problem 'detach'
  [ "$(writes)" = "$before" ] || problem 'the disk was written to'
  [ "$(ls /dev/mapper)" = control ] || problem "left: $(ls /dev/mapper)"
}

a_damaged_newest_state_is_told() {
  local state
  state=$(part state)
  t publish | grep -q 'generation 2' || problem 'publish'
  printf X | dd of="$state" bs=1 seek=$((48 * 1048576 + 4096 + 50)) conv=notrunc,fsync 2>/dev/null # generation 2, slot 0
  v list >"$work/out" 2>"$work/err" || problem "$(cat "$work/err")"
  [ "$(wc -l <"$work/err")" = 1 ] || problem "$(cat "$work/err")"
  grep -q 'warning: .*generation 2 in slot 0 is unusable .*older generation 1 is used' "$work/err" || problem "$(cat "$work/err")"
  grep -q node3.root "$work/out" || problem 'no list'
  t compose node1.root >/dev/null 2>&1 && t release node1.root 2>/dev/null || problem 'compose'
  t publish 2>/dev/null | grep -q 'generation 4' || problem 'publish: not 4'
  v status 2>&1 | grep -q warning && problem 'still damaged'
}

secrets_are_hidden() {
  v state show >"$work/out" || problem 'state show'
  grep -q '"key": "(hidden)"' "$work/out" || problem 'the key is shown'
  v state show --secrets | grep -qE '"key": "[0-9a-f]{64}"' || problem 'the key is not shown'
}

a_written_image_is_found_out() {
  local pv start
  pv=$(part pv)
  start=$(($(LVM_SUPPRESS_FD_WARNINGS=1 lvm pvs --foreign --noheadings --units s --nosuffix -o pe_start "$pv" 2>/dev/null) * 512))
  dd if="$pv" of="$work/saved" bs=1M iflag=skip_bytes skip=$((start + 5000000)) count=1 2>/dev/null
  printf 'not the image' | dd of="$pv" bs=1 seek=$((start + 5000000)) conv=notrunc,fsync 2>/dev/null
  v image verify >"$work/out" 2>"$work/err" && problem 'verified'
  grep -q 'try@1: its bytes have sha256' "$work/err" && [ ! -s "$work/out" ] || problem "$(cat "$work/err")"
  dd if="$work/saved" of="$pv" bs=1M oflag=seek_bytes seek=$((start + 5000000)) conv=notrunc,fsync 2>/dev/null
  v image verify try@1 >"$work/out" 2>&1 || problem "$(cat "$work/out")"
}

# n nodes cost stores, never LVM commits.
a_hundred_nodes_cost_no_more_commits() {
  local three hundred w3 w100 before HUNDRED=${HUNDRED:-8}
  three=$(lvm_counts one)
  before=$(writes)
  RANGE=largest container=many t install 1 64 512 64 0 0 true >/dev/null || problem 'install 1'
  w3=$(($(writes) - before))
  RANGE=largest container=many t abandon || problem 'abandon'
  before=$(writes)
  RANGE=largest container=many t install "$HUNDRED" 64 512 64 0 0 true >/dev/null || problem "install $HUNDRED"
  w100=$(($(writes) - before))
  hundred=$(lvm_counts many)
  echo "  LVM commits: $three for 3 nodes with swap and shared, $hundred for $HUNDRED nodes; writes to the disk: $w3 for 1 node, $w100 for $HUNDRED"
  [ "$hundred" -le "$three" ] || problem 'commits grow with the nodes'
  [ $((w100 - w3)) -le $((HUNDRED * 2)) ] || problem 'writes grow faster than one a node'
  RANGE=largest container=many t abandon || problem 'abandon'
}

# Under the lease, as every change; and when nothing is left to read but an export.
a_state_is_exported_and_imported() {
  local area
  area=/dev/disk/by-partlabel/byre-one-state
  v state export "$work/export" 2>"$work/err" || problem "$(cat "$work/err")"
  sed 's/"boot_ip":"192.168.0.3"/"boot_ip":"192.168.0.9"/' "$work/export" >"$work/edited"
  v state import "$work/edited" >"$work/out" 2>"$work/err" || problem "import: $(cat "$work/err")"
  grep -q '^~ node 3: boot_ip: 192.168.0.3 -> 192.168.0.9$' "$work/out" || problem "$(cat "$work/out")"
  v state history -n 1 | grep -q "volmgr state import $work/edited" || problem 'it is not in the history'
  dd if=/dev/urandom of="$area" bs=1M seek=48 count=1 oflag=direct status=none
  dd if=/dev/urandom of="$area" bs=1M seek=80 count=1 oflag=direct status=none
  v list >"$work/out" 2>&1 && problem 'listed without a state'
  v state import "$work/edited" >"$work/out" 2>"$work/err" && problem 'imported without being told why'
  v state import --force 'the array lost its cache' "$work/edited" >"$work/out" 2>"$work/err" || problem "import --force: $(cat "$work/err")"
  v state history -n 1 | grep -q 'newest .*: the array lost its cache' || problem "history: $(v state history)"
  v list >"$work/out" 2>&1 || problem "$(cat "$work/out")"
  v state import "$work/export" >"$work/out" 2>"$work/err" || problem "import once more: $(cat "$work/err")"
  for n in 1 2 3; do
    with_root "$n" hear "$n" "node $n" || problem "node $n reads something else"
  done
}

two_containers_are_told_apart() {
  RANGE=largest container=two t install 1 64 512 64 0 0 true >/dev/null || problem 'install'
  "$volmgr" list >"$work/out" 2>"$work/err" && problem 'took one of two'
  grep -q 'several containers are here (.*): name one with --container' "$work/err" || problem "$(cat "$work/err")"
  container=two v list >"$work/out" || problem 'list two'
  v list >"$work/out" || problem 'list one'
  RANGE=largest container=two t abandon || problem 'abandon'
  "$volmgr" list >"$work/out" || problem 'list the only one'
  [ -z "$(container='two' part pv)" ] || problem 'partitions of two are left'
}

an_unfinished_container_can_go() {
  RANGE=largest container="cut" t create 1 64 512 64 0 0 || problem 'create'
  t remove-unfinished 2>"$work/err" && problem 'a cluster was taken away'
  grep -q 'a document was published' "$work/err" || problem "$(cat "$work/err")"
  v list >"$work/out" || problem 'list one'
  container="cut" t remove-unfinished || problem 'remove-unfinished'
  [ -z "$(container='cut' part pv)$(container='cut' part state)" ] || problem 'partitions of cut are left'
  "$volmgr" list >"$work/out" || problem 'list the only one'
  [ "$(digest "$disk"1)" = "$others" ] || problem "the other partition's bytes changed"
}

abandoned_is_gone() {
  t abandon || problem 'abandon'
  [ -z "$(part pv)$(part state)" ] || problem 'partitions are left'
  "$volmgr" list 2>"$work/err" && problem 'list'
  grep -q 'no disk holds a container: is the SAN attached?' "$work/err" || problem "$(cat "$work/err")"
  [ "$(digest "$disk"1)" = "$others" ] || problem "the other partition's bytes changed"
  [ -z "$(LVM_SUPPRESS_FD_WARNINGS=1 lvm pvs --foreign --noheadings 2>/dev/null)" ] || problem 'a PV is left'
}

all="container_beside_others the_name_is_taken hosts_lvm_keeps_off nodes_write_apart composing_twice_is_once a_failed_compose_leaves_nothing swap_is_ready
listed looking_changes_nothing a_damaged_newest_state_is_told secrets_are_hidden a_written_image_is_found_out
a_hundred_nodes_cost_no_more_commits a_state_is_exported_and_imported two_containers_are_told_apart an_unfinished_container_can_go abandoned_is_gone"
modprobe -q dm-mod
modprobe -q dm-thin-pool
modprobe -q dm-zero
first=container_beside_others
# shellcheck disable=SC2086 # names
suite volmgr $all
