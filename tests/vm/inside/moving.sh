#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A disk that moves between nodes, and what must not stay behind when something is killed. The nodes are name spaces with a sanlock, a volmgrd and device-mapper devices of their own
# (as-node.c). Runs as root inside a throw-away machine and OVERWRITES the disk given (3 GiB).
# usage: moving.sh DISK       TESTS: functions to run; KIT: where the test programs are; kit/moving.conf: how many moves, from which seed
# shellcheck disable=SC2317 # called by name
set -u
disk=$(readlink -f "${1:?usage: moving.sh DISK}")
bin=${BIN:?}
volmgr=${VOLMGR:-/usr/sbin/volmgr}
volmgrd=${VOLMGRD:-/usr/sbin/volmgrd}
export CONTAINER=one
work=$(mktemp -d)
failed=0
# shellcheck source=/dev/null # how many, and from which seed
[ ! -r "${KIT:-}/moving.conf" ] || . "$KIT/moving.conf"
: "${moves:=60}" "${seed:=1}" "${limit:=1500}"

t() { RANGE=largest "$bin/try-volmgr" "$disk" one "$@"; }
v() { "$volmgr" --container one "$@"; }
problem() { echo "  $*"; bad=1; }
# until_true SECONDS COMMAND...: a guard, far off.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || { problem "never: $*"; return 1; }
    sleep 0.1
  done
}

until_false() { local n=$1; shift; until_true "$n" eval "! $(printf '%q ' "$@")"; }

# --- nodes

# as N COMMAND...: on node N.
as() {
  local n=$1
  shift
  nsenter -t "$(cat "$work/machine$n")" -m -p -- env AS_NODE="$n" AS_NODE_WITNESS="$work/witness" LD_PRELOAD="$bin/as-node.so" "$@"
}
on() { local n=$1; shift; as "$n" "$volmgr" --container one "$@"; } # N COMMAND...: volmgr there
does() { on "$@" >"$work/out" 2>"$work/err" || problem "node $*: $(cat "$work/err")"; }
# refuses N TEXT COMMAND...: in a line that says TEXT.
refuses() {
  local n=$1 text=$2
  shift 2
  on "$n" "$@" >"$work/out" 2>"$work/err" && problem "node $n $*: was done"
  grep -q -- "$text" "$work/err" || problem "node $n $*: $(cat "$work/err")"
}

# signal SIGNAL N [NAME]: all that runs there, or what has that name.
signal() {
  if [ -n "${3-}" ]; then
    as "$2" pkill "-$1" -x "$3"
  else
    nsenter -t "$(cat "$work/machine$2")" -m -p -- bash -c "kill -$1 -1" 2>/dev/null
    [ "$1" != CONT ] || pkill -CONT -x nsenter # each stops with its child
  fi
}
joined() { as "$1" sanlock client status 2>/dev/null | grep -q "^s byre-.*:$1:"; }

start_machine() { # N
  local mac="52:54:00:01:00:0$1" parent
  unshare -m -p --fork --kill-child --mount-proc bash -c "mount -t tmpfs run /run && mkdir /run/byre /run/mapper && echo $1 >/run/byre/node && echo mac=$mac >/run/byre/san &&
    ln -s /dev/mapper/control /run/mapper/control && echo up >$work/up$1 && exec sleep infinity" 2>/dev/null &
  parent=$!
  until_true 20 [ -e "$work/up$1" ] || return 1
  tr -d ' ' <"/proc/$parent/task/$parent/children" >"$work/machine$1" # the first process of its name space
  rm -f "$work/up$1" "$work/off$1"
}
# As systemd does: it is started again and again.
start_daemon() { # N
  (while [ ! -e "$work/off$1" ]; do as "$1" "$volmgrd" --container one >>"$work/volmgrd$1" 2>&1; done) &
  until_true 60 joined "$1"
}
# All that runs there is gone at once, without a word to anybody, and with it what its kernel held: nothing that it does at the end reaches the disk. Metadata first, and while
# all goes on: a pool writes them every second.
power_off() { # N
  touch "$work/off$1"
  dmsetup ls | sed -n "s/^\(b$1re-[^\t ]*\).*/\1/p" | sort -r >"$work/devices$1" # -metadata before -data
  cut_off "$1"
  signal STOP "$1"
  kill -KILL "$(cat "$work/machine$1")"
  pkill -CONT -x nsenter
  until_true 20 is_gone "$(cat "$work/machine$1")"
  until_true 20 forget_devices "$1"
}
# The lowest devices lead nowhere any more. A pool that is taken away would else write its metadata.
cut_off() {
  local d
  while read -r d; do
    dmsetup wipe_table --noflush --nolockfs "$d" 2>/dev/null || ! dmsetup info "$d" >/dev/null 2>&1 || problem "$d is not cut off"
  done < <(grep -e '-metadata$' -e '-data$' "$work/devices$1")
}
is_gone() { [ ! -e "/proc/$1" ]; }
forget_devices() {
  local d left=0
  while read -r d; do
    dmsetup remove "$d" 2>/dev/null || ! dmsetup info "$d" >/dev/null 2>&1 || left=1
  done <"$work/devices$1"
  return "$left"
}

restart() { # N
  power_off "$1"
  start_machine "$1" && start_daemon "$1"
}

# A container with a disk that is nobody's, and two nodes.
prepare() {
  local n
  wipefs -qaf "$disk" && blkdiscard -f "$disk" 2>/dev/null
  udevadm settle
  # shellcheck disable=SC2016 # expanded by try-volmgr's shell
  t install 3 64 512 256 16 0 'mkfs.ext4 -q -b 4096 $d' >"$work/out" 2>&1 || { problem "install: $(cat "$work/out")"; return 1; }
  : >"$work/acks"
  for n in 1 2; do start_machine "$n" && start_daemon "$n" || return 1; done
  does 1 create disk --size 64 --store 64
}
end() {
  local n
  touch "$work/off1" "$work/off2"
  for n in 1 2; do power_off "$n"; done
  wait
}

# --- who is gone

use() { as "$1" "$bin/try-moving" use "$2" "$1" "$work/acks"; } # N DEVICE

a_disk_is_passed_on() {
  local dev
  refuses 1 "volume disk is nobody's: volmgr take disk first" attach disk
  does 1 take disk
  dev=$(on 1 attach disk) || problem attach
  [ "$(on 1 attach disk)" = "$dev" ] || problem 'attached twice, it is another'
  use 1 "$dev" || problem 'no record'
  refuses 1 'volume disk is in use on this machine: volmgr detach disk' give disk
  refuses 2 'volume disk is held by node 1, this is node 2' attach disk
  refuses 2 'volume disk is held by node 1, which lives: volmgr give disk there first' take disk
  refuses 2 'volume disk is .*node.\?1' remove disk
  until_true 20 status_says 2 'node1 *disk$' '1 node1'
  status_says 1 'node1 *disk$' '1 here' || problem "$(on 1 status)"
  does 1 detach disk
  until_true 20 status_says 2 'node1 *disk (not in use)$' '1 null'
  does 1 give disk
  status_says 2 'nobody *disk$' 'null null' || problem "$(on 2 status)"
  does 2 take disk
  refuses 1 'volume disk is held by node 2, this is node 1' attach disk
  dev=$(on 2 attach disk) || problem attach
  use 2 "$dev" || problem 'the record of node 1 is lost'
  refuses 1 'the root of node2 is written by node2 alone' attach 2
  until_true 20 told 2
  does 2 detach disk
  does 2 give disk
  [ "$(cat "$work/acks")" = $'0 1\n1 2' ] || problem "$(cat "$work/acks")"
}

# status_says N LINE DISK: what volmgr status tells of the disk there, as text and as JSON (its node, and where it is in use).
status_says() {
  on "$1" status | grep -q "^  $2" && [ "$(on "$1" status --json | jq -r '.disks[] | "\(.node) \(.in_use)"')" = "$3" ]
}

opened() { [ "$(dmsetup info -c --noheadings -o open "b$1re-one-disk" | tr -d ' ')" = "$2" ]; }
composed() { dmsetup info "b$1re-one-disk-pool" >/dev/null 2>&1; }

# A clean leave means that nothing is composed.
who_leaves_has_nothing_composed() {
  local dev
  does 1 take disk
  dev=$(on 1 attach disk) || problem attach
  as 1 bash -c "exec 3<>$dev; exec -a user sleep 1000" &
  until_true 20 opened 1 1
  refuses 1 "this machine stays in the cluster's lockspace.*disk.*in use" leave
  refuses 2 'volume disk is held by node 1, which lives' take disk
  as 1 pkill -KILL -f '^user'
  until_true 20 opened 1 0
  does 1 leave
  composed 1 && problem 'it has left, and the disk is composed'
  does 2 take disk
  refuses 1 'volume disk is held by node 2' attach disk
  does 2 give disk
  until_true 60 joined 1
}

# What was left behind the back of our tools: the lockspace says that the node has gone, its volmgrd says otherwise.
left_by_hand_is_not_gone() {
  does 1 take disk
  on 1 attach disk >/dev/null || problem attach
  until_true 10 told 1 # long before it looks by itself
  touch "$work/off1" # or it would join again at once
  signal KILL 1 volmgrd
  as 1 sanlock client shutdown -f 1 -w 1 >/dev/null
  refuses 2 'volume disk is in use on node1: volmgr detach disk there' take disk
  start_daemon_again 1
  does 1 detach disk
  does 1 give disk
}
told() { on $((3 - $1)) list | grep -q "^disk .* node$1\$"; }

# The daemons are killed, the machine hangs, or was off: while the disk is composed it has not left, and nobody takes it unless told so.
a_node_that_is_killed_has_not_left() {
  local dev
  does 1 take disk
  dev=$(on 1 attach disk) || problem attach
  use 1 "$dev" || problem 'no record'
  touch "$work/off1"
  signal KILL 1 volmgrd
  signal KILL 1 sanlock
  refuses 2 'volume disk is ' take disk
  start_daemon_again 1
  refuses 2 'volume disk is ' take disk
  signal STOP 1
  refuses 2 'volume disk is ' take disk
  signal CONT 1
  power_off 1
  refuses 2 'volume disk is ' take disk
  does 2 take --force disk
  on 2 state history -n 1 | grep -q 'take --force disk for node 2, from node 1' || problem "$(on 2 state history -n 1)"
  dev=$(on 2 attach disk) || problem attach
  use 2 "$dev" || problem 'the record of node 1 is lost'
  start_machine 1 && start_daemon 1
  refuses 1 'volume disk is held by node 2' attach disk
  does 2 detach disk
  does 2 give disk
}
start_daemon_again() { rm -f "$work/off$1"; start_daemon "$1"; }

# It writes at that moment. What it was told to be on the disk is there.
a_power_cut_loses_nothing_that_was_acknowledged() {
  local dev first n=0
  first=$(wc -l <"$work/acks")
  does 1 take disk
  dev=$(on 1 attach disk) || problem attach
  as 1 "$bin/try-moving" write "$dev" 1 "$work/acks" 2>"$work/err" &
  until_true 60 has_acknowledged $((first + 200))
  power_off 1
  n=$(wc -l <"$work/acks")
  does 2 take --force disk
  dev=$(on 2 attach disk) || problem attach
  use 2 "$dev" || problem 'what was acknowledged is lost'
  [ "$(wc -l <"$work/acks")" = $((n + 1)) ] || problem 'it wrote on'
  echo "  $((n - first)) records were acknowledged before the power went"
  does 2 detach disk
  does 2 give disk
  start_machine 1 && start_daemon 1
}
has_acknowledged() { [ "$(wc -l <"$work/acks")" -ge "$1" ]; }

# It may have read the state while another node took the disk, having seen no sign of it: it waits for the lease before it composes anything.
who_has_just_joined_waits_for_the_lease() {
  does 1 take disk
  does 1 leave
  until_true 60 joined 1
  # shellcheck disable=SC2016 # expanded over there
  as 2 "$bin/try-change" one 1 "$work/counted" 600000 2>"$work/err" &
  until_true 30 held_by 2
  as 1 timeout 5 "$volmgr" --container one attach disk >"$work/out" 2>"$work/err" && problem 'it did not wait'
  grep -q 'waiting for node2, which holds the lease' "$work/err" || problem "$(cat "$work/err")"
  composed 1 && problem 'it is composed'
  signal KILL 2 try-change
  on 1 attach disk >/dev/null || problem attach
  # Once is enough.
  as 2 "$bin/try-change" one 1 "$work/counted" 600000 2>"$work/err" &
  until_true 30 held_by 2
  does 1 detach disk
  does 1 attach disk
  does 1 detach disk
  signal KILL 2 try-change
  does 1 give disk
}
state_part() { sfdisk -d "$disk" | awk '/name="byre-one-state"/ { print $1 }'; }
held_by() { [ "$("$bin/try-change" holder "$(state_part)" 2>/dev/null)" = "$1" ]; }

# --- standing still

stands_still() { [ "$(dmsetup info -c --noheadings -o suspended b1re-one-node1.root)" = Suspended ]; }
goes_on() { ! stands_still; }

# Whoever freezes a root is killed at every step, with its guard or without.
nobody_leaves_a_root_standing_still() {
  local how when k n dev=/dev/mapper/b1re-one-node1.root runs=0 thawed
  as 1 "$bin/try-volmgr" "$disk" one compose node1.root >/dev/null || problem compose
  freeze() { # COUNT AT WHEN HOW
    rm -f "$work/count"
    as 1 CRASH_COUNT="$work/count" CRASH_AT="$1" CRASH_WHEN="$2" CRASH_HOW="$3" LD_PRELOAD="$bin/as-node.so $bin/crash.so" CONTAINER=one \
      setsid --wait "$bin/try-moving" freeze node1.root >"$work/out" 2>"$work/err"
  }
  freeze 0 before kill || problem "$(cat "$work/err")"
  n=$(cat "$work/count")
  thawed=$(grep -c 'stood still' "$work/volmgrd1")
  for how in kill family; do
    for ((k = 1; k <= n; k++)); do
      when=before
      ((k % 2)) && when=after
      freeze "$k" "$when" "$how" 2>/dev/null
      until_true 20 goes_on || problem "step $k ($when, $how): it stands still"
      timeout 20 dd if=/dev/zero of="$dev" bs=4k count=1 seek=$((60000 + k)) oflag=direct 2>/dev/null || problem "step $k ($when, $how): no write goes through"
      runs=$((runs + 1))
    done
  done
  freeze 0 before kill || problem "afterwards: $(cat "$work/err")"
  as 1 "$bin/try-volmgr" "$disk" one release node1.root || problem release
  echo "  killed at $runs points; volmgrd let it go on $(($(grep -c 'stood still' "$work/volmgrd1") - thawed)) times"
}

# --- growing

size_is() { [ "$(blockdev --getsize64 "$1")" = "$2" ]; }
a_mounted_root_becomes_larger() {
  local dev=/dev/mapper/b1re-one-node1.root before after
  as 1 "$bin/try-volmgr" "$disk" one compose node1.root >/dev/null || problem compose
  mkdir -p "$work/m"
  mount "$dev" "$work/m" || { problem mount; return; }
  resize2fs "$dev" >/dev/null 2>&1
  echo mine >"$work/m/mine"
  before=$(df --output=size -BM "$work/m" | tail -n 1 | tr -dc 0-9)
  does 2 resize 1 1024
  grep -q '^node1.root has 1.0 GiB: at once where it is in use' "$work/out" || problem "$(cat "$work/out")"
  until_true 60 size_is "$dev" $((1024 << 20))
  resize2fs "$dev" >"$work/out" 2>&1 || problem "$(cat "$work/out")"
  after=$(df --output=size -BM "$work/m" | tail -n 1 | tr -dc 0-9)
  echo "  $before MiB became $after MiB, mounted"
  [ "$after" -gt $((before + 400)) ] && [ "$(cat "$work/m/mine")" = mine ] || problem "$before $after"
  umount "$work/m"
  as 1 "$bin/try-volmgr" "$disk" one release node1.root || problem release
}

# --- a state of before

export_to() { rm -f "$work/$1"; does 1 state export "$work/$1"; }
import_refused() { # FILE TEXT
  refuses 1 "$2" state import --force 'test' "$work/$1"
}
a_state_of_before_is_imported_or_refused() {
  # Before a volume was made that took the slab along; after it was removed again; what LVM has is what the state says.
  export_to before
  does 1 create big --size 1024 --store 1200
  export_to with
  refuses 1 'lie elsewhere .* --force REASON' state import "$work/before"
  does 1 state import --force 'test' "$work/before"
  does 1 list
  grep -q '^big' "$work/out" && problem 'big is there'
  does 1 check
  does 1 state import --force 'test' "$work/with"
  does 1 list
  grep -q '^big' "$work/out" || problem 'big is not there'
  does 1 check
  # In use: its holder would go on where it lies now.
  does 2 take big
  on 2 attach big >/dev/null || problem attach
  import_refused before 'changes or lacks a volume that is in use: volume big'
  does 2 detach big
  import_refused before 'volume big is held by node 2: volmgr give big there first'
  import_refused with 'volume big is held by node 2'
  does 2 give big
  # Its pool has grown: it would not start on less.
  export_to small
  does 1 grow big 100
  does 1 take big
  on 1 attach big >/dev/null || problem attach
  does 1 detach big
  does 1 give big
  import_refused small 'volume big: its store has grown to'
  does 1 remove big
  does 1 check
}

# lose_state: no slot holds a document any more.
lose_state() {
  local at
  for at in 48 80; do head -c 4096 /dev/urandom | dd of="$(state_part)" bs=4096 seek=$((at * 256 + 1)) oflag=direct conv=notrunc status=none || problem lose; done
}
lists() { on $((3 - $1)) list | grep -q "^$2 .* node$1\$"; } # N VOLUME: N tells that it has it

# No document is left to compare with: the history tells what was done since, and the nodes what they have.
a_lost_state_is_imported_or_refused() {
  export_to old
  does 1 create big --size 1024 --store 1200
  does 2 take big
  on 2 attach big >/dev/null || problem attach
  until_true 20 lists 2 big
  export_to new
  lose_state
  import_refused old 'node2 has volume big in use, of which .* knows nothing'
  does 1 state import --force 'test' "$work/new"
  grep -q 'the history tells of none after that' "$work/out" || problem "$(cat "$work/out")"
  use_big 2
  does 2 detach big
  does 2 give big
  until_false 20 lists 2 big
  # Nobody has it in use any more; what LVM has beyond the old state is told, and not taken away.
  lose_state
  does 1 state import --force 'test' "$work/old"
  grep -q 'generation .*: volmgr create.* big' "$work/out" || problem "$(cat "$work/out")"
  on 1 check >"$work/out" && problem 'LVM has what the state does not know, and that is not told'
  does 1 check --repair
  does 1 check
}
use_big() { as "$1" "$bin/try-moving" use "$(on "$1" attach big)" "$1" "$work/acks.big" || problem "node $1 does not go on with big"; }

# --- the campaign

# step N COMMAND...: volmgr there; one in three is killed at a random step, if it has so many.
step() {
  local n=$1 env=() at=0 r
  shift
  if ((RANDOM % 3 == 0)); then
    at=$((RANDOM % 12 + 1))
    rm -f "$work/count$n"
    env=(CRASH_COUNT="$work/count$n" CRASH_AT="$at" CRASH_WHEN="$( ((RANDOM % 2)) && echo after || echo before)" LD_PRELOAD="$bin/as-node.so $bin/crash.so")
  fi
  as "$n" "${env[@]}" setsid --wait "$volmgr" --container one "$@" >"$work/out$n" 2>"$work/err$n"
  r=$?
  [ "$at" = 0 ] || [ "$(cat "$work/count$n" 2>/dev/null)" != "$at" ] || echo "$1" >>"$work/killed"
  cat "$work/err$n" >>"$work/said$n"
  return "$r"
}

has_turn() { local t; read -r t <"$work/turn" && [ "$t" = "$1" ]; } # N
pass_turn() { echo "$1" >"$work/turn.new$1" && mv "$work/turn.new$1" "$work/turn"; } # N: it is N's now

# Tools that were killed are called again, until the disk is another's to take.
put_back() { # N
  until { step "$1" detach disk && step "$1" give disk; } || grep -q 'is held by node' "$work/err$1" || [ -e "$work/enough" ]; do sleep 0.1; done
}

# What it says when it fails counts, unless its machine went.
write_one() { # N DEVICE
  use "$1" "$2" 2>"$work/use$1" || [ ! -s "$work/use$1" ] || [ -e "$work/off$1" ] || grep -q nsenter "$work/use$1" || sed "s/^/node $1: /" "$work/use$1" >>"$work/problems"
}

# Nobody else's turn ends before the disk is nobody's: so all the time goes into what may go wrong. One in four tries to have it while it waits.
worker() { # N
  local n=$1
  RANDOM=$((seed * 10 + n))
  while [ ! -e "$work/enough" ]; do
    ((RANDOM % 4)) || step "$n" attach disk
    until has_turn "$n" || [ -e "$work/enough" ]; do sleep 0.2; done
    until { step "$n" take disk && step "$n" attach disk; } || ! has_turn "$n" || [ -e "$work/enough" ]; do sleep 0.1; done
    [ -e "$work/enough" ] || ! has_turn "$n" || write_one "$n" "$(cat "$work/out$n")"
    put_back "$n"
    ! has_turn "$n" || pass_turn $((3 - n))
  done
}

moved() { awk -v first="$before" 'NR > first && $2 != last { n++; last = $2 } END { print n ? n - 1 : 0 }' "$work/acks"; }

# Nobody waits for the end of the lease that a machine held when its power went: it comes back before.
take_from_dead() { # N
  as "$1" timeout 15 "$volmgr" --container one take --force disk >/dev/null 2>>"$work/said$1" && pass_turn "$1" && struck[force]=$((struck[force] + 1))
}

# What else may happen to a node. One that is off is off for sure: then it may be said so.
strike() {
  local n=$((RANDOM % 2 + 1))
  case $((RANDOM % 8)) in
  0) signal KILL "$n" sanlock; struck[sanlock]=$((struck[sanlock] + 1)) ;;
  1) signal KILL "$n" volmgrd; struck[volmgrd]=$((struck[volmgrd] + 1)) ;;
  2) signal STOP "$n"; sleep "$((RANDOM % 3)).5"; signal CONT "$n"; struck[stop]=$((struck[stop] + 1)) ;;
  3)
    power_off "$n"
    ((RANDOM % 2)) && take_from_dead $((3 - n))
    start_machine "$n" && start_daemon "$n"
    struck[power]=$((struck[power] + 1))
    ;;
  *) ;;
  esac
}

it_is_never_written_by_two() {
  local end=$((SECONDS + limit)) began=$SECONDS before workers=()
  before=$(wc -l <"$work/acks")
  declare -A struck=([sanlock]=0 [volmgrd]=0 [stop]=0 [power]=0 [force]=0)
  pass_turn 1
  : >"$work/killed"
  RANDOM=$seed
  worker 1 & workers+=($!)
  worker 2 & workers+=($!)
  while [ "$(moved)" -lt "$moves" ] && [ "$SECONDS" -lt "$end" ] && [ ! -s "$work/problems" ] && [ ! -s "$work/witness" ]; do
    strike
    sleep "$((RANDOM % 4)).$((RANDOM % 9))"
  done
  touch "$work/enough"
  wait "${workers[@]}"
  echo "  seed $seed: $(moved) moves in $((SECONDS - began)) s, $(($(wc -l <"$work/acks") - before)) acknowledged writes; killed: $(sort "$work/killed" | uniq -c | awk '{ printf "%s%s %s", s, $1, $2; s = ", " }'), sanlock ${struck[sanlock]}, volmgrd ${struck[volmgrd]}; stopped ${struck[stop]}, off ${struck[power]}, and taken by force meanwhile ${struck[force]}"
  [ ! -s "$work/problems" ] || problem "$(head -n 5 "$work/problems")"
  [ ! -s "$work/witness" ] || problem "two at once: $(head -n 3 "$work/witness")"
  [ "$(moved)" -ge "$moves" ] || problem "only $(moved) moves in $limit s: $(tail -n 2 "$work/said1" "$work/said2")"
  # In the end node 1 has it.
  does 2 detach disk
  on 1 take disk >/dev/null 2>&1 || { does 2 give disk; does 1 take disk; }
  use 1 "$(on 1 attach disk)" || problem 'the end'
  does 1 detach disk
  does 1 give disk
  does 1 check --repair
  does 1 check
}

modprobe -qa dm-mod dm-thin-pool
all='a_disk_is_passed_on who_leaves_has_nothing_composed left_by_hand_is_not_gone a_node_that_is_killed_has_not_left a_power_cut_loses_nothing_that_was_acknowledged who_has_just_joined_waits_for_the_lease
nobody_leaves_a_root_standing_still a_mounted_root_becomes_larger a_state_of_before_is_imported_or_refused a_lost_state_is_imported_or_refused it_is_never_written_by_two'
bad=0
prepare || all=
[ "$bad" = 0 ] || { echo 'FAIL moving: prepare'; failed=1; all=; }
for what in ${TESTS:-$all}; do
  bad=0
  start=$(date +%s%N)
  "$what"
  if [ "$bad" = 0 ]; then
    echo "ok moving: $what ($((($(date +%s%N) - start) / 1000000)) ms)"
  else
    for n in 1 2; do tail -n 3 "$work/volmgrd$n" 2>/dev/null | sed "s/^/  volmgrd $n: /"; done
    echo "FAIL moving: $what"
    failed=1
  fi
done
end 2>/dev/null
rm -rf "$work"
exit $failed
