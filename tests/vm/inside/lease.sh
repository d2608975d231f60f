#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The lease between two machines, which are name spaces with a sanlock and a path to the SAN of their own. OVERWRITES the disk. A path is cut as iSCSI's
# control session is: I/O hangs for a while, then fails.
# usage: lease.sh DISK       see lib.sh
set -u
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
kit=${KIT:?} try=$BIN/try-change
declare -A machine=()
# shellcheck source=/dev/null # how long, and from which seed
[ ! -r "$kit/race" ] || . "$kit/race"
: "${seconds:=60}"
HANG=4 # seconds for which a cut path hangs before it fails

size() { blockdev --getsz "$disk"; }
san() { echo "/dev/mapper/san$1"; }

# --- machines

in_machine() { # N COMMAND...
  local n=$1
  shift
  nsenter -t "${machine[$n]}" -m -- "$@"
}

start_machine() { # N
  unshare -m bash -c "mount -t tmpfs run /run && mkdir /run/byre && echo $1 >/run/byre/node && echo up >$work/up$1 && exec sleep infinity" &
  machine[$1]=$!
  until_true 20 [ -e "$work/up$1" ] || return 1
  rm "$work/up$1"
}

# All that runs there is gone at once, without a word to anybody: what has the machine's mounts.
kill_machine() {
  local mounts p all=()
  mounts=$(readlink "/proc/${machine[$1]}/ns/mnt") || return
  for p in /proc/[0-9]*; do
    [ "$(readlink "$p/ns/mnt" 2>/dev/null)" != "$mounts" ] || all+=("${p#/proc/}")
  done
  kill -KILL "${all[@]}" 2>/dev/null
}

cut_off() {
  dmsetup suspend --noflush --nolockfs "san$1"
  (sleep $HANG; dmsetup load "san$1" --table "0 $(size) error" && dmsetup resume "san$1") &
  echo $! >"$work/cut$1"
}
fails() { dmsetup table "san$1" | grep -q error; }
heal() {
  [ -e "$work/cut$1" ] || return 0
  wait "$(cat "$work/cut$1")" 2>/dev/null
  until_true 20 fails "$1"
  dmsetup load "san$1" --table "0 $(size) linear $disk 0"
  dmsetup resume "san$1"
  rm -f "$work/cut$1"
}

# --- changes

changes() { in_machine "$1" "$try" "$(san "$1")" "$2" "$work/log$1" "${3:-0}" 2>>"$work/said$1"; } # N COUNT [HOLD]
holder_is() { [ "$("$try" holder "$disk" 2>/dev/null)" = "$1" ]; }
is_gone() { [ ! -e "/proc/$1" ] || grep -q "^State:.*Z" "/proc/$1/status" 2>/dev/null; }
worker() { pgrep -f "^$try $(san "$1") "; }
# hold N: a change there has the lease and keeps it; its process in $held.
hold() {
  changes "$1" 1 600000 &
  until_true 60 holder_is "$1" || return 1
  held=$(worker "$1")
}
judge() {
  touch "$work/log1" "$work/log2"
  "$try" history "$disk" >"$work/history" || problem "the history cannot be read"
  awk -f "$kit/race-check.awk" "$work/history" "$work/log1" "$work/log2" || bad=1
}

before_each() {
  rm -f "$work"/log* "$work"/said*
  sed 's/"lease-timeout":"5"/"lease-timeout":"1"/' "$kit/three-nodes.json" >"$work/document"
  dd if=/dev/zero of="$disk" bs=1M count=196 status=none
  "$try" format "$disk" "$work/document" || { problem "no state area"; return 1; }
  for n in 1 2; do
    dmsetup create "san$n" --table "0 $(size) linear $disk 0" || problem "no path"
    start_machine $n
  done
}
after_each() {
  for n in 1 2; do
    heal $n
    kill_machine $n 2>/dev/null
    until_true 30 dmsetup remove "san$n" 2>/dev/null
  done
  wait
}

# --- tests

take_turns() {
  changes 1 30 & local one=$!
  changes 2 30 || problem "node 2: $(tail -n 1 "$work/said2")"
  wait "$one" || problem "node 1: $(tail -n 1 "$work/said1")"
  judge
  [ "$(cat "$work"/log? | wc -l)" = 60 ] || problem "not all were acknowledged"
}

the_lease_of_a_killed_process_is_free() {
  hold 1 || return
  kill -KILL "$held"
  changes 2 1 || problem "$(tail -n 1 "$work/said2")"
  judge
}

a_stopped_holder_is_killed_by_its_machine() {
  hold 1 || return
  kill -STOP "$held"
  changes 2 1 || problem "$(tail -n 1 "$work/said2")"
  is_gone "$held" || problem "the stopped process is still there"
  grep -q 'waiting for node1, which holds the lease: 7 s at most' "$work/said2" || problem "who holds it was not said: $(cat "$work/said2")"
  judge
}

a_stopped_holder_is_killed_by_its_neighbour() {
  hold 1 || return
  kill -STOP "$held"
  changes 1 1 || problem "$(tail -n 1 "$work/said1")"
  is_gone "$held" || problem "the stopped process is still there"
  judge
}

a_holder_without_san_is_killed_and_joins_again() {
  hold 1 || return
  cut_off 1
  until_true 60 is_gone "$held"
  changes 2 1 || problem "node 2: $(tail -n 1 "$work/said2")"
  heal 1
  changes 1 1 || problem "node 1: $(tail -n 1 "$work/said1")"
  judge
  [ "$(wc -l <"$work/log1")" = 1 ] || problem "the change that had lost the lease was acknowledged"
}

# sanlock's bound: 8 x 1 + 60 seconds.
the_lease_of_a_dead_machine_is_free_in_the_end() {
  local start
  changes 2 1 || problem "$(tail -n 1 "$work/said2")"
  hold 1 || return
  kill_machine 1
  start=$SECONDS
  changes 2 1 || problem "$(tail -n 1 "$work/said2")"
  echo "  taken over after $((SECONDS - start)) s"
  [ $((SECONDS - start)) -ge 60 ] || problem "that was too early: nothing proved the machine dead"
  judge
}

# Workers on both machines are killed, stopped and cut off; whoever is gone is started again.
race() {
  local end=$((SECONDS + seconds)) n kills=0 stops=0 cuts=0
  for n in 1 2; do
    (while [ ! -e "$work/enough" ]; do changes "$n" 0; done) &
  done
  while [ "$SECONDS" -lt "$end" ]; do
    n=$((RANDOM % 2 + 1))
    case $((RANDOM % 8)) in
    0 | 1 | 2) worker "$n" | xargs -r kill -KILL 2>/dev/null; kills=$((kills + 1)) ;;
    3 | 4) worker "$n" | xargs -r kill -STOP 2>/dev/null; stops=$((stops + 1)) ;;
    5) [ -e "$work/cut$n" ] || { cut_off "$n"; cuts=$((cuts + 1)); } ;;
    6) heal 1; heal 2 ;;
    7) worker "$n" | xargs -r kill -CONT 2>/dev/null ;;
    esac
    sleep "0.$((RANDOM % 9))"
    [ $((RANDOM % 3)) != 0 ] || sleep 2
  done
  touch "$work/enough"
  heal 1
  heal 2
  for n in 1 2; do worker "$n" | xargs -r kill -KILL 2>/dev/null; done
  echo "  $kills kills, $stops stops, $cuts cuts in $seconds s"
  judge
  changes 1 1 || problem "no change afterwards: $(tail -n 1 "$work/said1")"
}

# The judge himself: two acknowledgements of one number.
a_lost_update_is_seen() {
  changes 1 3 || problem "$(tail -n 1 "$work/said1")"
  cp "$work/log1" "$work/log2"
  "$try" history "$disk" >"$work/history"
  awk -f "$kit/race-check.awk" "$work/history" "$work/log1" "$work/log2" >"$work/verdict" && problem "nobody saw it"
  printf '2 1 1\n3 2 1\n' >"$work/history"
  printf '2 1\n' >"$work/log1"
  printf '3 1\n' >"$work/log2"
  awk -f "$kit/race-check.awk" "$work/history" "$work/log1" "$work/log2" >"$work/verdict"
  grep -q 'an update was lost' "$work/verdict" || problem "it is not called by its name: $(cat "$work/verdict")"
}

on_failure() {
  for n in 1 2; do sed "s/^/  node$n: /" "$work/said$n" 2>/dev/null | tail -n 5; done
}
suite lease take_turns the_lease_of_a_killed_process_is_free a_stopped_holder_is_killed_by_its_machine a_stopped_holder_is_killed_by_its_neighbour \
  a_holder_without_san_is_killed_and_joins_again a_lost_update_is_seen race
