#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Volumes made, reset and removed by many on a real kernel, LVM and lease. OVERWRITES the disk (3 GiB or more).
# usage: volumes.sh DISK       BIN: where try-lvm is; see lib.sh
# shellcheck disable=SC2317 # called by name
set -u
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

t() { "$try" "$disk" one "$@"; }
v() { "$volmgr" --container one "$@"; }
commits() { LVM_SUPPRESS_FD_WARNINGS=1 lvm vgs --foreign --noheadings -o vg_seqno one 2>/dev/null | tr -d ' '; }
generation() { v state show | sed -n 's/^  "generation": \([0-9]*\),.*/\1/p'; }
space() { v list --json | grep -c '"volume"'; }

# does COMMAND...: volmgr does it, and says so on one line or more.
does() { v "$@" >"$work/out" 2>"$work/err" || problem "$*: $(cat "$work/err")"; }

# refuses TEXT COMMAND...: in one line that says TEXT; neither the state nor LVM's metadata change.
refuses() {
  local text=$1 before
  shift
  before="$(generation) $(commits)"
  v "$@" >"$work/out" 2>"$work/err" && problem "$*: was done"
  [ ! -s "$work/out" ] && grep -q -- "$text" "$work/err" || problem "$*: $(cat "$work/out" "$work/err")"
  [ "$(generation) $(commits)" = "$before" ] || problem "$*: $before became $(generation) $(commits)"
}

says() { echo "$2" >"$work/$1/mine"; }
has() { [ "$(cat "$work/$1/mine" 2>&1)" = "$2" ] && [ "$(cat "$work/$1/name")" = image ]; }
is_fresh() { [ ! -e "$work/$1/mine" ] && [ "$(cat "$work/$1/name")" = image ]; }

# Other people's data all over the disk; then a container.
a_used_disk() {
  tr '\0' P </dev/zero | dd of="$disk" bs=1M count="${PATTERN:-3000}" oflag=direct iflag=fullblock 2>/dev/null
  wipefs -qa "$disk"
  echo 'label: gpt' | sfdisk -q "$disk" || problem 'sfdisk'
  t install 3 128 600 128 32 64 "$fill" >"$work/out" || problem "install: $(cat "$work/out")"
}

each_lvm_change_is_one_commit() {
  local n last
  n=$(commits)
  lvm_does() { "$BIN/try-lvm" one "$@" >"$work/out" 2>"$work/err" || problem "$*: $(cat "$work/err")"; }
  lvm_does add extra 10
  grep -q '^extra 10:' "$work/out" || problem "$(cat "$work/out")"
  lvm_does extend extra 20
  grep -q '^extra 30:' "$work/out" || problem "$(cat "$work/out")"
  lvm_does add more 1
  [ "$(commits)" = $((n + 3)) ] || problem "$(($(commits) - n)) commits, not 3"
  "$BIN/try-lvm" one extend extra 100000 2>"$work/err" && problem 'extended'
  grep -q '100000 extents of 4 MiB are needed, volume group one has .* left (28)' "$work/err" || problem "$(cat "$work/err")"
  lvm_does list
  last=$(wc -l <"$work/out")
  lvm_does remove extra nothere more
  [ "$(commits)" = $((n + 4)) ] || problem "$(($(commits) - n)) commits, not 4"
  lvm_does remove nothere
  lvm_does list
  [ "$(wc -l <"$work/out")" = $((last - 2)) ] && [ "$(commits)" = $((n + 4)) ] || problem "$(cat "$work/out")"
}

# read_all VOLUME [SKIP]: what is not zero of it, but for the first blocks of 4 KiB, at most 100 bytes.
read_all() {
  local dev
  dev=$(t compose "$1") || return 1
  dd if="$dev" bs=4k skip="${2:-0}" 2>/dev/null | tr -d '\0' | head -c 100
  t release "$1"
}

new_volumes_show_nothing() {
  local got
  does remove node1.swap
  does create node1.swap --kind swap --node 1 --size 40
  got=$(read_all node1.swap 1) # behind its header
  [ -z "$got" ] || problem "node1.swap: '$got'"
  does create blank --size 100
  got=$(read_all blank)
  [ -z "$got" ] || problem "blank: '$got'"
  does create other --kind shared --size 60
  got=$(read_all other)
  [ -z "$got" ] || problem "other: '$got'"
  got=$(read_all shared)
  [ -z "$got" ] || problem "shared: '$got'"
  does remove blank other
}

# A former owner's swap, and the new owner's.
removed_space_is_wiped_for_the_next() {
  local dev got
  does resize node1.swap 44
  dev=$(t compose node1.swap)
  swapon "$dev" && awk -v k=$((44 * 1024 - 4)) '$3 == k { found = 1 } END { exit !found }' /proc/swaps || problem "not 44 MiB: $(cat /proc/swaps)"
  swapoff -a
  tr '\0' Q </dev/zero | dd of="$dev" bs=1M seek=1 oflag=direct 2>/dev/null
  t release node1.swap
  does remove node1.swap
  does create node1.swap --kind swap --node 1 --size 40
  got=$(read_all node1.swap 1)
  [ -z "$got" ] || problem "'$got' of the former owner"
  swapon "$(t compose node1.swap)" || problem swapon
  swapoff -a
  t release node1.swap
}

many_cost_as_much_as_one() {
  local c g n one
  for n in 1 50; do
    c=$(commits) g=$(generation)
    does create --count "$n" --prefix "many$n-" --image try@1 --store 8
    echo "  $n made: $(($(commits) - c)) LVM commits, $(($(generation) - g)) generation"
    [ $(($(commits) - c)) -le 1 ] && [ $(($(generation) - g)) = 1 ] || problem "$n made"
  done
  [ "$(space)" = 58 ] || problem "$(space) volumes"
  c=$(commits) g=$(generation)
  one=$(seq -f 'many50-%g' 50)
  # shellcheck disable=SC2086 # names
  does reset $one
  # shellcheck disable=SC2086
  does remove $one many1-1
  grep -q '^51 volumes are removed: 816 MiB are free again' "$work/out" || problem "$(cat "$work/out")"
  [ $(($(commits) - c)) = 0 ] && [ $(($(generation) - g)) = 2 ] || problem "$(($(commits) - c)) commits, $(($(generation) - g)) generations"
}

a_reset_is_fresh() {
  with_root 2 says 2 old && with_root 2 has 2 old || problem 'node 2 cannot write'
  with_root 3 says 3 other || problem 'node 3 cannot write'
  does reset node2
  grep -q '^node2 starts anew from try@1 at its next boot; what it was is gone' "$work/out" || problem "$(cat "$work/out")"
  with_root 2 is_fresh 2 || problem 'not fresh'
  with_root 3 has 3 other || problem 'node 3 was reset, too'
}

an_undo_gives_it_back() {
  with_root 2 says 2 first || problem 'node 2 cannot write'
  does reset --keep 2
  grep -q '^node2 starts anew from try@1 at its next boot; volmgr undo node2 takes it back' "$work/out" || problem "$(cat "$work/out")"
  with_root 2 is_fresh 2 || problem 'not fresh'
  with_root 2 says 2 second || problem 'node 2 cannot write'
  does undo 2
  with_root 2 has 2 first || problem 'the first root is gone'
  does undo 2
  with_root 2 has 2 second || problem 'the second root is gone'
  does reset node2
  refuses 'what it was before its last reset is not kept' undo node2
}

what_cannot_be_changes_nothing() {
  refuses 'GiB are needed, the container has' create huge --kind shared --size 100000
  refuses 'there is a volume node1.root already' create fine node1.root --size 10
  refuses "there is no image 'none@1'" create fine --image none@1
  refuses 'there is no volume and no node' remove node1.swap nothere
  refuses 'there is no volume and no node' reset node1 nothere
  refuses 'there is no node 9' create fine --kind swap --node 9 --size 10
  refuses "is a node's root" remove --force node1.root
  refuses 'it can only become larger' resize node1 100
  refuses 'this machine is no node' take node1.swap
}

# tells NODE SECONDS LEAVING: what the node wrote into its slot, so long ago.
tells() {
  t status "$1" '{"node":'"$1"',"generation":1,"boot_id":"0f0e0d0c-0b0a-0908-0706-050403020100","uptime_ms":1,"written":'"$(($(date +%s) - $2))"',"counter":1,"boot_ms":0,"leaving":'"$3"',"phases":[],"root":{"device":"","data_used":0,"data_total":0,"metadata_used":0,"metadata_total":0}}' ||
    problem "the status of node $1"
}

what_is_in_use_stays() {
  t compose node2.swap >/dev/null && t compose node2.root >/dev/null || problem 'compose'
  refuses 'node2.swap is in use on this machine' remove --force node2.swap
  refuses 'node2.root is in use on this machine' reset node2
  t release node2.swap && t release node2.root || problem 'release'
  tells 2 0 false
  refuses 'node2 is up: shut it down first' remove node2.swap
  refuses 'node2 is up: shut it down first' reset node1 node2
  refuses 'node2 is up: shut it down first' remove shared
  tells 2 600 false
  refuses 'node2 is silent, but did not shut down' remove node2.swap
  refuses 'node2 is silent, but did not shut down' reset node2
  does remove --force node2.swap
  does create node2.swap --kind swap --node 2 --size 32
  tells 2 600 true
  does reset node2
}

# be N: from now on this machine is node N, as if another one.
be() {
  mkdir -p /run/byre
  echo "$1" >/run/byre/node
}

a_disk_has_one_holder() {
  does create disk --size 64
  be 1
  does take disk
  does take disk # again: nothing to it
  be 2
  # Node 1 shut down: it left the lockspace when this machine joined as node 2.
  does take disk
  v list --json | grep -A2 '"volume": "disk"' | grep -q '"node": 2' || problem "$(v list)"
  # Node 2 dies.
  pkill -KILL -x sanlock
  be 3
  refuses 'volume disk is held by node 2' take disk
  refuses 'volume disk is held by node 2' give disk
  refuses 'volume disk is held by node 2' remove disk
  refuses 'volume disk is held by node 2' reset disk
  does take --force disk
  v state history -n 1 | grep -q 'volmgr take --force disk for node 3, from node 2' || problem "$(v state history -n 1)"
  does give disk
  does remove disk
  rm /run/byre/node
}

all="a_used_disk each_lvm_change_is_one_commit new_volumes_show_nothing removed_space_is_wiped_for_the_next many_cost_as_much_as_one a_reset_is_fresh
an_undo_gives_it_back what_cannot_be_changes_nothing what_is_in_use_stays a_disk_has_one_holder"
modprobe -q dm-mod
modprobe -q dm-thin-pool
first=a_used_disk
# shellcheck disable=SC2086 # names
suite volumes $all
