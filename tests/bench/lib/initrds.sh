# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The initrds that are compared, all for the same kernel and from the same packages: byre's, and those that Debian's own two tools
# make for a root on iSCSI. Each in the form that fits any machine (the tools' default), and one trimmed to what this virtual
# machine needs, as MODULES=dep and hostonly would choose on the machine itself.
# Kept in build/bench/initrds; made again when the root tree or how they are made changes.

INITRDS=$BENCH_OUT/initrds
INITRDS_MODULES='virtio_pci virtio_net iscsi_tcp crc32c_generic sd_mod ext4'
INITRDS_UUID=6d3ba0c4-5f0e-4ab6-9d5e-0b7e5e1b0c01 # of the plain root

in_root() { # NAME COMMAND...: in a copy of the root tree with that name
	"$BENCH_HERE/in-root" "$BENCH_SQUASHFS" "$BENCH_OUT/roots/$1" "$INITRDS" "${@:2}"
}

# in_root_sh NAME SCRIPT ARGUMENTS
in_root_sh() { in_root "$1" /bin/sh -euc "$2" sh "${@:3}"; }

initrds_version() { in_root byre ls /usr/lib/modules | sort -V | tail -n 1; }

# How this machine's apt reaches its sources.
initrds_apt() { # NAME
	mkdir -p "$BENCH_OUT/roots/$1/upper/etc/apt/apt.conf.d" "$BENCH_OUT/roots/$1/upper/etc/iscsi"
	cp -L /etc/resolv.conf "$BENCH_OUT/roots/$1/upper/etc/resolv.conf"
	apt-config dump --format '%f "%v";%n' | grep -E '^Acquire::(https?::[^ ]*[^:]|Check-(Valid-Until|Date)) ' \
		>"$BENCH_OUT/roots/$1/upper/etc/apt/apt.conf.d/99bench"
}

# A fresh copy with packages, as Debian has open-iscsi: not masked, with a name.
initrds_prepare() { # NAME PACKAGE...
	local log=$BENCH_OUT/$1-packages.log
	rm -rf "$BENCH_OUT/roots/$1"
	initrds_apt "$1"
	# shellcheck disable=SC2016
	in_root_sh "$1" '
		for u in iscsid.service iscsid.socket open-iscsi.service iscsi.service; do rm -f /etc/systemd/system/$u; done
		echo InitiatorName=iqn.2026-11.org.byre.lab:bench >/etc/iscsi/initiatorname.iscsi
		apt-get -qq update
		apt-get -qq -y install --no-install-recommends "$@"' "${@:2}" >"$log" 2>&1 || die "packages for $1 cannot be installed: see $log"
}

initrds_byre() {
	rm -rf "$BENCH_OUT/roots/byre"
	# shellcheck disable=SC2016
	in_root_sh byre '
		cp /boot/vmlinuz /mnt/vmlinuz
		cp /boot/initrd /mnt/byre
		/usr/lib/byre/mkinitrd "$1" -o /mnt/byre-trimmed --without-network --with virtio_net' "$1" >"$BENCH_OUT/byre.log" 2>&1 ||
		die "byre's initrds cannot be made: see $BENCH_OUT/byre.log"
}

initrds_initramfs_tools() { # VERSION
	# shellcheck disable=SC2016
	in_root_sh initramfs-tools '
		touch /etc/iscsi/iscsi.initramfs
		cp -n /etc/initramfs-tools/initramfs.conf /root/
		cp /root/initramfs.conf /etc/initramfs-tools/
		: >/etc/initramfs-tools/modules
		mkinitramfs -o /mnt/initramfs-tools "$1"
		sed -i "s/^MODULES=.*/MODULES=list/" /etc/initramfs-tools/initramfs.conf
		printf "%s\n" $2 >/etc/initramfs-tools/modules
		mkinitramfs -o /mnt/initramfs-tools-trimmed "$1"' "$1" "$INITRDS_MODULES" >"$BENCH_OUT/initramfs-tools.log" 2>&1 ||
		die "mkinitramfs failed: see $BENCH_OUT/initramfs-tools.log"
}

# dracut in its default form never gets a root on iSCSI here: networkd calls no hooks of an interface that is up, so that nothing logs in
# (network-legacy, which dracut-network brings, does), and Debian's iscsid.service wants a script that is not taken along. It compresses
# with gzip: zstd, as the others do. Its network part takes all drivers there are: what hostonly would choose is had by leaving out the
# others by name.
initrds_dracut() { # VERSION
	# shellcheck disable=SC2016
	in_root_sh dracut '
		dracut --force --zstd --no-hostonly --install /usr/lib/open-iscsi/startup-checks.sh --add network-legacy --omit systemd-networkd /mnt/dracut "$1"
		others=$(find "/usr/lib/modules/$1/kernel/drivers/net" "/usr/lib/modules/$1/kernel/drivers/infiniband" -name "*.ko" \
			! -name virtio_net.ko ! -name net_failover.ko -printf "%f " | sed "s/\.ko / /g")
		dracut --force --zstd --no-hostonly --install /usr/lib/open-iscsi/startup-checks.sh --drivers "$2" --omit-drivers "$others" --modules "base fs-lib kernel-modules rootfs-block udev-rules \
			systemd systemd-initrd dracut-systemd network-legacy network iscsi usrmount shutdown" /mnt/dracut-trimmed "$1"' \
		"$1" "$INITRDS_MODULES" >"$BENCH_OUT/dracut.log" 2>&1 || die "dracut failed: see $BENCH_OUT/dracut.log"
}

# The root file system that Debian's initrds mount: the same tree, with our init in it.
initrds_plain_root() {
	mkdir -p "$BENCH_OUT/roots/plain/upper/sbin" && rmdir "$BENCH_OUT/roots/plain/upper/sbin"
	mkdir -p "$BENCH_OUT/roots/plain/upper/usr/local/sbin"
	install -m 755 "$BENCH_HERE/bench-init" "$BENCH_OUT/roots/plain/upper/usr/local/sbin/bench-init"
	# shellcheck disable=SC2016
	in_root_sh plain '
		mount --bind / /media
		rm -f /mnt/plain.ext4
		mke2fs -q -t ext4 -U "$1" -d /media /mnt/plain.ext4 2G' "$INITRDS_UUID" >"$BENCH_OUT/plain.log" 2>&1 ||
		die "the plain root cannot be made: see $BENCH_OUT/plain.log"
}

# initrds_cached NAME INPUTS... -- COMMAND: runs the command unless it was run for the same inputs (files) before.
initrds_cached() {
	local name=$1 sum inputs=() started=$SECONDS
	shift
	while [ "$1" != -- ]; do inputs+=("$1"); shift; done
	shift
	sum=$({ cat "${inputs[@]}"; echo "$*"; declare -f "$1" initrds_prepare initrds_apt; } | sha256sum)
	[ "$(cat "$INITRDS/$name.sum" 2>/dev/null)" = "$sum" ] && return
	rm -f "$INITRDS/$name.sum"
	"$@"
	echo "$sum" >"$INITRDS/$name.sum"
	say "initrds: $name made in $((SECONDS - started)) s"
}

# initrds_count NAME: its figures as JSON.
initrds_count() {
	# shellcheck disable=SC2016
	in_root_sh initramfs-tools '
		rm -rf /tmp/unpacked && mkdir /tmp/unpacked
		unmkinitramfs "/mnt/$1" /tmp/unpacked
		echo "$(find /tmp/unpacked -type f -printf "%i %s\n" | sort -u | awk "{ s += \$2 } END { print s + 0 }")" \
			"$(find /tmp/unpacked ! -type d | wc -l)" "$(find /tmp/unpacked -name "*.ko*" | wc -l)"
		rm -rf /tmp/unpacked' "$1" | {
		read -r bytes files modules
		jq -n --arg name "$1" --argjson packed "$(stat -c %s "$INITRDS/$1")" --argjson unpacked "$bytes" --argjson files "$files" \
			--argjson modules "$modules" '{name: $name, packed_bytes: $packed, unpacked_bytes: $unpacked, files: $files, modules: $modules}'
	}
}

step_initrds() {
	local version v base=$BENCH_BUILD/root.base
	[ -s "$BENCH_SQUASHFS" ] || die "there is no $BENCH_SQUASHFS: run 'make iso'"
	mkdir -p "$INITRDS"
	version=$(initrds_version)
	say "initrds: for kernel $version"
	initrds_cached byre "$BENCH_BUILD/root.initrd" "$base" -- initrds_byre "$version"
	initrds_cached initramfs-tools-packages "$base" -- initrds_prepare initramfs-tools busybox
	initrds_cached initramfs-tools "$base" -- initrds_initramfs_tools "$version"
	initrds_cached dracut-packages "$base" -- initrds_prepare dracut dracut dracut-network
	initrds_cached dracut "$base" -- initrds_dracut "$version"
	initrds_cached plain "$base" "$BENCH_HERE/bench-init" -- initrds_plain_root
	for v in "${BENCH_VARIANTS[@]}"; do initrds_count "$v"; done |
		jq -s --arg kernel "$version" '{kernel: $kernel, initrds: .}' | keep initrds
}
