#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Stores that grow under a writer: runs as root inside a throw-away machine and OVERWRITES the disk given (8 GiB; it need not be there really).
# usage: growth.sh DISK       FULL: seconds that a container stays full; CREEP: see below; LARGE: MiB of the volume whose metadata are counted; KIT: the place of fio.tar; see lib.sh
set -u
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
tar -C "$work" -xf "${KIT:?}/fio.tar" || exit 1
volmgrd=${VOLMGRD:-/usr/sbin/volmgrd}
export CONTAINER=one
MIB=1048576

t() { RANGE=largest "$try" "$disk" one "$@"; }
g() { "$BIN/try-growth" "$@"; }
pool() { dmsetup status "byre-one-$1-pool"; }
store_mib() { pool "$1" | awk '{ print $2 / 2048 }'; }
full() { pool "$1" | grep -q out_of_data_space; }
publish_state() { "$volmgr" --container one state show --secrets >/run/byre/new && mv /run/byre/new /run/byre/state.json; } # as metamaster does

# While it joins, which takes three seconds, the line ends in ADD.
joined() { sanlock client status 2>/dev/null | grep -q '^s byre-[^ ]*:1:[^ ]*$'; }
daemon_start() { "$volmgrd" --container one 2>>"$work/daemon.log" & daemon=$!; }
daemon_stop() { kill "$daemon" && wait "$daemon" 2>/dev/null; }
said() { grep -q -- "$1" "$work/daemon.log"; }
# The same under systemd, as on a node: it is started again when it dies.
unit() { systemctl show -P "$1" byre-volmgrd.service; }
unit_start() { since=$(date +@%s) && systemctl start byre-volmgrd.service || problem 'byre-volmgrd.service'; }
unit_said() { journalctl -q -o cat --since "$since" -u byre-volmgrd.service >"$work/daemon.log" && said "$1"; }

# fresh: a new container 'one': node 1 is this machine; roots of 3 GiB in stores of 256 MiB, on an image of 64 MiB.
fresh() {
  wipefs -qaf "$disk" && blkdiscard -f "$disk" 2>/dev/null
  udevadm settle
  t install 2 64 3072 256 0 256 'dd if=/dev/urandom of=$d bs=1M count=64 2>/dev/null' >"$work/out" 2>&1 || { problem "install: $(cat "$work/out")"; return 1; }
  mkdir -p /run/byre
  echo 1 >/run/byre/node
  rm -f /run/byre/state.json
  : >"$work/daemon.log"
  echo 60 >/sys/module/dm_thin_pool/parameters/no_space_timeout # as the kernel has it
  root=$(t compose node1.root) || problem 'compose'
  [ "$(cat /sys/module/dm_thin_pool/parameters/no_space_timeout)" = 0 ] || problem 'a full pool would not wait for ever'
}
# away: nothing of it is left here.
away() {
  [ -z "${daemon-}" ] || daemon_stop
  daemon=
  systemctl stop byre-volmgrd.service 2>/dev/null
  sanlock client shutdown -f 1 -w 1 >/dev/null 2>&1
  dmsetup remove_all >/dev/null 2>&1
  dmsetup remove_all >/dev/null 2>&1 # those on which others stood
}

# worst_of FILE: milliseconds of the slowest write.
worst_of() { awk '{ print $3 }' "$1"; }
rate_of() { awk '{ printf "%.1f MiB/s", $1 / 1048576 / ($2 / 1000) }' "$1"; }

# least_left: the least that was left of the reserve when more came, in MiB.
least_left() { sed -n 's/.* more; \([0-9.]*\) \([KMG]*\)i*B were left.*/\1 \2/p' "$work/daemon.log" | awk '{ m = $2 == "" ? 0 : $2 == "K" ? $1 / 1024 : $2 == "G" ? $1 * 1024 : $1 } NR == 1 || m < least { least = m } END { print least + 0 }'; }

# Twice its store and more at full speed: no error, no stall beside a raw device's.
a_store_grows_under_its_writer() {
  local shared
  shared=$(t compose shared)
  g write "$shared" 0 $((256 * MIB)) $MIB >"$work/raw" || problem 'raw'
  daemon_start
  until_true 60 joined
  g write "$root" $((128 * MIB)) $((900 * MIB)) $MIB >"$work/thin" 2>"$work/err" || problem "$(cat "$work/err")"
  g check "$root" $((128 * MIB)) $((900 * MIB)) || problem 'check'
  echo "  raw $(rate_of "$work/raw"), worst $(worst_of "$work/raw") ms; growing $(rate_of "$work/thin"), worst $(worst_of "$work/thin") ms; at least $(least_left) MiB of a reserve were left; store now $(store_mib node1.root) MiB"
  sed -n 's/^.*\(node1.root: .* more; .*\)/  \1/p' "$work/daemon.log"
  [ "$(store_mib node1.root)" -gt 900 ] || problem "the store has $(store_mib node1.root) MiB"
  [ "$(store_mib node1.root)" -le 3072 ] || problem 'more was granted than the volume can use'
  (($(worst_of "$work/thin") < 2000 + $(worst_of "$work/raw"))) || problem 'a write took more than two seconds'
  "$volmgr" --container one status --json | grep -q '"generation"' || problem 'status'
}

# LVM takes longer than a reserve lasts: there is slack for the first grants of all nodes. Without LVM they come; then writers wait, and go on when it is back.
the_first_grants_need_no_lvm() {
  local second
  mkdir -p "$work/bin" && printf '#!/bin/sh\necho no LVM today >&2\nexit 5\n' >"$work/bin/lvm" && chmod 755 "$work/bin/lvm"
  second=$(t compose node2.root)
  for r in "$root" "$second"; do g write "$r" 0 $((200 * MIB)) $MIB >/dev/null 2>"$work/err" || problem "$(cat "$work/err")"; done
  PATH=$work/bin:$PATH daemon_start
  until_true 60 eval '[ "$(store_mib node1.root)" = 384 ]'
  until_true 60 eval '[ "$(store_mib node2.root)" = 384 ]'
  g write "$root" $((200 * MIB)) $((400 * MIB)) $MIB >/dev/null 2>"$work/err" &
  until_true 100 full node1.root
  until_true 60 said 'no LVM today'
  rm "$work/bin/lvm"
  wait $! || problem "$(cat "$work/err")"
  g check "$root" 0 $((600 * MIB)) || problem 'check'
  until_true 60 said 'all is well again'
}

# A change that was published before its volmgrd died is made true by the next one; its writer goes on.
what_was_published_is_made_true() {
  g write "$root" 0 $((400 * MIB)) $MIB >/dev/null 2>"$work/err" &
  local writer=$!
  until_true 100 full node1.root
  "$volmgr" --container one grow 1 512 >"$work/out" 2>&1 || problem "$(cat "$work/out")"
  [ "$(store_mib node1.root)" = 256 ] && kill -0 $writer || problem 'it is true already'
  daemon_start
  wait $writer || problem "$(cat "$work/err")"
  [ "$(store_mib node1.root)" -ge 768 ] || problem "the store has $(store_mib node1.root) MiB"
  g check "$root" 0 $((400 * MIB)) || problem 'check'
}

# Grown by whoever was killed; begun although the reserve had been touched before anybody watched.
it_may_be_killed_at_any_time() {
  g write "$root" 0 $((250 * MIB)) $MIB >/dev/null || problem 'write'
  pool node1.root | grep -q out_of_data && problem 'full already'
  daemon_start
  until_true 60 eval '[ "$(store_mib node1.root)" -gt 256 ]'
  g write "$root" $((250 * MIB)) $((800 * MIB)) $MIB >"$work/thin" 2>"$work/err" &
  local writer=$! kills=0
  while kill -0 $writer 2>/dev/null; do
    sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
    kill -KILL "$daemon" && wait "$daemon" 2>/dev/null
    kills=$((kills + 1))
    daemon_start
    sleep "1.$((RANDOM % 10))"
  done
  wait $writer || problem "$(cat "$work/err")"
  g check "$root" 0 $((1050 * MIB)) || problem 'check'
  echo "  killed $kills times; store now $(store_mib node1.root) MiB"
  [ "$kills" -gt 2 ] || problem 'too few kills'
  until_true 60 eval '[ "$("$volmgr" --container one list --json | awk "/node1.root/ { on = 1 } on && /store_bytes/ { gsub(/[^0-9]/, \"\"); print; exit }")" = "$(($(store_mib node1.root) * MIB))" ]'
}

# The lease is held by somebody who stands still: the reserve carries the writer, it waits, and goes on once that one has been made to give up.
a_held_lease_is_waited_for() {
  daemon_start
  until_true 60 joined
  "$BIN/try-change" one 1 "$work/log" 600000 2>>"$work/holder" &
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

# No space in the container: the writer waits, the admin is told; volmgrd dies and is started again; more space, and it goes on.
a_full_container_waits() {
  local lines pid
  g eat 300 2>"$work/err" || problem "$(cat "$work/err")"
  unit_start
  g write "$root" 0 $((700 * MIB)) $MIB >"$work/thin" 2>"$work/err" &
  local writer=$!
  until_true 200 full node1.root
  until_true 60 unit_said 'has no space left'
  pid=$(unit MainPID) && kill -KILL "$pid"
  until_true 60 eval '[ "$(unit MainPID)" != 0 ] && [ "$(unit MainPID)" != '"$pid"' ]'
  since=$(date +@%s)
  until_true 60 unit_said 'has no space left'
  sleep "${FULL:-4}"
  kill -0 $writer 2>/dev/null || problem "the writer did not wait: $(cat "$work/err")"
  full node1.root || problem 'there is space'
  g check "$root" 0 $((256 * MIB)) || problem 'reads fail while writes wait'
  "$volmgr" --container one status >"$work/out" || problem 'status'
  grep -q 'node1.root waits for space since' "$work/out" || problem "$(cat "$work/out")"
  unit_said . && lines=$(wc -l <"$work/daemon.log")
  ((lines < 8)) || problem "it goes on saying so: $(tail -n 3 "$work/daemon.log")"
  g remove eater 2>"$work/err" || problem "$(cat "$work/err")"
  wait $writer || problem "$(cat "$work/err")"
  g check "$root" 0 $((700 * MIB)) || problem 'check'
  until_true 30 unit_said 'all is well again'
  until_true 30 eval '! "$volmgr" --container one status | grep -q "waits for space"'
  echo "  the writer waited $(worst_of "$work/thin") ms"
}

# What waits in a full pool is not forgotten by it, however often it is stopped, to be made larger, while its writer is at work. CREEP: by so many MiB in all; some of 100 stops would
# hang without what ballast.c does.
a_full_pool_may_be_stopped() {
  local steps late mib=${CREEP:-160}
  "$volmgr" --container one grow 1 "$mib" >"$work/out" 2>&1 || problem "$(cat "$work/out")"
  dd if=/dev/zero of="$root" bs=1M count=$((mib + 320)) conv=fsync,notrunc 2>"$work/err" &
  local writer=$!
  read -r steps late < <(g creep node1.root 2 2>"$work/out") || problem "$(cat "$work/out")"
  echo "  larger $steps times, $late times late; store now $(store_mib node1.root) MiB"
  [ "$(store_mib node1.root)" = $((256 + mib)) ] || problem "the store has $(store_mib node1.root) MiB"
  [ "$steps" -ge $((mib / 8)) ] || problem 'it was hardly ever stopped'
  [ -z "${CREEP-}" ] || [ "$late" -gt 0 ] || problem 'it was never late: this has shown nothing'
  daemon_start
  wait $writer || problem "$(cat "$work/err")"
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

# used_metadata WHEN: the tenth that the pool keeps back counts as used. What a transaction may take besides is a copy of one device's: a quarter has to be left.
used_metadata() {
  local used total
  read -r used total < <(pool try | awk '{ split($5, m, "/"); print m[1], m[2] }')
  echo "  $1: $used of $total blocks of metadata, $((used * 4096 / blocks)) bytes for each of the volume's"
  ((used * 4 < total * 3)) || problem 'the metadata are full'
  pool try | grep -q ' rw ' || problem "$(pool try)"
}

# Pool and metadata of a volume's size, on data that take no place; its device and the one before it are written all over in small pieces, trimmed and written again, while
# resets come and go.
metadata_outlast_data() {
  local mib=${LARGE:-512} sectors blocks metadata
  away && wipefs -qaf "$disk"
  sectors=$((mib * 2048)) blocks=$((mib * 16))
  metadata=$(g metadata $((mib * MIB)))
  dd if=/dev/zero of="$disk" bs=1M count=1 oflag=direct 2>/dev/null
  dmsetup create byre-one-try-metadata --table "0 $((metadata / 512)) linear $disk 0" &&
    dmsetup create byre-one-try-data --table "0 $((2 * sectors)) zero" &&
    dmsetup create byre-one-try-pool --table "0 $((2 * sectors)) thin-pool /dev/mapper/byre-one-try-metadata /dev/mapper/byre-one-try-data 128 0 1 no_discard_passdown" || problem 'pool'
  for id in 0 1 2; do
    dmsetup message byre-one-try-pool 0 "create_thin $id" && dmsetup create byre-one-try --table "0 $sectors thin /dev/mapper/byre-one-try-pool $id" || problem "device $id"
    g scatter /dev/mapper/byre-one-try $((mib * MIB)) || problem 'scatter'
    g thin-out /dev/mapper/byre-one-try $((mib * MIB)) && used_metadata "device $id, two thirds trimmed"
    g scatter /dev/mapper/byre-one-try $((mib * MIB)) || problem 'scatter'
    used_metadata "device $id, full"
    dmsetup remove --retry byre-one-try
    [ $id = 0 ] || dmsetup message byre-one-try-pool 0 "delete $((id - 1))" || problem 'delete'
  done
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
  [ -z "${daemon-}" ] || problem 'a daemon'
  # Grown and trimmed, the store is used again, and tells again when that is not enough.
  daemon_start
  until_true 60 joined
  head -c 240M /dev/urandom >"$work/1/data" && sync -f "$work/1" || problem 'write'
  until_true 60 eval '[ "$(store_mib node1.root)" -gt 384 ]'
  was=$(store_mib node1.root)
  rm "$work/1/data" && "$volmgr" --container one trim 1 >"$work/out" 2>&1 || problem "$(cat "$work/out")"
  head -c 100M /dev/urandom >"$work/1/data" && sync -f "$work/1" || problem 'write'
  [ "$(store_mib node1.root)" = "$was" ] || problem "the store grew from $was to $(store_mib node1.root) MiB"
  head -c $((was - 180))M /dev/urandom >"$work/1/more" && sync -f "$work/1" || problem 'write'
  until_true 60 eval '[ "$(store_mib node1.root)" -gt $was ]'
  umount "$work/1"
  "$volmgr" --container one trim 2 2>"$work/out" && problem 'trimmed what is not here'
  grep -q 'node2.root is not in use on this machine' "$work/out" || problem "$(cat "$work/out")"
}

# Judged by a tool of others: written all over in blocks of any size while the store grows to many times what it had.
fio_finds_all_that_it_wrote() {
  daemon_start
  until_true 60 joined
  load growing "$root" 7 --size=600m || return
  [ "$(store_mib node1.root)" -gt 600 ] || problem "the store has $(store_mib node1.root) MiB"
  t release node1.root && root=$(t compose node1.root) || problem 'compose'
  echo 3 >/proc/sys/vm/drop_caches
  verify growing "$root" 7 --size=600m || return
  printf X | dd of="$root" bs=1 seek=$((400 * MIB + 100)) conv=notrunc,fsync 2>/dev/null
  printf Y | dd of="$root" bs=1 seek=$((401 * MIB + 100)) conv=notrunc,fsync 2>/dev/null
  (verify growing "$root" 7 --size=600m >/dev/null) && problem 'a flipped byte was not found'
}

all="a_store_grows_under_its_writer fio_finds_all_that_it_wrote the_first_grants_need_no_lvm what_was_published_is_made_true it_may_be_killed_at_any_time a_full_pool_may_be_stopped a_held_lease_is_waited_for a_full_container_waits
an_undo_is_given_up_before_anybody_waits an_undo_is_whole metadata_outlast_data a_volume_is_enlarged_online trimmed_blocks_come_back"
before_each() { bad='' daemon='' && fresh; }
after_each() { away; }
on_failure() { tail -n 3 "$work/daemon.log"; }
modprobe -q dm-thin-pool
# shellcheck disable=SC2086 # names
suite growth $all
