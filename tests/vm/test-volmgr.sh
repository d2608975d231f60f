#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The volume manager in a machine of its own, without a cluster: the ISO's live system runs inside/volmgr.sh on a scratch disk instead of
# anything else (systemd.run), and is off again. Device-mapper and LVM are not to be had on every host.
# usage: test-volmgr.sh          SCRATCH: size of the disk (default 3G)
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${LAB_BUILD:-$top/build}
iso=${LAB_ISO:-$build/byre.iso}
log=$build/check-vm
LAB_HERE=$here
export LAB=${LAB:-check} LAB_BUILD=$build LAB_ISO=$iso
# The lab's probe for KVM wants the lab's network: without its answer, emulation.
LAB_ACCEL=${LAB_ACCEL:-$(cat "$build/lab-accel" 2>/dev/null || echo tcg)}
export LAB_ACCEL
# shellcheck source=lib/base.sh
. "$here/lib/base.sh"
# shellcheck source=lib/accel.sh
. "$here/lib/accel.sh"

[ -r "$iso" ] || { echo "skip volmgr: there is no ISO: make iso"; exit 0; }
make -s -C "$top" build/tests/try-volmgr || { echo "FAIL volmgr: try-volmgr is not built"; exit 1; }
mkdir -p "$log"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the machine gets beside the ISO: the test, and what to do with it.
mkdir "$work/kit"
cp "$here/inside/volmgr.sh" "$build/tests/try-volmgr" "$work/kit/"
cat >"$work/kit/start" <<'END'
#!/bin/bash
exec >/dev/ttyS1 2>&1
export PATH=/usr/sbin:/usr/bin TRY=/mnt/try-volmgr VOLMGR=/usr/sbin/volmgr HUNDRED=${HUNDRED:-8}
bash /mnt/volmgr.sh /dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_scratch
echo "status $?"
systemctl poweroff -ff
END
mksquashfs "$work/kit" "$work/kit.squashfs" -quiet -no-progress >/dev/null || exit 1
for f in vmlinuz initrd; do
	xorriso -osirrox on -indev "$iso" -extract "/boot/$f" "$work/$f" >/dev/null 2>&1 || { echo "FAIL volmgr: no /boot/$f on $iso"; exit 1; }
done
truncate -s "${SCRATCH:-3G}" "$work/scratch"
mapfile -t accelerator < <(accel_args)
timeout -s KILL 600 qemu-system-x86_64 "${accelerator[@]}" -m 768 -nodefaults -no-user-config -display none -no-reboot \
	-kernel "$work/vmlinuz" -initrd "$work/initrd" \
	-append "byre.live console=ttyS0 quiet net.ifnames=0 panic=1 systemd.run=\"/bin/bash -c 'mount /dev/vda /mnt && exec bash /mnt/start'\"" \
	-serial "file:$log/volmgr.console.log" -serial "file:$log/volmgr.log" -device virtio-rng-pci \
	-drive "if=virtio,readonly=on,format=raw,file=$work/kit.squashfs" \
	-drive "if=none,id=dvd,media=cdrom,readonly=on,format=raw,file=$iso" -device ide-cd,drive=dvd \
	-device virtio-scsi-pci -drive "if=none,id=scratch,format=raw,discard=unmap,file=$work/scratch" -device scsi-hd,drive=scratch,serial=scratch
tr -d '\r' <"$log/volmgr.log"
if ! grep -q '^status ' "$log/volmgr.log"; then
	echo "FAIL volmgr: the machine did not end: $(tail -n 1 "$log/volmgr.console.log")"
	exit 1
fi
grep -q '^status 0' "$log/volmgr.log"
