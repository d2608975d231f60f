#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in a throw-away machine: a composed volume, the same with other block sizes, and dm-snapshot, beside a plain linear device on one disk (8 GiB, overwritten).
# usage: bench-volumes.sh DISK       TRY: the program; KIT: the place of fio.tar; ROUNDS, ENGINES; SCALE: how much longer each measurement takes
# Prints a line a measurement: "BENCH ENGINE ROUND TEST KIB MS READS READ_SECTORS WRITES WRITTEN_SECTORS CONTEXT_SWITCHES"; the counts are the disk's.
set -u
disk=$(readlink -f "$1")
name=${disk##*/}
try=${TRY:?}
work=/run/bench
# shellcheck source=/dev/null
[ -r "${KIT:?}/bench.conf" ] && . "$KIT/bench.conf"
mkdir -p $work && tar -C $work -xf "$KIT/fio.tar" || exit 1
fio=$work/fio/run
scale=${SCALE:-1}
engines=${ENGINES:-raw composed t64 t128 t256 s4 s16}
MIB=2048 # sectors
image_mib=512 volume_mib=1024

die() { echo "bench-volumes: $*" >&2; exit 1; }
t() { RANGE=12-4000 "$try" "$disk" bench "$@"; }
counters() { awk '{ printf "%s %s %s %s ", $1, $3, $5, $7 }' "/sys/block/$name/stat"; awk '/^ctxt/ { print $2 }' /proc/stat; }
map() { dmsetup create "$1" --table "$2" || die "$1: $2"; }

# Container with one node on an image full of noise and files; and a partition beside it, where everything else lies.
prepare() {
  printf 'label: gpt\n' | sfdisk -q --wipe always "$disk" || die sfdisk
  # shellcheck disable=SC2016 # expanded by try-volmgr's shell
  t install 1 $image_mib $volume_mib 900 0 0 'mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 $d; mkdir -p /run/fill; mount $d /run/fill; head -c 300M /dev/urandom >/run/fill/noise; umount /run/fill' || die install
  echo 'start=4200MiB, name="bench"' | sfdisk -q --append --no-reread "$disk" >/dev/null || die 'sfdisk --append'
  partx -u "$disk" 2>/dev/null || partprobe "$disk"
  udevadm settle
  part=$(sfdisk -d "$disk" | awk '/name="bench"/ { print $1 }')
  [ -b "$part" ] || die 'no partition'
  dev=$(t compose node1.root) || die compose
  map bench-template "0 $((image_mib * MIB)) linear $part 0"
  dd if="$dev" of=/dev/mapper/bench-template bs=1M count=$image_mib oflag=direct 2>/dev/null || die 'copying the image'
  dmsetup table byre-bench-node1.root-metadata >$work/metadata.table
  t release node1.root
  tar -C /usr/lib -cf $work/tree.tar x86_64-linux-gnu 2>/dev/null
}

zero_head() { dd if=/dev/zero of="$1" bs=64k count=1 oflag=direct 2>/dev/null; }

# make ENGINE: a fresh device of it in $dev: the image, and behind it as much again that was never written.
make() {
  local size=$((volume_mib * MIB)) block
  case $1 in
  raw)
    map bench-raw "0 $size linear $part $((600 * MIB))"
    dd if=/dev/mapper/bench-template of=/dev/mapper/bench-raw bs=1M iflag=direct oflag=direct 2>/dev/null
    dev=/dev/mapper/bench-raw ;;
  composed)
    map bench-metadata "$(cat $work/metadata.table)"
    zero_head /dev/mapper/bench-metadata
    dmsetup remove bench-metadata
    dev=$(t compose node1.root) || die compose ;;
  t*)
    block=$((${1#t} * 2))
    map bench-metadata "0 $((16 * MIB)) linear $part $((1700 * MIB))"
    zero_head /dev/mapper/bench-metadata
    map bench-data "0 $((900 * MIB)) linear $part $((1800 * MIB))"
    map bench-pool "0 $((900 * MIB)) thin-pool /dev/mapper/bench-metadata /dev/mapper/bench-data $block 0 0"
    dmsetup message bench-pool 0 'create_thin 0'
    map bench-thin "0 $size thin /dev/mapper/bench-pool 0 /dev/mapper/bench-template"
    dev=/dev/mapper/bench-thin ;;
  s*)
    block=$((${1#s} * 2))
    map bench-cow "0 $((900 * MIB)) linear $part $((1800 * MIB))"
    zero_head /dev/mapper/bench-cow
    dmsetup create bench-long <<<"0 $((image_mib * MIB)) linear $part 0
$((image_mib * MIB)) $((size - image_mib * MIB)) zero" || die bench-long
    map bench-snap "0 $size snapshot /dev/mapper/bench-long /dev/mapper/bench-cow P $block"
    dev=/dev/mapper/bench-snap ;;
  esac
}

unmake() {
  local d
  case $1 in
  composed) t release node1.root ;;
  *) for d in raw thin pool data metadata snap cow long; do dmsetup info "bench-$d" >/dev/null 2>&1 && dmsetup remove --retry "bench-$d"; done ;;
  esac
}

report() { # ENGINE ROUND TEST KIB MS BEFORE AFTER
  # shellcheck disable=SC2086 # five numbers each
  set -- "$1" "$2" "$3" "$4" "$5" $6 $7
  echo "BENCH $1 $2 $3 $4 $5 $((${11} - $6)) $((${12} - $7)) $((${13} - $8)) $((${14} - $9)) $((${15} - ${10}))"
}

# io ENGINE ROUND TEST FIO-ARGUMENTS
io() {
  local before after out kib ms
  before=$(counters)
  out=$("$fio" --name=x --filename="$dev" --direct=1 --ioengine=libaio --randseed=7 --allow_file_create=0 --output-format=terse \
    --terse-version=3 "${@:4}" 2>$work/fio.err) || die "$1 $3: $(tail -n 1 $work/fio.err)"
  after=$(counters)
  IFS=';' read -r -a f <<<"$out"
  kib=$((f[5] + f[46])) ms=$((f[8] + f[49]))
  report "$1" "$2" "$3" "$kib" "$ms" "$before" "$after"
}

writes() { # ENGINE ROUND PREFIX
  io "$1" "$2" "$3-4k-fsync" --rw=randwrite --bs=4k --fsync=1 --offset=0 --size=128m --io_size=$((2 * scale))m
  io "$1" "$2" "$3-4k-qd8" --rw=randwrite --bs=4k --iodepth=8 --offset=128m --size=128m --io_size=$((6 * scale))m --end_fsync=1
  io "$1" "$2" "$3-256k" --rw=write --bs=256k --offset=256m --size=96m --end_fsync=1
  io "$1" "$2" "$3-1m" --rw=write --bs=1m --offset=352m --size=160m --end_fsync=1
}

untar() { # ENGINE ROUND
  local before after start end
  mkdir -p $work/mount
  mount "$dev" $work/mount || die "$1: mount"
  resize2fs "$dev" >/dev/null 2>&1 || die "$1: resize2fs" # as a node does at its first boot
  before=$(counters)
  start=$(date +%s%N)
  tar -C $work/mount -xf $work/tree.tar && sync -f $work/mount
  end=$(date +%s%N)
  after=$(counters)
  umount $work/mount
  report "$1" "$2" untar $(($(stat -c %s $work/tree.tar) / 1024)) $(((end - start) / 1000000)) "$before" "$after"
}

measure() { # ENGINE ROUND
  make "$1"
  io "$1" "$2" read-4k-qd1 --rw=randread --bs=4k --size=${image_mib}m --io_size=$((6 * scale))m
  io "$1" "$2" read-4k-qd16 --rw=randread --bs=4k --iodepth=16 --size=${image_mib}m --io_size=$((24 * scale))m
  io "$1" "$2" read-64k-qd4 --rw=randread --bs=64k --iodepth=4 --size=${image_mib}m --io_size=$((64 * scale))m
  io "$1" "$2" read-1m-qd4 --rw=read --bs=1m --iodepth=4 --size=${image_mib}m --io_size=$((256 * scale))m
  writes "$1" "$2" first
  writes "$1" "$2" again
  unmake "$1"
  make "$1"
  untar "$1" "$2"
  unmake "$1"
}

modprobe -q dm-thin-pool
modprobe -q dm-snapshot
prepare
echo 0 >/sys/module/dm_thin_pool/parameters/no_space_timeout
read -r -a order <<<"$engines"
for ((round = 0; round < ${ROUNDS:-5}; round++)); do
  for e in "${order[@]}"; do measure "$e" "$round"; done
  order=("${order[@]:1}" "${order[0]}")
done
echo "ok bench-volumes: every round was taken"
