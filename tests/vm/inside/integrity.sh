#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is written to composed volumes is read back, judged by fio(1): each block bears its place and a checksum. OVERWRITES the disk.
# usage: integrity.sh DISK       KIT: the place of fio.tar; LOOPS: how often everything is written; see lib.sh
set -u
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
tar -C "$work" -xf "${KIT:?}/fio.tar" || exit 1
# shellcheck source=/dev/null
[ -r "$KIT/integrity.conf" ] && . "$KIT/integrity.conf"
loops=${LOOPS:-1}

t() { "$try" "$disk" one "$@"; }

installed() {
  # shellcheck disable=SC2016 # expanded by try-volmgr's shell
  t install 2 128 512 448 0 64 'dd if=/dev/urandom of=$d bs=1M count=128 oflag=direct 2>/dev/null' >"$work/out" 2>&1 || problem "$(cat "$work/out")"
}

# Two nodes' volumes are written at the same time, over the image and behind its end; then they go and come again.
two_at_once() {
  local loop n dev
  for ((loop = 1; loop <= loops; loop++)); do
    for n in 1 2; do
      dev=$(t compose "node$n.root") || problem 'compose'
      load "w$n" "$dev" "$((loop * 10 + n))" --size=160m &
    done
    wait
    for n in 1 2; do t release "node$n.root" || problem 'release'; done
    for n in 1 2; do
      dev=$(t compose "node$n.root") || problem 'compose'
      verify "w$n" "$dev" "$((loop * 10 + n))" --size=160m
      t release "node$n.root" || problem 'release'
    done
  done
  for n in 1 2; do grep -q 'err= 0' "$work/w$n.out" || problem "fio has not told of w$n: $(tail -n 1 "$work/w$n.out")"; done
}

# That all of this can fail: one flipped byte is found.
a_flipped_byte_is_found() {
  local dev
  dev=$(t compose node1.root) || problem 'compose'
  printf X | dd of="$dev" bs=1 seek=$((40 * 1048576 + 100)) conv=notrunc,fsync 2>/dev/null
  printf Y | dd of="$dev" bs=1 seek=$((41 * 1048576 + 100)) conv=notrunc,fsync 2>/dev/null
  (verify w1 "$dev" "$((loops * 10 + 1))" --size=160m >/dev/null) && problem 'it was not found'
  t release node1.root || problem 'release'
}

the_image_is_as_it_was() {
  "$volmgr" image verify >"$work/out" 2>&1 || problem "$(cat "$work/out")"
}

modprobe -q dm-thin-pool
all="installed two_at_once a_flipped_byte_is_found the_image_is_as_it_was"
first=installed
# shellcheck disable=SC2086 # names
suite integrity $all
