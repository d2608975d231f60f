# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One machine without a cluster: the ISO's live system runs test scripts on scratch disks instead of anything else (systemd.run), and is off again.
# Device-mapper, LVM and SCSI are not to be had on every host.
#
# A test file sources this and calls
#	solo NAME SUITE...	boots once and runs inside/SUITE.sh /dev/…scratch0 [/dev/…scratch1 …] one after another, each on disks that are empty
#				again. A suite prints "ok SUITE: WHAT" and "FAIL SUITE: WHAT" and exits non-zero when one failed; inside/lib.sh helps it.
# A suite finds its programs in $BIN (those of SOLO_TOOLS), and its own file in $KIT beside what SOLO_FILES names.
# What may be set before: SOLO_TOOLS  programs of build/tests that the kit brings (default: try-volmgr)
#	SOLO_FILES  more files for the kit
#	SOLO_DISKS  sizes of the scratch disks (default: 3G)		SOLO_DRIVE  more of QEMU's -drive for each ("throttling.bps-total=…")
#	SOLO_MEMORY MiB (default: 768)		SOLO_LIMIT  seconds after which the machine hangs, surely (default: 900)
#	TESTS       the functions of the suites to run (default: all that they run by themselves)
#	SOLO_EXPORT names of variables that the suites see, too
# The results go to standard output, everything else to build/check-vm/NAME.log and NAME.console.log.

LAB_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LAB=${LAB:-check}
# shellcheck source=base.sh
. "$LAB_HERE/lib/base.sh"
# shellcheck source=accel.sh
. "$LAB_HERE/lib/accel.sh"

# solo_kit DIR SUITE...: what the machine gets beside the ISO: the suites, their programs, and what to do with them.
solo_kit() {
	local dir=$1 suite tool
	shift
	mkdir "$dir"
	for tool in ${SOLO_TOOLS-try-volmgr}; do
		make -s -C "$LAB_TREE" "build/tests/$tool" >/dev/null && cp "$LAB_BUILD/tests/$tool" "$dir/" || return 1
	done
	cp "$LAB_HERE/inside/lib.sh" "$dir/" || return 1
	for suite in "$@"; do cp "$LAB_HERE/inside/$suite.sh" "$dir/" || return 1; done
	# shellcheck disable=SC2086 # a list
	[ -z "${SOLO_FILES-}" ] || cp $SOLO_FILES "$dir/" || return 1
	printf 'suites=%q\n' "$*" >"$dir/what"
	for tool in TESTS ${SOLO_EXPORT-}; do [ -z "${!tool-}" ] || printf 'export %s=%q\n' "$tool" "${!tool}"; done >>"$dir/what"
	cat >"$dir/start" <<-'END'
		#!/bin/bash
		exec >/dev/ttyS1 2>&1
		export PATH=/usr/sbin:/usr/bin KIT=/mnt BIN=/mnt TRY=/mnt/try-volmgr VOLMGR=/usr/sbin/volmgr
		. /mnt/what
		disks=() status=0
		for d in /dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_scratch*; do [[ $d == *-part* ]] || disks+=("$(readlink -f "$d")"); done
		for suite in $suites; do
			bash "/mnt/$suite.sh" "${disks[@]}" || status=1
			dmsetup remove_all --force >/dev/null 2>&1
			for d in "${disks[@]}"; do wipefs -qaf "$d" && blkdiscard -f "$d" 2>/dev/null && blockdev --rereadpt "$d"; done
			udevadm settle
		done
		echo "status $status"
		systemctl poweroff -ff >/dev/null 2>&1
	END
}

# program_tar PROGRAM FILE: a program of this machine with the libraries that it needs, to be run where it is not installed: PROGRAM/run.
# shellcheck disable=SC2016 # expanded over there
program_tar() {
	local dir
	dir=$(mktemp -d) || return 1
	mkdir -p "$dir/$1/lib" && cp "$(command -v "$1")" "$dir/$1/" &&
		ldd "$dir/$1/$1" | awk '/=> \// { print $3 } /^\t\// { print $1 }' | xargs cp -L -t "$dir/$1/lib" &&
		printf '#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\nexec "$here"/lib/ld-linux-*.so.* --library-path "$here/lib" "$here/%s" "$@"\n' "$1" >"$dir/$1/run" &&
		chmod 755 "$dir/$1/run" && tar -C "$dir" -cf "$2" "$1"
	rm -rf "$dir"
	[ -s "$2" ]
}
fio_tar() { program_tar fio "$1"; }

# solo_boot NAME DIR: the machine, from DIR's kit, until it is off.
solo_boot() {
	local name=$1 dir=$2 f size n=0 disks=() accelerator
	for f in vmlinuz initrd; do
		xorriso -osirrox on -indev "$LAB_ISO" -extract "/boot/$f" "$dir/$f" >/dev/null 2>&1 || { echo "FAIL $name: no /boot/$f on $LAB_ISO"; return 1; }
	done
	for size in ${SOLO_DISKS:-3G}; do
		truncate -s "$size" "$dir/scratch$n" || return 1
		disks+=(-drive "if=none,id=scratch$n,format=raw,discard=unmap,file=$dir/scratch$n${SOLO_DRIVE:+,$SOLO_DRIVE}" -device "scsi-hd,drive=scratch$n,serial=scratch$n")
		n=$((n + 1))
	done
	mksquashfs "$dir/kit" "$dir/kit.squashfs" -quiet -no-progress >/dev/null || return 1
	# The lab's probe for KVM wants the lab's network: without its answer, emulation.
	LAB_ACCEL=${LAB_ACCEL:-$(get "$LAB_BUILD/lab-accel" tcg)}
	mapfile -t accelerator < <(accel_args)
	timeout -s KILL "${SOLO_LIMIT:-900}" qemu-system-x86_64 "${accelerator[@]}" -m "${SOLO_MEMORY:-768}" -nodefaults -no-user-config -display none -no-reboot \
		-kernel "$dir/vmlinuz" -initrd "$dir/initrd" \
		-append "byre.live console=ttyS0 quiet net.ifnames=0 gpt panic=1 systemd.run=\"/bin/bash -c 'mount /dev/vda /mnt && exec bash /mnt/start'\"" \
		-serial "file:$log/$name.console.log" -serial "file:$log/$name.log" -device virtio-rng-pci \
		-drive "if=virtio,readonly=on,format=raw,file=$dir/kit.squashfs" \
		-drive "if=none,id=dvd,media=cdrom,readonly=on,format=raw,file=$LAB_ISO" -device ide-cd,drive=dvd \
		-device virtio-scsi-pci "${disks[@]}"
}

solo() (
	name=$1 log=$LAB_BUILD/check-vm
	shift
	[ -r "$LAB_ISO" ] || { echo "skip $name: there is no ISO: make iso"; exit 0; }
	mkdir -p "$log"
	: >"$log/$name.log"
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	solo_kit "$work/kit" "$@" || { echo "FAIL $name: what it needs cannot be made"; exit 1; }
	solo_boot "$name" "$work"
	tr -d '\r' <"$log/$name.log" | grep -v '^status '
	if ! grep -q '^status ' "$log/$name.log"; then
		echo "FAIL $name: the machine did not end: $(tail -n 1 "$log/$name.console.log")"
		exit 1
	fi
	grep -q '^status 0' "$log/$name.log"
)
