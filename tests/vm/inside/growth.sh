#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Stores that grow under a writer: runs as root inside a throw-away machine and OVERWRITES the disk given (8 GiB; it need not be there really).
# usage: growth.sh DISK       TESTS: functions to run; BIN: where the test programs are; FULL: seconds that a container stays full
set -u
disk=$(readlink -f "${1:?usage: growth.sh DISK}")
bin=${BIN:-$(cd "$(dirname "$0")/../../.." && pwd)/build/tests}
volmgr=${VOLMGR:-/usr/sbin/volmgr}
volmgrd=${VOLMGRD:-/usr/sbin/volmgrd}
export CONTAINER=one
work=$(mktemp -d)
failed=0
MIB=1048576

t() { RANGE=largest "$bin/try-volmgr" "$disk" one "$@"; }
g() { "$bin/try-growth" "$@"; }
problem() { echo "  $*"; bad=1; }
pool() { dmsetup status "byre-one-$1-pool"; }
store_mib() { pool "$1" | awk '{ print $2 / 2048 }'; }
full() { pool "$1" | grep -q out_of_data_space; }
publish_state() { "$volmgr" --container one state show --secrets >/run/byre/new && mv /run/byre/new /run/byre/state.json; } # as metamaster does

joined() { sanlock client status 2>/dev/null | grep -q '^s byre-.*:1:'; }
daemon_start() { "$volmgrd" --container one 2>>"$work/daemon.log" & daemon=$!; }
daemon_stop() { kill "$daemon" && wait "$daemon" 2>/dev/null; }
said() { grep -q -- "$1" "$work/daemon.log"; }

# until_true SECONDS COMMAND: far off; only a guard.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || { problem "never came true: $*: $(tail -n 3 "$work/daemon.log")"; return 1; }
    sleep 0.1
  done
}

# fresh: a new container 'one': node 1 is this machine; roots of 3 GiB in stores of 256 MiB, on an image of 64 MiB.
fresh() {
  wipefs -qaf "$disk" && blkdiscard -f "$disk" 2>/dev/null
  udevadm settle
  t install 2 64 3072 256 0 256 'dd if=/dev/urandom of=$d bs=1M count=64 2>/dev/null' >"$work/out" 2>&1 || { problem "install: $(cat "$work/out")"; return 1; }
  mkdir -p /run/byre
  echo 1 >/run/byre/node
  rm -f /run/byre/state.json
  : >"$work/daemon.log"
  root=$(t compose node1.root) || problem 'compose'
}
# away: nothing of it is left here.
away() {
  [ -z "${daemon-}" ] || daemon_stop
  daemon=
  sanlock client shutdown -f 1 -w 1 >/dev/null 2>&1
  dmsetup remove_all >/dev/null 2>&1
  dmsetup remove_all >/dev/null 2>&1 # those on which others stood
}

# worst_of FILE: milliseconds of the slowest write.
worst_of() { awk '{ print $3 }' "$1"; }
rate_of() { awk '{ printf "%.1f MiB/s", $1 / 1048576 / ($2 / 1000) }' "$1"; }

# Twice its store and more at full speed: no error, no stall beside a raw device's.
a_store_grows_under_its_writer() {
  local shared
  shared=$(t compose shared)
  g write "$shared" 0 $((256 * MIB)) $MIB >"$work/raw" || problem 'raw'
  daemon_start
  until_true 60 joined
  g write "$root" $((128 * MIB)) $((1200 * MIB)) $MIB >"$work/thin" 2>"$work/err" || problem "$(cat "$work/err")"
  g check "$root" $((128 * MIB)) $((1200 * MIB)) || problem 'check'
  echo "  raw $(rate_of "$work/raw"), worst $(worst_of "$work/raw") ms; growing $(rate_of "$work/thin"), worst $(worst_of "$work/thin") ms; store now $(store_mib node1.root) MiB"
  sed -n 's/.*: \(node1.root: .* more; .*\)/  \1/p' "$work/daemon.log"
  [ "$(store_mib node1.root)" -gt 1200 ] || problem "the store has $(store_mib node1.root) MiB"
  [ "$(store_mib node1.root)" -le 3072 ] || problem 'more was granted than the volume can use'
  (($(worst_of "$work/thin") < 10000 + $(worst_of "$work/raw"))) || problem 'a write took more than ten seconds'
  "$volmgr" --container one status --json | grep -q '"generation"' || problem 'status'
}

# Grown by whoever was killed; begun although the reserve had been touched before anybody watched.
it_may_be_killed_at_any_time() {
  g write "$root" 0 $((250 * MIB)) $MIB >/dev/null || problem 'write'
  pool node1.root | grep -q out_of_data && problem 'full already'
  daemon_start
  until_true 60 eval '[ "$(store_mib node1.root)" -gt 256 ]'
  g write "$root" $((250 * MIB)) $((1000 * MIB)) $MIB >"$work/thin" 2>"$work/err" &
  local writer=$! kills=0
  while kill -0 $writer 2>/dev/null; do
    sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
    kill -KILL "$daemon" && wait "$daemon" 2>/dev/null
    kills=$((kills + 1))
    daemon_start
    sleep "1.$((RANDOM % 10))"
  done
  wait $writer || problem "$(cat "$work/err")"
  g check "$root" 0 $((1250 * MIB)) || problem 'check'
  echo "  killed $kills times; store now $(store_mib node1.root) MiB"
  [ "$kills" -gt 2 ] || problem 'too few kills'
  until_true 60 eval '[ "$("$volmgr" --container one list --json | awk "/node1.root/ { on = 1 } on && /store_bytes/ { gsub(/[^0-9]/, \"\"); print; exit }")" = "$(($(store_mib node1.root) * MIB))" ]'
}

# The lease is held by somebody who stands still: the reserve carries the writer, it waits, and goes on once that one has been made to give up.
a_held_lease_is_waited_for() {
  daemon_start
  until_true 60 joined
  "$bin/try-change" one 1 "$work/log" 600000 2>>"$work/holder" &
  local holder=$! writer
  until_true 60 eval 'sanlock client status | grep -q "^r .*change"'
  kill -STOP $holder
  g write "$root" 0 $((600 * MIB)) $MIB >"$work/thin" 2>"$work/err" &
  writer=$!
  until_true 120 full node1.root
  g check "$root" 0 $((200 * MIB)) || problem 'reads fail while writes wait'
  kill -0 $writer 2>/dev/null || problem "the writer did not wait: $(cat "$work/err")"
  wait $writer || problem "$(cat "$work/err")"
  kill -KILL $holder 2>/dev/null
  wait $holder 2>/dev/null
  g check "$root" 0 $((600 * MIB)) || problem 'check'
  echo "  the writer waited $(worst_of "$work/thin") ms: $(grep -c . "$work/daemon.log") lines said: $(grep -m 1 waiting "$work/daemon.log")"
}

# No space in the container: the undo goes, then the writer waits, the admin is told; more space, and it goes on.
a_full_container_waits() {
  local lines
  g eat 300 2>"$work/err" || problem "$(cat "$work/err")"
  daemon_start
  g write "$root" 0 $((900 * MIB)) $MIB >"$work/thin" 2>"$work/err" &
  local writer=$!
  until_true 200 full node1.root
  until_true 60 said 'has no space left'
  sleep "${FULL:-8}"
  kill -0 $writer 2>/dev/null || problem "the writer did not wait: $(cat "$work/err")"
  "$volmgr" --container one status >"$work/out" || problem 'status'
  grep -q 'node1.root waits for space since' "$work/out" || problem "$(cat "$work/out")"
  lines=$(wc -l <"$work/daemon.log")
  sleep 2
  [ "$(wc -l <"$work/daemon.log")" = "$lines" ] || problem "it goes on saying so: $(tail -n 3 "$work/daemon.log")"
  g remove eater 2>"$work/err" || problem "$(cat "$work/err")"
  wait $writer || problem "$(cat "$work/err")"
  g check "$root" 0 $((900 * MIB)) || problem 'check'
  until_true 30 said 'all is well again'
  until_true 30 eval '! "$volmgr" --container one status | grep -q "waits for space"'
  echo "  the writer waited $(worst_of "$work/thin") ms"
}

an_undo_is_given_up_before_anybody_waits() {
  g write "$root" 0 $((180 * MIB)) $MIB >/dev/null || problem 'write'
  t release node1.root && g reset-keep node1.root || problem 'reset'
  root=$(t compose node1.root) || problem 'compose'
  g check "$root" 0 $MIB 2>/dev/null && problem 'not fresh'
  g eat 0 2>"$work/err" || problem "$(cat "$work/err")"
  daemon_start
  g write "$root" 0 $((220 * MIB)) $MIB >"$work/thin" 2>"$work/err" || problem "$(cat "$work/err")"
  said 'node1.root: there is no space left: what it was before its last reset has been given up' || problem "$(cat "$work/daemon.log")"
  g check "$root" 0 $((220 * MIB)) || problem 'check'
}

an_undo_is_whole() {
  g write "$root" 0 $((100 * MIB)) $MIB >/dev/null || problem 'write'
  t release node1.root && g reset-keep node1.root || problem 'reset'
  root=$(t compose node1.root) || problem 'compose'
  g check "$root" 0 $MIB 2>/dev/null && problem 'not fresh'
  g write "$root" 0 $((10 * MIB)) $MIB >/dev/null || problem 'write'
  t release node1.root && g undo node1.root || problem 'undo'
  root=$(t compose node1.root) || problem 'compose'
  g check "$root" 0 $((100 * MIB)) || problem 'check'
}

# Larger than its image, and larger still while it is in use.
a_volume_is_enlarged_online() {
  daemon_start
  mkfs.ext4 -q -E lazy_itable_init=1 "$root" && mkdir -p "$work/1" && mount -o noinit_itable "$root" "$work/1" || problem 'mount'
  head -c 100M /dev/urandom >"$work/1/data" && sum=$(sha256sum <"$work/1/data")
  g resize node1.root 4096 2>"$work/err" && publish_state || problem "$(cat "$work/err")"
  until_true 60 eval '[ "$(blockdev --getsize64 "$root")" = $((4096 * MIB)) ]'
  resize2fs "$root" >"$work/out" 2>&1 || problem "$(cat "$work/out")"
  [ "$(df --output=size -m "$work/1" | tail -n 1)" -gt 3800 ] || problem "$(df -m "$work/1")"
  echo 3 >/proc/sys/vm/drop_caches
  [ "$(sha256sum <"$work/1/data")" = "$sum" ] || problem 'data differ'
  umount "$work/1"
}

# What is deleted and trimmed can be written again, without more space.
trimmed_blocks_come_back() {
  mkfs.ext4 -q -E lazy_itable_init=1 "$root" && mkdir -p "$work/1" && mount -o noinit_itable "$root" "$work/1" || problem 'mount'
  for _ in 1 2 3; do
    head -c 100M /dev/urandom >"$work/1/data" && sync -f "$work/1" && rm "$work/1/data" && sync -f "$work/1" || problem 'write'
    "$volmgr" --container one trim 1 >"$work/out" 2>&1 || problem "$(cat "$work/out")"
    grep -qE '^node1.root: [0-9.]+ MiB are free again, [0-9.]+ MiB of 256 MiB in use' "$work/out" || problem "$(cat "$work/out")"
  done
  cat "$work/out"
  umount "$work/1"
  "$volmgr" --container one trim 2 2>"$work/out" && problem 'trimmed what is not here'
  grep -q 'node2.root is not in use on this machine' "$work/out" || problem "$(cat "$work/out")"
}

all="a_store_grows_under_its_writer it_may_be_killed_at_any_time a_held_lease_is_waited_for a_full_container_waits
an_undo_is_given_up_before_anybody_waits an_undo_is_whole a_volume_is_enlarged_online trimmed_blocks_come_back"
modprobe -q dm-thin-pool
for f in ${TESTS:-$all}; do
  bad='' daemon=''
  start=$(date +%s%N)
  fresh && "$f"
  away
  if [ -z "$bad" ]; then echo "ok growth: $f ($((($(date +%s%N) - start) / 1000000)) ms)"; else echo "FAIL growth: $f"; failed=1; fi
done
rm -rf "$work"
exit $failed
