# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A tiny guest for tests of the lab itself: Debian's cloud kernel and a busybox initramfs that brings up eth0 (address: `ip=` on
# the command line), obeys the power button, and answers on TCP port 22 with an ssh greeting.

# tiny_make DIR: makes DIR/vmlinuz and DIR/initrd; keeps what is there. 1 when the kernel or busybox cannot be had.
tiny_make() {
	[ -s "$1/vmlinuz" ] && [ -s "$1/initrd" ] && return 0
	mkdir -p "$1" && tiny_kernel "$1" && tiny_initrd "$1"
}

# tiny_kernel DIR: the newest cloud kernel package, unpacked into DIR/root.
tiny_kernel() {
	local package
	package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1)
	[ -n "$package" ] || return 1
	(cd "$1" && apt-get download -q "$package" && dpkg-deb -x ./"$package"_*.deb root && rm -f ./"$package"_*.deb) >"$1/log" 2>&1 &&
		cp "$1"/root/boot/vmlinuz-* "$1/vmlinuz"
}

# tiny_initrd DIR: busybox and the modules of the network card and the power button.
tiny_initrd() {
	local tree=$1/initrd.tree module lib
	rm -rf "$tree"
	mkdir -p "$tree"/{bin,dev,proc,sys,modules} && cp "$(command -v busybox)" "$tree/bin/busybox" || return 1
	for lib in $(ldd "$tree/bin/busybox" 2>/dev/null | grep -o '/[^ ]*'); do
		cp --parents -L "$lib" "$tree"
	done
	for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net evdev button; do
		find "$1/root/lib/modules" -name "$module.ko" -exec cp {} "$tree/modules/" \;
	done
	tiny_init >"$tree/init"
	chmod +x "$tree/init"
	(cd "$tree" && find . | cpio -o -H newc --quiet) | gzip -1 >"$1/initrd"
}

# tiny_init: PID 1. Words on the console: "tiny: up ADDRESS", "tiny: power button". Kernel parameters: address=A, then=reboot|poweroff|panic,
# say=WORDS (prints "byre-install: WORDS", with _ for a blank).
tiny_init() {
	cat <<'EOF'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys
exec >/dev/console 2>&1 </dev/console
for m in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net evdev button; do [ -e /modules/$m.ko ] && insmod /modules/$m.ko; done
for word in $(cat /proc/cmdline); do case $word in address=*) address=${word#*=} ;; then=*) then=${word#*=} ;; say=*) say=${word#*=} ;; esac; done
ip link set lo up; ip link set eth0 up
[ -n "$address" ] && ip addr add "$address/24" dev eth0
(while :; do echo SSH-2.0-tiny | nc -l -p 22 >/dev/null; done) &
echo "tiny: up $address"
[ -n "$say" ] && echo "byre-install: $say" | tr _ ' '
case $say in done*) echo "byre-live: this machine serves the cluster" ;; esac
case $then in
reboot) sleep 1; reboot -f ;;
poweroff) sleep 1; poweroff -f ;;
panic) sleep 1; exit 1 ;;
esac
event=$(grep -l 'Power Button' /sys/class/input/event*/device/name 2>/dev/null | head -n 1 | cut -d / -f 5)
( [ -n "$event" ] && dd if=/dev/input/$event of=/dev/null bs=24 count=1 2>/dev/null && echo "tiny: power button" && poweroff -f ) &
while :; do sh; sleep 1; done
EOF
}

# tiny_iso DIR SAY: makes DIR/SAY.iso, which boots the tiny guest with say=SAY.
tiny_iso() {
	local tree=$1/iso.tree
	rm -rf "$tree"
	mkdir -p "$tree/isolinux" && cp "$1/vmlinuz" "$1/initrd" /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$tree/isolinux" || return 1
	printf 'default tiny\nprompt 0\nlabel tiny\nkernel vmlinuz\ninitrd initrd\nappend console=ttyS0 net.ifnames=0 address=192.168.0.253 say=%s\n' \
		"$2" >"$tree/isolinux/isolinux.cfg"
	xorriso -as mkisofs -quiet -o "$1/$2.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table \
		"$tree" >"$1/log" 2>&1
}
