#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each fault that volmgr check knows is made by hand on a real container, found, and mended or left as it should be. OVERWRITES the disk.
# usage: check.sh DISK       see lib.sh
set -u
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
mib=1048576
t() { RANGE=20-2000 "$TRY" "$disk" one "$@"; }
try() { "$BIN/try-check" "$(part state)" "$@"; }
own='global{system_id_source="lvmlocal"} local{system_id="byre-one"} activation{auto_activation_volume_list=[]} backup{backup=0 archive=0}'
lv() {
  local verb=$1
  shift
  lvm "$verb" --config "$own" "$@" >"$work/lvm" 2>&1 || problem "$verb: $(cat "$work/lvm")"
}
group() { lvm vgs --config "$own" -o vg_name,vg_attr,vg_autoactivation,vg_systemid,vg_extent_size,vg_free_count,pv_count,lv_count one 2>/dev/null; }
lvs() { lvm lvs --config "$own" --segments --noheadings -o lv_name,seg_start_pe,seg_pe_ranges one 2>/dev/null | sort; }

# check STATUS FAULT:OUTCOME... [-- OPTION...]: volmgr check ends so and finds exactly these.
check() {
  local want=$1 status
  shift
  local expect=()
  while [ $# -gt 0 ] && [ "$1" != -- ]; do expect+=("$1"); shift; done
  [ $# -gt 0 ] && shift
  "$VOLMGR" --container one check --json "$@" >"$work/out" 2>"$work/err"
  status=$?
  [ "$status" = "$want" ] || problem "check $* ended with $status: $(cat "$work/err")"
  sed -n 's/^ *"fault": "\(.*\)",/\1/p' "$work/out" >"$work/faults"
  sed -n 's/^ *"outcome": "\(.*\)",/\1/p' "$work/out" >"$work/outcomes"
  paste -d: "$work/faults" "$work/outcomes" | grep -v :note | sort >"$work/found"
  printf '%s\n' "${expect[@]}" | sed '/^$/d' | sort | diff - "$work/found" >"$work/diff" || problem "$(cat "$work/diff" "$work/out")"
}
well() { check 0; }
told() { grep -q "$1" "$work/out" || problem "not told: $1: $(cat "$work/out")"; }

# mended FAULT: found, then repaired, then gone.
mended() {
  check 1 "$1:repairable"
  check 0 "$1:repaired" -- --repair
  well
}
# left_alone FAULT: found, and not touched.
left_alone() {
  check 1 "$1:fault"
  check 1 "$1:fault" -- --repair
}
damage() { printf damage | dd of="$(part state)" bs=1 seek="$1" conv=notrunc,fsync 2>/dev/null; }

a_new_container_is_well() {
  local before
  t install 3 128 600 128 32 64 true >"$work/out" 2>&1 || problem "$(cat "$work/out")"
  t publish >/dev/null
  udevadm settle
  before=$(writes)
  well
  [ "$(writes)" = "$before" ] || problem 'looking wrote to the disk'
  "$VOLMGR" check | grep -q '^nothing is wrong' || problem 'not said'
}

an_lv_that_a_crash_left() {
  lv lvcreate -an -Zn -Wn -y -n image.left.1 -l 5 one
  mended lv-unknown
  lvs | grep -q image.left && problem 'still there'
}

an_lv_that_an_admin_made() {
  lv lvcreate -an -Zn -Wn -y -n backup -l 5 one
  left_alone lv-unknown
  eval "$(sed -n 's/^ *"how": ".*When it may go: \(.*\)"$/\1/p' "$work/out" | sed 's/\\"/"/g') -y" >"$work/lvm" 2>&1 || problem "$(cat "$work/lvm")"
  well
}

a_slab_that_is_longer_in_lvm() {
  lv lvextend -y -l +3 one/stores
  mended lv-long
  [ "$(try get | jq '[.slabs[] | select(.lv == "stores") | .segments[][2]] | add')" = "$(lvm lvs --config "$own" --noheadings --units 4m --nosuffix -o lv_size one/stores 2>/dev/null | tr -d ' ' | cut -d. -f1)" ] ||
    problem 'the state has not taken it'
}

a_slab_that_lost_its_lv() {
  lvs >"$work/before"
  lv lvremove -y -f one/stores
  mended lv-missing
  lvs | diff "$work/before" - >"$work/diff" || problem "$(cat "$work/diff")"
}

a_slab_that_is_shorter_in_lvm() {
  lvs >"$work/before"
  lv lvreduce -y -f -l -5 one/stores
  mended lv-short
  lvs | diff "$work/before" - >"$work/diff" || problem "$(cat "$work/diff")"
}

a_slab_whose_extents_somebody_took() {
  lvs >"$work/before"
  lv lvremove -y -f one/swap
  lv lvcreate -an -Zn -Wn -y -n image.thief.1 -l 2 one "$(part pv):$(awk '$1 == "swap" { split($3, a, ":"); print a[2] }' "$work/before")"
  check 1 lv-missing:fault lv-unknown:fault
  check 1 lv-missing:fault lv-unknown:fault -- --repair
  lvs | grep -q image.thief || problem 'the other LV was removed'
  lv lvremove -y -f one/image.thief.1
  mended lv-missing
}

# A header that points to a text that was never written, as a power cut leaves it; then a PV without a label.
metadata_that_lvm_cannot_read() {
  local from
  lvs >"$work/before"
  group >"$work/group"
  for from in 9 0; do
    dd if=/dev/zero of="$(part pv)" bs=512 seek=$from count=2039 conv=notrunc,fsync 2>/dev/null
    mended lvm
    lvs | diff "$work/before" - >"$work/diff" || problem "$(cat "$work/diff")"
  done
  group | diff "$work/group" - >"$work/diff" || problem "$(cat "$work/diff")"
}

# The same in a change that was cut off: the next one mends it by itself.
metadata_that_a_change_has_torn() {
  try intend
  dd if=/dev/zero of="$(part pv)" bs=512 seek=9 count=2039 conv=notrunc,fsync 2>/dev/null
  check 1 intent:repairable lvm:repairable
  "$VOLMGR" --container one reset 1 >"$work/out" 2>&1 || problem "$(cat "$work/out")"
  well
}

# LVM has given its extents up, and the state still names it: the next change takes them back before it takes any.
a_removal_of_an_image_that_was_cut_off() {
  lvs >"$work/before"
  try intend
  lv lvremove -y -f one/image.try.1
  check 1 intent:repairable lv-missing:repairable
  "$VOLMGR" --container one reset 1 >"$work/out" 2>&1 || problem "$(cat "$work/out")"
  well
  lvs | diff "$work/before" - >"$work/diff" || problem "$(cat "$work/diff")"
}

damaged_superblocks() {
  damage 100
  mended superblock
  damage $((mib + 100))
  mended superblock
}

# The newest and the older document.
damaged_slots() {
  local slot
  for slot in 0 1; do
    damage $(((48 + 32 * slot) * mib + 4096 + 20))
    mended slot
  done
  damage $((48 * mib + 20))
  mended slot
}

# document FILTER: publishes what jq's FILTER makes of the document, which is kept as it was until document_back.
document() {
  try get >"$work/good"
  jq -c "$1 | .generation += 1" "$work/good" >"$work/spoilt"
  try put "$work/spoilt" || problem 'put'
}
document_back() {
  jq -c '.generation += 2' "$work/good" >"$work/next"
  try put "$work/next" && well
}

# Whole, and refused by whoever reads it: nobody writes over it unasked.
a_document_that_overlaps() {
  document '.volumes |= map(if .name == "node2.swap" then .data = [[.data[0][0], .data[0][1] - 1, .data[0][2]]] else . end)'
  check 1 slot:fault
  told 'overlap on the SAN'
  check 1 slot:fault -- --repair
  told 'overlap on the SAN'
  document_back
  t publish >/dev/null
  well
}

a_store_that_nobody_owns() {
  document '(.volumes[] | select(.name == "node3.root") | .node) = 9'
  left_alone slot
  told 'there is no node 9'
  document_back
  t publish >/dev/null
}

a_volume_outside_its_slab() {
  document '(.volumes[] | select(.name == "node3.root") | .data) = [[0, 300, 32]]'
  left_alone slot
  told 'are in no slab'
  document_back
}

slots_of_removed_nodes() {
  t status 9 '{}' && mended status-slot
  try volumes && mended volume-slot
}

an_intent_that_was_left() {
  try intend && mended intent
}

# And made anew as the page says: a change can be made again.
a_lease_that_cannot_be_read() {
  dd if=/dev/urandom of="$(part state)" bs=1M seek=8 count=24 conv=fsync 2>/dev/null
  check 1 lease:fault
  awk '/^## / { on = $0 == "## The lease is gone" } on && /^```sh/ { code = 1; next } /^```/ { code = 0 } on && code' "$KIT/recover-by-hand.md" |
    sed 's/^container=.*/container=one/' >"$work/lease"
  bash -euo pipefail "$work/lease" >"$work/out" 2>&1 || problem "$(tail -n 3 "$work/out")"
  well
  "$VOLMGR" --container one create after-the-lease --kind disk --size 64 >"$work/out" 2>&1 || problem "$(cat "$work/out")"
  "$VOLMGR" --container one remove after-the-lease >"$work/out" 2>&1 || problem "$(cat "$work/out")"
}

a_partition_that_is_missing() {
  local number guid
  number=$(part pv | sed 's/.*[^0-9]//') guid=$(sfdisk --part-uuid "$disk" "$(part pv | sed 's/.*[^0-9]//')")
  sfdisk -q --no-reread --no-tell-kernel --part-uuid "$disk" "$number" 0FC63DAF-8483-4772-8E79-3D69D8477D00 >/dev/null 2>&1
  left_alone pv-missing
  sfdisk -q --no-reread --no-tell-kernel --part-uuid "$disk" "$number" "$guid" >/dev/null 2>&1
  well
}

# The table in front is put back as it was, byte by byte.
a_partition_that_is_too_small() {
  dd if="$disk" of="$work/table" bs=1M count=1 2>/dev/null
  sfdisk -d "$disk" 2>/dev/null | sed '/byre-one-pv/s/size= *[0-9]*/size= 2048000/' | sfdisk -q --no-reread --no-tell-kernel "$disk" >/dev/null 2>&1
  partx -u "$disk" || problem 'partx'
  "$VOLMGR" --container one check --json >"$work/out" 2>/dev/null && problem 'not found'
  told '"pv-short"'
  dd if="$work/table" of="$disk" bs=1M count=1 conv=notrunc,fsync 2>/dev/null
  partx -u "$disk" || problem 'partx'
  well
}

no_document_at_all() {
  damage $((48 * mib + 4096 + 20))
  damage $((80 * mib + 4096 + 20))
  "$VOLMGR" --container one check --json >"$work/out" 2>/dev/null && problem 'not found'
  told '"document"'
  told 'slot 0 is torn'
  told 'slot 1 is torn'
}

all='a_new_container_is_well an_lv_that_a_crash_left an_lv_that_an_admin_made a_slab_that_is_longer_in_lvm a_slab_that_lost_its_lv a_slab_that_is_shorter_in_lvm
a_slab_whose_extents_somebody_took metadata_that_lvm_cannot_read metadata_that_a_change_has_torn
a_removal_of_an_image_that_was_cut_off damaged_superblocks damaged_slots a_document_that_overlaps a_store_that_nobody_owns a_volume_outside_its_slab slots_of_removed_nodes
an_intent_that_was_left a_lease_that_cannot_be_read a_partition_that_is_missing a_partition_that_is_too_small no_document_at_all'
modprobe -qa dm-mod dm-thin-pool
first=a_new_container_is_well
# shellcheck disable=SC2086 # names
suite check $all
