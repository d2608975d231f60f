#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Images: every format in, used, captured, compared, removed. OVERWRITES the disk (3 GiB).
# usage: images.sh DISK      see lib.sh
set -u
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

t() { RANGE=12-2900 "$try" "$disk" one "$@"; }
v() { "$volmgr" --container one "$@"; }
# ok COMMAND...: it succeeds; its output is in $work/out, what it told in $work/err.
ok() { "$@" >"$work/out" 2>"$work/err" || problem "$*: $(tail -n 1 "$work/err")"; }
# refused TEXT COMMAND...: it fails with one line that says TEXT, prints nothing, and the state is as it was.
refused() {
  local text=$1 before
  shift
  before=$(v state show --secrets | sha256sum)
  "$@" >"$work/out" 2>"$work/err" && problem "$*: was done"
  grep -qF -- "$text" "$work/err" || problem "$*: not '$text' but: $(cat "$work/err")"
  [ "$(grep -vc '\.\.\.$\|%\|done in' "$work/err")" = 1 ] || problem "$*: not one line: $(cat "$work/err")"
  [ -s "$work/out" ] && problem "$*: printed $(cat "$work/out")"
  [ "$(v state show --secrets | sha256sum)" = "$before" ] || problem "$*: the state has changed"
}
lvs() { LVM_SUPPRESS_FD_WARNINGS=1 lvm lvs --foreign --noheadings -o lv_name one 2>/dev/null | tr -d ' ' | sort | tr '\n' ' '; }

# A small system: all kinds of files, and what a node boots.
make_tree() {
  mkdir -p "$1"/{boot,dev,etc/ssh,run,tmp,usr/sbin,usr/bin,var/log/old,"odd name"}
  ln -s usr/sbin "$1/sbin"
  ln -s usr/bin "$1/bin"
  ln -s /run "$1/var/run"
  head -c 65536 /boot/vmlinuz >"$1/boot/vmlinuz-6"
  ln -s /boot/vmlinuz-6 "$1/boot/vmlinuz" # from the image's own root
  echo initrd >"$1/boot/initrd"
  printf '#!/bin/sh\n' >"$1/usr/sbin/init"
  chmod 4755 "$1/usr/sbin/init"
  echo "$2" >"$1/etc/name"
  ln "$1/etc/name" "$1/etc/same-name"
  chown 1234:4321 "$1/etc/name"
  mknod -m 666 "$1/dev/null" c 1 3
  cp /usr/bin/true "$1/usr/bin/ping"
  setcap cap_net_raw+ep "$1/usr/bin/ping"
  echo x >"$1/odd name/new
line \\ ü"
  truncate -s 20M "$1/sparse"
  echo end >>"$1/sparse"
}

# What a tree made by make_tree is like when it has come through; $1 is where it is mounted.
check_tree() {
  [ "$(cat "$1/etc/name")" = "$2" ] || problem "$2: reads '$(cat "$1/etc/name")'"
  [ "$(stat -c '%u %g %h' "$1/etc/same-name")" = '1234 4321 2' ] || problem "$2: owner or links: $(stat -c '%u %g %h' "$1/etc/same-name")"
  [ "$(stat -c %a "$1/usr/sbin/init")" = 4755 ] || problem "$2: mode"
  [ "$(stat -c '%F %t %T' "$1/dev/null")" = 'character special file 1 3' ] || problem "$2: device"
  [ "$(readlink "$1/boot/vmlinuz")" = /boot/vmlinuz-6 ] || problem "$2: link"
  getcap "$1/usr/bin/ping" | grep -q cap_net_raw=ep || problem "$2: capabilities are lost"
  [ "$(cat "$1/odd name/new
line \\ ü")" = x ] || problem "$2: odd name"
  [ "$(tail -n 1 "$1/sparse" | tr -d '\0')" = end ] || problem "$2: sparse file"
  [ -e "$1/.byre-unpack" ] && problem "$2: the tools are left in it"
}

# same_tree TREE: $work/on has its files and nothing else, byte by byte, with owners, modes, links, sizes and times (but for the time of its root, where tar had its tools).
same_tree() {
  local side
  for side in "$1" "$work/on"; do
    (cd "$side" && find . -mindepth 1 -name lost+found -prune -o -type d -printf '%P %y %m %U %G %Ts\n' -o -printf '%P %y %m %U %G %n %s %l %Ts\n' | sort
      find . -type f ! -path './lost+found/*' -print0 | sort -z | xargs -0 sha256sum) >"$work/${side##*/}.list"
  done
  [ "$(wc -l <"$work/on.list")" -gt 20 ] || problem "too few files: $(cat "$work/on.list")"
  diff "$work/${1##*/}.list" "$work/on.list" >"$work/out" || problem "$1 is not what came in: $(head -n 5 "$work/out")"
}

# on_image REF COMMAND...: node2's root as new on image REF, mounted on $work/on while the command runs.
on_image() {
  local dev ref=$1
  shift
  t reset node2.root "$ref" || { problem "reset onto $ref"; return; }
  dev=$(t compose node2.root) && mkdir -p "$work/on" && mount "$dev" "$work/on" || { problem "compose on $ref"; return; }
  "$@"
  umount "$work/on" && t release node2.root || problem 'release'
}

# --- a container, and what is imported into it ------------------------------------------------------------------------------------

set_up() {
  local f
  modprobe -aq dm-mod dm-thin-pool dm-zero loop
  # shellcheck disable=SC2016 # expanded by try-volmgr's shell
  t install 3 128 600 64 32 64 'mkfs.ext4 -q $d 64m' >"$work/out" 2>&1 || problem "install: $(cat "$work/out")"
  for f in plain gzip zstd xz squashfs oci raw; do make_tree "$work/tree-$f" "$f"; done
  tar -C "$work/tree-plain" --xattrs --xattrs-include='*' -cf "$work/plain.tar" .
  tar -C "$work/tree-gzip" --xattrs --xattrs-include='*' -czf "$work/file1" .
  tar -C "$work/tree-zstd" --xattrs --xattrs-include='*' --zstd -cf "$work/file2" .
  tar -C "$work/tree-xz" --xattrs --xattrs-include='*' -I 'xz -0' -cf "$work/file5" .
  mksquashfs "$work/tree-squashfs" "$work/file3" -quiet -no-progress
  # Its free blocks are no zeros.
  truncate -s 64M "$work/file4"
  mkfs.ext4 -q -d "$work/tree-raw" "$work/file4"
}

# imported NAME FILE: it becomes NAME@1 with the kernel's version; nothing else is left.
imported() {
  local before
  before=$(devices)
  ok v image import "$1" "$2"
  [ "$(cat "$work/out")" = "$1@1" ] || problem "$1: $(cat "$work/out")"
  v image show "$1" >"$work/out"
  grep -q "^kernel   $(uname -r)$" "$work/out" && grep -qE '^sha256   [0-9a-f]{64}$' "$work/out" || problem "$1: $(cat "$work/out")"
  [ "$(devices)" = "$before" ] || problem "$1: devices are left: $(devices)"
  ok v image verify "$1@1"
  on_image "$1@1" check_imported "$1"
}
check_imported() {
  check_tree "$work/on" "$1"
  [ "$1" = oci ] || same_tree "$work/tree-$1"
}

tar_comes_in() { imported plain "$work/plain.tar"; }
tar_gzip_comes_in() { imported gzip "$work/file1"; }
tar_zstd_comes_in() { imported zstd "$work/file2"; }
tar_xz_comes_in() { imported xz "$work/file5"; }
squashfs_comes_in() { imported squashfs "$work/file3"; }
ext4_comes_in() { imported raw "$work/file4"; }

# --- OCI --------------------------------------------------------------------------------------------------------------------------

# blob LAYOUT FILE: moves FILE into the layout; prints '"digest":"sha256:…","size":N'.
blob() {
  local sum size
  sum=$(sha256sum <"$2" | cut -d' ' -f1)
  size=$(stat -c %s "$2")
  mkdir -p "$1/blobs/sha256" && mv "$2" "$1/blobs/sha256/$sum"
  echo "\"digest\":\"sha256:$sum\",\"size\":$size"
}

# layout DIR LAYER...: an OCI image layout of these tar archives.
layout() {
  local dir=$1 layer layers='' config
  shift
  mkdir -p "$dir"
  echo '{"imageLayoutVersion":"1.0.0"}' >"$dir/oci-layout"
  for layer in "$@"; do
    layers+="${layers:+,}{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",$(blob "$dir" "$layer")}"
  done
  echo '{}' >"$dir/x"
  config="{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",$(blob "$dir" "$dir/x")}"
  echo "{\"schemaVersion\":2,\"config\":$config,\"layers\":[$layers]}" >"$dir/x"
  echo "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",$(blob "$dir" "$dir/x")}]}" >"$dir/index.json"
}

# The second layer takes away, replaces and adds; it also goes through links that the first has left, which lead out of the tree.
oci_layers_come_in() {
  local two="$work/layer2"
  echo gone >"$work/tree-oci/etc/gone"
  mkdir -p "$work/tree-oci/opaque" "$work/tree-oci/folder"
  echo gone >"$work/tree-oci/opaque/old"
  echo gone >"$work/tree-oci/folder/old"
  ln -s "$work/outside" "$work/tree-oci/escape"
  ln -s ../../../../../../../.. "$work/tree-oci/up"
  mkdir -p "$work/outside" "$work/tree-oci/$work/outside"
  tar -C "$work/tree-oci" --xattrs --xattrs-include='*' -czf "$work/l1" .
  mkdir -p "$two"/{etc,opaque}
  : >"$two/etc/.wh.gone"
  : >"$two/opaque/.wh..wh..opq"
  echo new >"$two/opaque/new"
  echo 'now a file' >"$two/folder"
  tar -C "$two" -cf "$work/l2" .
  # Written through the links, as a hostile layer would.
  mkdir -p "$two/escape" "$two/up" "$two/var/run" && echo bad >"$two/escape/bad" && echo bad >"$two/up/bad-$$" && echo runs >"$two/var/run/runs"
  tar -C "$two" -rf "$work/l2" escape/bad "up/bad-$$" var/run/runs
  zstd -q --rm "$work/l2"
  layout "$work/oci" "$work/l1" "$work/l2.zst"
  imported oci "$work/oci"
  on_image oci@1 check_layers
}
check_layers() {
  local on="$work/on"
  [ -e "$on/etc/gone" ] && problem 'a whiteout was passed over'
  find "$on" -name '.wh.*' | grep -q . && problem 'whiteouts are in it'
  [ "$(ls "$on/opaque")" = new ] || problem "opaque: $(ls "$on/opaque")"
  [ "$(cat "$on/folder")" = 'now a file' ] || problem 'a folder was not replaced'
  [ "$(cat "$on/$work/outside/bad")" = bad ] || problem 'an absolute link does not begin at the root'
  [ "$(ls -A "$work/outside")" ] && problem 'a layer has written outside'
  [ -e "/bad-$$" ] && problem 'a layer has written to the root'
  [ "$(cat "$on/run/runs")" = runs ] && [ -L "$on/var/run" ] || problem 'a link within the image was not followed'
  [ "$(cat "$on/bad-$$")" = bad ] || problem 'a link upwards does not end at the root'
}

oci_is_checked() {
  local b
  cp -a "$work/oci" "$work/oci-bad"
  b=$(find "$work/oci-bad/blobs" -size +10k | head -n 1)
  printf X | dd of="$b" bs=1 seek=5000 conv=notrunc 2>/dev/null
  refused 'is damaged: its digest is another' v image import bad "$work/oci-bad"
  truncate -s -1 "$b"
  refused 'is damaged: it has' v image import bad "$work/oci-bad"
  rm "$b" && cp "$work/oci/${b#"$work/oci-bad/"}" "$b"
  sed -i 's/layer.v1.tar+gzip/layer.v1.tar+gzi_/' "$(grep -l schemaVersion "$work"/oci-bad/blobs/sha256/*)" # means the same
  refused 'is damaged: its digest is another' v image import bad "$work/oci-bad"
  cp "$work/oci/blobs/sha256"/* "$work/oci-bad/blobs/sha256/" && rm "$b"
  refused 'No such file' v image import bad "$work/oci-bad"
  rm "$work/oci-bad/index.json"
  refused 'index.json' v image import bad "$work/oci-bad"
  mkdir "$work/none"
  refused 'no OCI image layout' v image import bad "$work/none"
}

# --- disks ------------------------------------------------------------------------------------------------------------------------

disk_comes_in() {
  truncate -s 20M "$work/disk"
  printf 'label: gpt\nstart=2048\n' | sfdisk -q "$work/disk"
  head -c 3000000 /dev/urandom | dd of="$work/disk" bs=1M seek=5 conv=notrunc 2>/dev/null
  ok v image import disk "$work/disk"
  v image show disk | grep -q '^use      disk' || problem 'its use'
  reads_as_disk disk
  refused "is a VM's disk" v image default disk@1
  refused 'a disk with partitions' v image import --use node disk "$work/disk"
  refused 'cannot be what nodes boot' v image import --default disk "$work/disk"
}
reads_as_disk() {
  local dev
  t disk "vm.$1" "$1@1" 24 || { problem "no volume on $1"; return; }
  dev=$(t compose "vm.$1") || { problem "compose $1"; return; }
  cmp -n 20971520 "$dev" "$work/disk" || problem "$1: other bytes"
  t release "vm.$1" || problem release
}
# Packed clusters, plain ones written later over them, and a snapshot; from a name that QEMU would take for something else.
qcow2_comes_in() {
  qemu-img convert -f raw -O qcow2 -c "$work/disk" "$work/nbd:q" && qemu-img snapshot -c before "$work/nbd:q" || problem "qemu-img"
  qemu-io -f qcow2 -c 'write -q -P 0x5a 5M 200k' -c 'write -q -P 0x5b 12345k 3k' "$work/nbd:q" || problem 'qemu-io'
  qemu-io -f raw -c 'write -q -P 0x5a 5M 200k' -c 'write -q -P 0x5b 12345k 3k' "$work/disk" || problem 'qemu-io'
  ok v image import q "$work/nbd:q"
  reads_as_disk q
}
qcow2_without_qemu_img_is_told() {
  mkdir -p "$work/bin"
  refused 'install qemu-utils' env PATH="$work/bin" "$(command -v "$volmgr")" --container one image import none "$work/nbd:q"
}

# Nothing of this machine gets in through what the file says of others.
qcow2_stands_alone() {
  local dev
  echo 'a secret of this machine' >"$work/secret" && truncate -s 1M "$work/secret"
  qemu-img create -q -f qcow2 -F raw -b "$work/secret" "$work/q1"
  refused 'another file behind it' v image import bad "$work/q1"
  qemu-img create -q -f qcow2 -o "data_file=$work/data,data_file_raw=on" "$work/q2" 1M
  refused 'another file behind it' v image import bad "$work/q2"
  qemu-img create -q -f qcow2 "$work/q3" 1M
  # What is put behind it after it was looked at: the header is exchanged while the first reader is under way.
  mkdir -p "$work/bin-late"
  printf '#!/bin/sh\n[ "$1" = check ] || dd if=%s of=%s bs=64k count=1 conv=notrunc status=none\nexec /usr/bin/qemu-img "$@"\n' "$work/q1" "$work/q3" >"$work/bin-late/qemu-img"
  chmod 755 "$work/bin-late/qemu-img"
  ok env PATH="$work/bin-late:$PATH" "$volmgr" --container one image import late "$work/q3"
  t disk vm.late late@1 24 && dev=$(t compose vm.late) || { problem 'compose'; return; }
  grep -aq 'a secret' "$dev" && problem 'a file of this machine is in it'
  t release vm.late || problem release
}

# --- refusals ---------------------------------------------------------------------------------------------------------------------

# refused_cut FILE BYTES TEXT: its first BYTES alone (negative: but for so many) are refused, and the state is as it was.
refused_cut() {
  head -c "$2" "$1" >"$work/cut"
  refused "$3" v image import bad "$work/cut"
}
cut_short_is_refused() {
  refused_cut "$work/file1" 30000 'unexpected end of file'
  refused_cut "$work/file2" 30000 'premature end'
  refused_cut "$work/file5" 30000 'Unexpected end of input'
  refused_cut "$work/plain.tar" 30000 'Unexpected EOF'
  tar -C "$work/tree-plain" -cf "$work/short" ./etc && refused_cut "$work/short" "$(tar -tvRf "$work/short" | awk 'END { print $2 * 512 }')" 'its end is missing'
  refused_cut "$work/file3" 50000 'cut short'
  refused_cut "$work/file4" 9000000 'cut short'
  refused_cut "$work/disk" 9000000 'cut short'
  qemu-img convert -f raw -O qcow2 "$work/disk" "$work/whole"
  refused_cut "$work/whole" -100000 'exceeding the end of the file'
  refused_cut "$work/whole" -4096 'cut short'
  qemu-img convert -f raw -O qcow2 -c "$work/disk" "$work/whole"
  refused_cut "$work/whole" -100000 'exceeding the end of the file'
}
damaged_is_refused() {
  head -c 9000000 /dev/urandom >"$work/cut"
  refused 'neither tar' v image import bad "$work/cut"
  gzip -c "$work/cut" >"$work/cut.gz"
  refused 'not look like a tar' v image import bad "$work/cut.gz"
  refused 'No such file' v image import bad "$work/nothing"
  # What only shows when it is unpacked: taken back.
  cp "$work/file3" "$work/cut"
  head -c 4000 /dev/urandom | dd of="$work/cut" bs=1 seek=20000 conv=notrunc 2>/dev/null
  refused_later unsquashfs "$work/cut"
  # Packed clusters that cannot be unpacked: the last one's end is missing.
  cp "$work/nbd:q" "$work/cut" && qemu-img snapshot -d before "$work/cut" && qemu-img convert -f qcow2 -O qcow2 -c "$work/cut" "$work/whole"
  head -c -2000 "$work/whole" >"$work/cut"
  refused_later 'error while reading' "$work/cut"
}

# refused_later TEXT FILE: refused once it was being written; nothing is left of it.
refused_later() {
  local before
  before="$(lvs)$(v image list)$(devices)"
  v image import bad "$2" >"$work/out" 2>"$work/err" && problem "$2 was imported"
  tail -n 1 "$work/err" | grep -qF -- "$1" || problem "not '$1': $(tail -n 1 "$work/err")"
  tail -n 1 "$work/err" | grep -q 'nothing is left of bad@1' || problem "$(tail -n 1 "$work/err")"
  [ "$(lvs)$(v image list)$(devices)" = "$before" ] || problem "left: $(lvs) $(devices)"
}

# A hostile archive: what it names lies within the image, whatever the name, and this machine has not changed by a file.
hostile_tar_stays_inside() {
  local x="$work/hostile"
  mkdir -p "$x/escape" "$work/outside2" && echo bad | tee "$x/abs" "$x/up" "$x/escape/bad" "$x/h1" >/dev/null && ln "$x/h1" "$x/h2"
  cp -a "$work/tree-plain" "$work/tree-hostile"
  ln -s "$work/outside2" "$work/tree-hostile/escape"
  mknod -m 660 "$work/tree-hostile/dev/disk" b $((0x$(stat -c %t "$disk"))) $((0x$(stat -c %T "$disk")))
  tar -C "$work/tree-hostile" --xattrs --xattrs-include='*' -cf "$work/hostile.tar" .
  tar -C "$x" -P --transform="s,^abs,/abs-$$," -rf "$work/hostile.tar" abs
  tar -C "$x" -P --transform="s,^up,../../../../../../../up-$$," -rf "$work/hostile.tar" up
  tar -C "$x" -P --transform='flags=rh;s,^h1,/etc/name,' -rf "$work/hostile.tar" h1 h2
  head -c 512 /dev/urandom >"$x/disk" && tar -C "$x" -P --transform="s,^disk,dev/disk," -rf "$work/hostile.tar" disk
  before=$(head -c 4M "$disk" | sha256sum)
  # There is no such folder in the image: the link leads nowhere, and nothing is made of it here.
  cp "$work/hostile.tar" "$work/hostile2.tar" && tar -C "$x" -P -rf "$work/hostile2.tar" escape/bad
  refused_later 'escape/bad' "$work/hostile2.tar"
  ok v image import hostile "$work/hostile.tar"
  on_image hostile@1 check_hostile
  [ "$(ls -A "$work/outside2")" ] && problem 'it has written through a link'
  ls "/abs-$$" "/up-$$" >"$work/out" 2>&1 && problem "it has written here: $(cat "$work/out")"
  [ "$(head -c 4M "$disk" | sha256sum)" = "$before" ] || problem 'it has written to a disk'
  # A hard link to a file that the archive has not: not to this machine's.
  echo x >"$x/h1" && ln -f "$x/h1" "$x/h2" && cp "$work/plain.tar" "$work/link.tar"
  tar -C "$x" -P --transform="flags=h;s,.*,$work/secret," -rf "$work/link.tar" h1 h2
  refused_later "Cannot hard link to" "$work/link.tar"
  [ "$(stat -c %h "$work/secret")" = 1 ] || problem 'it is linked'
}
check_hostile() {
  local on="$work/on"
  [ "$(cat "$on/abs-$$")$(cat "$on/up-$$")" = badbad ] || problem 'not at the root of the image'
  [ "$(cat "$on/etc/name")" = bad ] && [ "$on/etc/name" -ef "$on/h2" ] || problem 'a link within the image'
  [ -f "$on/dev/disk" ] || problem 'a device was written to, not replaced'
}
what_does_not_boot_is_refused() {
  local f
  for f in usr/sbin/init boot/initrd boot/vmlinuz-6; do
    mv "$work/tree-plain/$f" "$work/away"
    tar -C "$work/tree-plain" -cf "$work/cut" .
    case $f in boot/vmlinuz*) refused_later 'it has no /boot/vmlinuz' "$work/cut" ;; *) refused_later "it has no /${f#usr/}" "$work/cut" ;; esac
    mv "$work/away" "$work/tree-plain/$f"
  done
  echo none >"$work/tree-plain/boot/vmlinuz-6"
  tar -C "$work/tree-plain" -cf "$work/cut" .
  refused_later 'is no Linux kernel' "$work/cut"
  ok v image import --use disk nokernel "$work/cut"
  truncate -s 64M "$work/cut-fs" && mkfs.ext4 -q -d "$work/tree-plain" "$work/cut-fs"
  refused_later 'is no Linux kernel' "$work/cut-fs"
  ok v image remove nokernel@1
}
too_large_is_refused() {
  refused 'too large for a node' v image import --size 700 large "$work/plain.tar"
  refused 'does not fit into' v image import --size 5 large "$work/plain.tar"
  refused 'extents' v image import --size 9000 --use disk large "$work/plain.tar"
  refused 'small letters' v image import 'No Name' "$work/plain.tar"
}

# --- versions ---------------------------------------------------------------------------------------------------------------------

versions_count_up() {
  ok v image import plain "$work/plain.tar"
  [ "$(cat "$work/out")" = plain@2 ] || problem "$(cat "$work/out")"
  ok v image import --default plain "$work/file2"
  v image list >"$work/out"
  grep -qE '^plain@3 .* default ' "$work/out" || problem "$(cat "$work/out")"
  grep -qE '^try@1 .* previous ' "$work/out" || problem "$(cat "$work/out")"
}
default_and_rollback() {
  ok v image rollback
  grep -q 'get try@1 (before: plain@3)' "$work/out" || problem "$(cat "$work/out")"
  ok v image rollback
  ok v image default plain@2
  grep -q 'get plain@2 (before: plain@3)' "$work/out" || problem "$(cat "$work/out")"
  ok v image remove plain@3
  refused 'no default image to go back to' v image rollback
  refused "there is no image 'plain@3'" v image default plain@3
}
used_is_not_removed() {
  t reset node3.root plain@1 || problem 'reset'
  refused 'image plain@1 is used: volumes node3.root' v image remove plain@1
  refused 'image plain@2 is used: the default of new nodes' v image remove plain@2
  refused 'image try@1 is used: volumes node1.root' v image remove try@1
  refused "there is no image 'plain'" v image remove plain
  ok v image default try@1
  ok v image remove plain@2
  lvs | grep -q 'image.plain.2' && problem 'its LV is left'
}

# --- interrupted ------------------------------------------------------------------------------------------------------------------

# A file that is read no faster than this test goes on: its importer can be met in the middle.
slow_import() {
  head -c 40000000 /dev/urandom >"$work/tree-gzip/blob"
  tar -C "$work/tree-gzip" -cf "$work/slow.tar" .
  "$volmgr" --container one image import slow "$work/slow.tar" >"$work/slow.out" 2>"$work/slow.err" &
  pid=$!
  for _ in $(seq 600); do
    grep -qs /run/byre/fill "/proc/$pid/mounts" && break
    sleep 0.05
  done
  grep -qs /run/byre/fill "/proc/$pid/mounts" || problem 'the import was not met'
}
a_killed_import_is_seen_and_goes() {
  slow_import
  kill -STOP "$pid"
  refused 'is being filled on this machine' v image remove slow@1
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null
  v image list >"$work/out"
  grep -qE '^slow@1 .* unfinished ' "$work/out" || problem "$(cat "$work/out")"
  refused 'is unfinished' v image default slow@1
  t reset node3.root slow@1 2>/dev/null && problem 'a volume stands on it'
  for _ in $(seq 100); do [ -z "$(pgrep -x tar)" ] && break; sleep 0.1; done
  pgrep -x tar >/dev/null && problem 'its tar goes on'
  ok v image verify
  dmsetup remove byre-one-slow@1-new || problem 'somebody still has it open'
  refused 'make sure that nobody fills it and use --force' v image remove slow@1
  ok v image remove --force slow@1
  lvs | grep -q slow && problem 'its LV is left'
}
an_interrupted_import_cleans_up() {
  slow_import
  kill -TERM "$pid"
  wait "$pid" && problem 'it went on'
  grep -q 'interrupted by signal 15 (nothing is left of slow@1)' "$work/slow.err" || problem "$(tail -n 1 "$work/slow.err")"
  v image list | grep -q slow && problem 'it is listed'
  lvs | grep -q slow && problem 'its LV is left'
}
# An image full of secrets goes; the one that gets its space shows none of them, not where its file system has written nothing either.
nothing_of_former_owners_is_left() {
  local dev pv first start
  truncate -s 90M "$work/secret"
  printf 'label: gpt\nstart=2048\n' | sfdisk -q "$work/secret"
  ok v image import --use disk secret "$work/secret"
  pv=$(sfdisk -d "$disk" | awk '/name="byre-one-pv"/ { print $1 }')
  first=$(lvm_report lvs -o seg_pe_ranges one/image.secret.1 | sed 's/.*:\([0-9]*\)-.*/\1/')
  start=$(($(lvm_report pvs --units b --nosuffix -o pe_start "$pv") + first * 4194304))
  yes 'former secret' | dd of="$pv" bs=1M seek="$start" oflag=seek_bytes count=80 iflag=fullblock conv=notrunc,fsync 2>/dev/null
  ok v image remove secret@1
  ok v image import plain "$work/plain.tar"
  [ "$(lvm_report lvs -o seg_pe_ranges "one/image.plain.$(sed 's/.*@//' "$work/out")" | sed 's/.*:\([0-9]*\)-.*/\1/')" = "$first" ] || problem 'it lies elsewhere'
  t reset node3.root "$(cat "$work/out")" || problem reset
  dev=$(t compose node3.root) || problem compose
  tr '\0' '\n' <"$dev" | LC_ALL=C grep -a 'former secret' >"$work/out" && problem 'it is shown'
  t release node3.root || problem release
}
lvm_report() { LVM_SUPPRESS_FD_WARNINGS=1 lvm "$1" --foreign --noheadings "${@:2}" 2>/dev/null | tr -d ' '; }

# --- nodes ------------------------------------------------------------------------------------------------------------------------

change_tree() {
  echo other >"$work/on/etc/name"
  rm "$work/on/sparse"
  chmod 700 "$work/on/usr/sbin/init"
  touch "$work/on/boot/initrd" # a time alone is no change
  echo mine >"$work/on/etc/mine"
  mkdir "$work/on/added" && echo a >"$work/on/added/a"
  ln -sfn /elsewhere "$work/on/var/run"
  echo key >"$work/on/etc/ssh/ssh_host_ed25519_key"
  echo id >"$work/on/etc/machine-id"
  echo log >"$work/on/var/log/old/log"
}
diff_of_a_node_that_is_off() {
  on_image zstd@1 change_tree
  ok v image diff node2
  tr -s ' ' <"$work/out" | grep -v ' lost+found$' >"$work/told"
  for want in 'added - 2 B /added/a' 'changed content 6 B /etc/name' 'added - 5 B /etc/mine' 'changed mode 0 B /usr/sbin/init' 'changed target 0 B /var/run'; do
    grep -qF -- "${want% 0 B*}" "$work/told" || problem "no '$want': $(cat "$work/told")"
  done
  grep -q 'removed - 20.* /sparse' "$work/told" || problem "no removal: $(cat "$work/told")"
  grep -q /boot/initrd "$work/told" && problem 'a time is no change'
  grep -qE 'gone|/usr/bin' "$work/told" && problem "too much: $(cat "$work/told")"
  v image diff --json 2 | grep -q '"path": "/etc/mine"' || problem 'json'
  [ "$(devices)" = "$(devices)" ] && dmsetup ls | grep -q look && problem "left: $(devices)"
}
capture_of_a_node_that_is_off() {
  ok v image capture 2 taken
  [ "$(cat "$work/out")" = taken@1 ] || problem "$(cat "$work/out")"
  ok v image verify taken@1
  on_image taken@1 check_taken
}
check_taken() {
  local on="$work/on" f
  [ "$(cat "$on/etc/name")" = other ] && [ "$(cat "$on/etc/mine")" = mine ] && [ "$(cat "$on/added/a")" = a ] || problem 'its changes are not in it'
  [ -e "$on/sparse" ] && problem 'what was removed is in it'
  for f in etc/ssh/ssh_host_ed25519_key etc/machine-id var/log/old/log; do [ -e "$on/$f" ] && problem "$f is in it"; done
  [ -d "$on/var/log/old" ] && [ -d "$on/run" ] || problem 'folders are missing'
  [ "$(stat -c '%u %g' "$on/etc/same-name")" = '1234 4321' ] || problem 'owners'
  getcap "$on/usr/bin/ping" | grep -q cap_net_raw=ep || problem 'capabilities'
}
# A system that runs on node2's root: what is mounted on it lies over the image's own, and is not captured.
enter_it() {
  local on="$work/on" d
  [ -e "$on/lib" ] || ln -s usr/lib "$on/lib"
  [ -e "$on/lib64" ] || ln -s usr/lib64 "$on/lib64"
  mkdir -p "$on"/{proc,sys}
  mount --make-private "$on" # or others' mount namespaces keep what is mounted on it
  for d in usr dev proc sys run; do mount --rbind "/$d" "$on/$d" && mount --make-rslave "$on/$d"; done
}
leave_it() { for d in usr dev proc sys run; do umount -R "$work/on/$d"; done; }
pool_blocks() { dmsetup status byre-one-node2.root-pool | awk '{ print $6 }' | cut -d/ -f1; }
run_on_it() {
  local on="$work/on" writer before
  enter_it
  echo running >"$on/etc/name"
  (while :; do echo more >>"$on/etc/growing"; done) &
  writer=$!
  before=$(pool_blocks)
  ok chroot "$on" "$volmgr" --container one image capture node2 live
  [ "$(cat "$work/out")" = live@1 ] || problem "$(cat "$work/out")"
  ok chroot "$on" "$volmgr" --container one image diff 2
  grep -qE 'changed +content +8 B +/etc/name' "$work/out" || problem "$(cat "$work/out")"
  grep -qE '/usr/share|/run/byre' "$work/out" && problem 'what is mounted on it is compared'
  kill "$writer" && wait "$writer" 2>/dev/null
  leave_it
  dmsetup ls | grep -q frozen && problem "left: $(devices)"
  [ $(($(pool_blocks) - before)) -lt 200 ] || problem 'the snapshot keeps its blocks'
}
a_running_root_is_captured() {
  refused_while_mounted
  on_image squashfs@1 run_on_it
  on_image live@1 check_live
}
check_live() {
  local on="$work/on"
  [ "$(cat "$on/etc/name")" = running ] && [ -s "$on/etc/growing" ] || problem 'not as it was'
  [ "$(stat -c %a "$on/usr/sbin/init")" = 4755 ] || problem 'what was mounted on it was taken'
  [ -e "$on/usr/share" ] && problem 'what was mounted on it was taken'
}

# Killed at each of its calls to device-mapper until it begins to copy, and while it copies: the root goes on, and nothing is left but the image, which is told.
a_killed_capture_lets_go() { on_image squashfs@1 kill_on_it; }
kill_on_it() {
  local k steps status
  cp "$BIN/crash.so" "$work/on/crash.so"
  enter_it
  crashing 0 >/dev/null
  steps=$(awk '$4 != "dm" { print NR - 1; exit }' /run/crash.log)
  [ "${steps:-0}" -gt 5 ] || problem "steps: $(cat /run/crash.log)"
  for ((k = 1; k <= steps; k++)); do
    crashing "$k"
    [ "$status" = 137 ] || problem "at $k: it was not killed: $status"
    let_go "killed at $k of $steps"
  done
  slow_capture
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null
  let_go 'killed while it copies'
  v image list | grep -qE '^slow@1 .* unfinished ' || problem "$(v image list)"
  ok v image remove slow@1
  slow_capture
  kill -STOP "$pid"
  refused 'is being captured already' chroot "$work/on" "$volmgr" --container one image capture node2 other
  kill -TERM "$pid"
  kill -CONT "$pid"
  wait "$pid" && problem 'it went on'
  let_go 'interrupted'
  v image list | grep -q slow && problem 'it is listed'
  leave_it
  rm -f /run/crash.log /run/crash.count
}
# crashing K: a capture that is killed at its K-th step; its exit status in STATUS.
crashing() {
  rm -f /run/crash.log /run/crash.count
  {
    CRASH_COUNT=/run/crash.count CRASH_LOG=/run/crash.log CRASH_AT=$1 setsid --wait chroot "$work/on" env LD_PRELOAD=/crash.so \
      "$volmgr" --container one image capture node2 x >"$work/out" 2>&1
  } 2>/dev/null # the shell tells of what was killed
  status=$?
}
# A capture that is met while it copies.
slow_capture() {
  [ -e "$work/on/blob" ] || head -c 25000000 /dev/urandom >"$work/on/blob"
  chroot "$work/on" "$volmgr" --container one image capture node2 slow >"$work/slow.out" 2>"$work/slow.err" &
  pid=$!
  for _ in $(seq 600); do
    grep -qs /run/byre/fill "/proc/$pid/mounts" && break
    sleep 0.05
  done
  grep -qs /run/byre/fill "/proc/$pid/mounts" || problem 'the capture was not met'
}
# let_go WHEN: the root can be written to, and no device is left of the capture, nor the blocks that it kept.
let_go() {
  timeout 20 sh -c "echo x >>'$work/on/etc/growing' && sync -f '$work/on/etc/growing'" || { problem "$1: the root stands still"; dmsetup resume byre-one-node2.root; }
  for _ in $(seq 200); do
    dmsetup ls | grep -q frozen || [ "$(pgrep -c byre-guard)" != 0 ] || break
    sleep 0.05
  done
  dmsetup ls | grep frozen && problem "$1: left: $(devices)"
  dmsetup message byre-one-node2.root-pool 0 'delete 16777215' 2>/dev/null && problem "$1: the blocks of that moment are kept"
}
refused_while_mounted() {
  local dev
  t reset node2.root zstd@1 || problem reset
  dev=$(t compose node2.root) && mount "$dev" "$work/on" || problem compose
  refused 'is in use on this machine' v image capture 2 taken
  umount "$work/on" && t release node2.root
}

all="set_up tar_comes_in tar_gzip_comes_in tar_zstd_comes_in tar_xz_comes_in squashfs_comes_in ext4_comes_in oci_layers_come_in oci_is_checked disk_comes_in qcow2_comes_in qcow2_without_qemu_img_is_told qcow2_stands_alone
cut_short_is_refused damaged_is_refused hostile_tar_stays_inside what_does_not_boot_is_refused too_large_is_refused versions_count_up default_and_rollback used_is_not_removed
a_killed_import_is_seen_and_goes an_interrupted_import_cleans_up nothing_of_former_owners_is_left diff_of_a_node_that_is_off capture_of_a_node_that_is_off a_running_root_is_captured
a_killed_capture_lets_go"
first=set_up
# shellcheck disable=SC2086 # names
suite images $all
