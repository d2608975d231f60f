#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A node's files are got back by the commands of docs/recover-by-hand.md, exactly as they stand there and with no program of byre in the path: with all
# whole, without LVM's metadata, without the state. OVERWRITES the disk.
# usage: recover.sh DISK       KIT: where recover-by-hand.md is; see lib.sh
set -u
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
t() { RANGE=largest "$try" "$disk" one "$@"; }

# commands SECTION: those of one part of the page.
commands() {
  awk -v s="## $1" '/^## / { on = $0 == s } on && /^```sh/ { code = 1; next } /^```/ { code = 0 } on && code' "$KIT/recover-by-hand.md"
}

# What the page's commands may use: all that is there but byre's own.
mkdir "$work/bin"
for f in /usr/sbin/* /usr/bin/*; do
  case ${f##*/} in volmgr | byre* | metamaster* | try-volmgr) ;; *) ln -s "$f" "$work/bin/" 2>/dev/null ;; esac
done
[ -e "$work/bin/jq" ] || { printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s/jq "$@"\n' "$KIT" "$KIT" >"$work/bin/jq"; chmod +x "$work/bin/jq"; }

# by_hand NAME: runs the commands on standard input for container one and node 2, in a folder of their own; -e: each must succeed.
by_hand() {
  mkdir -p "$work/$1"
  sed 's/^container=.*/container=one/; s/^node=.*/node=2/' >"$work/$1/commands"
  (cd "$work/$1" && PATH=$work/bin bash -euo pipefail commands) >"$work/$1/out" 2>&1 && return
  problem "$1: $(tail -n 5 "$work/$1/out")"
  umount "$work/$1/files" 2>/dev/null
  dmsetup remove_all --force >/dev/null 2>&1
}

same_files() { diff -r "$work/golden" "$1" >"$work/diff" 2>&1 || problem "$1: $(head -n 3 "$work/diff")"; }

# Three nodes on one image; each writes files of its own, changes one of the image's and removes another.
prepare() {
  local n dev
  # shellcheck disable=SC2016 # expanded by try-volmgr's shell
  t install 3 128 600 128 32 64 'mkfs.ext4 -q $d; mkdir -p /run/fill; mount $d /run/fill; mkdir /run/fill/etc; head -c 30M /dev/urandom >/run/fill/blob; echo a >/run/fill/a; echo b >/run/fill/b; umount /run/fill' >"$work/out" || return 1
  for n in 1 2 3; do
    dev=$(t compose "node$n.root") && mkdir -p "$work/m" && mount "$dev" "$work/m" && resize2fs "$dev" >/dev/null 2>&1 || return 1
    echo "node$n" >"$work/m/etc/hostname"
    head -c 20M /dev/urandom >"$work/m/data$n"
    dd if=/dev/urandom of="$work/m/blob" bs=64k seek="$n" count=3 conv=notrunc 2>/dev/null
    rm "$work/m/a"
    [ "$n" != 2 ] || cp -a "$work/m" "$work/golden"
    umount "$work/m" && t release "node$n.root" || return 1
  done
  commands 'The files of one node' | grep -q volmgr && return 1
  return 0
}

files_of_a_node() {
  local before
  sync
  before=$(writes)
  commands 'The files of one node' | sed "s|^ls files|cp -a files $work/got|" | by_hand whole
  same_files "$work/got"
  [ "$(ls /dev/mapper)" = control ] || problem "left: $(ls /dev/mapper)"
  [ "$(writes)" = "$before" ] || problem 'the disk was written to'
}

the_older_document_will_do() {
  t publish >/dev/null
  printf X | dd of="$(part state)" bs=1 seek=$((48 * 1048576 + 4096 + 1)) conv=notrunc,fsync 2>/dev/null # generation 2, slot 0
  commands 'The files of one node' | sed "s|^ls files|cp -a files $work/got2|" | by_hand older
  same_files "$work/got2"
  grep -q '^generation 1$' "$work/older/out" || problem 'not generation 1'
}

lvs() { lvm lvs --config 'global{system_id_source="lvmlocal"} local{system_id="byre-one"}' --segments --noheadings -o lv_name,seg_start_pe,seg_pe_ranges one 2>/dev/null | sort; }

lvm_from_the_state() {
  local pv
  pv=$(readlink -f "$(part pv)")
  lvs >"$work/lvs"
  [ "$(wc -l <"$work/lvs")" = 4 ] || problem "$(cat "$work/lvs")"
  dd if=/dev/zero of="$pv" bs=1M count=18 conv=notrunc,fsync 2>/dev/null
  [ -z "$(lvs)" ] || problem 'LVM still knows it'
  udevadm settle
  { commands 'The files of one node' | awk '/^volume=/ { exit } { print }'; commands "LVM's metadata are gone"; } | by_hand lvm
  lvs | diff "$work/lvs" - >"$work/diff" || problem "$(cat "$work/diff")"
  lvm vgs --foreign --noheadings -o vg_systemid one 2>/dev/null | grep -q byre-one || problem 'no system id'
  lvm lvs --noheadings 2>/dev/null | grep -q . && problem 'LVM of the machine sees it'
}

files_without_the_state() {
  dd if=/dev/zero of="$(part state)" bs=1M count=256 conv=notrunc,fsync 2>/dev/null
  { echo container=one; commands 'The state is gone'; } | by_hand nostate
  same_files "$work/nostate/saved/node2-0"
  [ "$(ls "$work/nostate/saved" | tr '\n' ' ')" = 'node1-0 node2-0 node3-0 ' ] || problem "$(ls "$work/nostate/saved")"
  [ "$(ls /dev/mapper)" = control ] || problem "left: $(ls /dev/mapper)"
}

modprobe -qa dm-mod dm-thin-pool dm-zero
prepare || { echo "FAIL recover: preparing: $(cat "$work/out")"; exit 1; }
suite recover files_of_a_node the_older_document_will_do lvm_from_the_state files_without_the_state
