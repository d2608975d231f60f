# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The other SAN: the kernel's own target, LIO, in a small machine of its own at the SAN's address. It keeps SCSI-3 reservations as arrays do, which tgtd does
# not. Kernel and modules are those of build/root; its disks are the lab's LUNs, known by their serials (lun1, lun2, ...), and a small one (kept) on which the
# target keeps its registrations.

lio_dir() { echo "$LAB_DIR/lio"; }
lio_running() { proc_alive "$LAB_DIR/lio/qemu"; }

LIO_MODULES="virtio_pci virtio_net virtio_blk crc32c_generic ext4 configfs target_core_mod target_core_iblock iscsi_target_mod"

# lio_make: kernel, initrd and the small disk; keeps what is there.
lio_make() {
	local dir root=$LAB_BUILD/root
	dir=$(lio_dir)
	[ -s "$dir/initrd" ] && return 0
	[ -s "$root/boot/vmlinuz" ] || die "the SAN machine's kernel is not there: make $root with 'make iso'"
	need_tools busybox cpio mkfs.ext4 depmod
	mkdir -p "$dir" && cp "$root/boot/vmlinuz" "$dir/vmlinuz" && truncate -s 16M "$dir/registrations" &&
		mkfs.ext4 -q -F -O ^has_journal "$dir/registrations" && lio_initrd "$root" "$dir" || die "cannot make the SAN machine"
}

# lio_initrd ROOT DIR: busybox, the modules with all that they need, and the init below.
lio_initrd() {
	local tree=$2/tree version lib
	version=$(basename "$(echo "$1"/usr/lib/modules/*)")
	rm -rf "$tree"
	mkdir -p "$tree"/{bin,dev,proc,sys,var/target,"lib/modules/$version"} && cp "$(command -v busybox)" "$tree/bin/busybox" || return 1
	for lib in $(ldd "$tree/bin/busybox" 2>/dev/null | grep -o '/[^ ]*'); do
		cp --parents -L "$lib" "$tree"
	done
	# shellcheck disable=SC2086 # names
	(cd "$1/usr/lib/modules/$version" && lio_files modules.dep $LIO_MODULES | cpio -pdL --quiet "$tree/lib/modules/$version") || return 1
	cp "$1/usr/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$tree/lib/modules/$version/" && depmod -b "$tree" "$version" || return 1
	lio_init >"$tree/init"
	chmod +x "$tree/init"
	(cd "$tree" && find . | cpio -o -H newc --quiet) | gzip -1 >"$2/initrd.new" && mv "$2/initrd.new" "$2/initrd"
}

# lio_files MODULES.DEP NAME...: the files of these modules and of those that they need.
lio_files() {
	local dep=$1
	shift
	awk -v names="$*" '
		function name(path) { sub(/.*\//, "", path); sub(/\.ko.*/, "", path); gsub(/-/, "_", path); return path }
		BEGIN { n = split(names, a, " "); for (i = 1; i <= n; i++) wanted[a[i]] = 1 }
		{ sub(/:$/, "", $1); if (name($1) in wanted) for (i = 1; i <= NF; i++) print $i }' "$dep" | sort -u
}

# lio_init: PID 1. Everything by configfs; kernel parameters san_ip= iqn= serial=. An ACL that is made by itself is kept when its initiator logs out: with it
# would go the registrations. What the target had written of them is read back, a line for each. Disks that come later are served, too.
lio_init() {
	cat <<-'EOF'
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys
		exec >/dev/console 2>&1 </dev/console
		for word in $(cat /proc/cmdline); do case $word in san_ip=*) ip=${word#*=} ;; iqn=*) iqn=${word#*=} ;; serial=*) serial=${word#*=} ;; esac; done
		for m in virtio_pci virtio_net virtio_blk crc32c_generic ext4 configfs; do modprobe $m; done
		ip link set lo up; ip link set eth0 up; ip addr add "$ip/24" dev eth0
		disk() { for f in /sys/block/vd*/serial; do [ "$(cat $f)" != $1 ] || basename ${f%/serial}; done; }
		mount -t ext4 -o sync /dev/$(disk kept) /var/target; mkdir -p /var/target/pr
		mount -t configfs config /sys/kernel/config
		for m in target_core_mod target_core_iblock iscsi_target_mod; do modprobe $m; done
		c=/sys/kernel/config/target
		t=$c/iscsi/$iqn/tpgt_1
		serve() { # LUN DISK
			d=$c/core/iblock_$1/lun
			mkdir -p $d
			echo udev_path=/dev/$2,force=1 >$d/control
			echo /dev/$2 >$d/udev_path
			echo 1 >$d/enable
			unit=$serial; [ $1 = 1 ] || unit=$1$serial
			echo $unit >$d/wwn/vpd_unit_serial
			echo 1 >$d/attrib/emulate_tpu
			for f in /var/target/pr/aptpl_$unit; do
				[ -s "$f" ] && awk '/^PR_REG_START/ { line = ""; next } /^PR_REG_END/ { print line; next } { line = line (line == "" ? "" : ",") $0 }' "$f" |
					while read -r line; do echo "$line" >$d/pr/res_aptpl_metadata; done
			done
			mkdir -p $t/lun/lun_$1
			ln -s $d $t/lun/lun_$1/disk
		}
		serve_all() {
			for n in 1 2 3 4 5 6 7 8 9; do
				disk=$(disk lun$n)
				[ -z "$disk" ] || [ -e $t/lun/lun_$n/disk ] || { serve $n $disk; echo "lio: LUN $n is served"; }
			done
		}
		mkdir -p $t/np/0.0.0.0:3260
		for set in authentication=0 generate_node_acls=1 demo_mode_write_protect=0 cache_dynamic_acls=1; do echo ${set#*=} >$t/attrib/${set%=*}; done
		serve_all
		echo 1 >$t/enable
		echo "lio: serves $iqn at $ip"
		while sleep 1; do serve_all; done
	EOF
}

# lio_drive N: QEMU's arguments for LUN N, one per line.
lio_drive() {
	printf '%s\n' -drive "if=none,id=lun$1,format=raw,discard=unmap,file=$(san_lun "$1")" -device "virtio-blk-pci,drive=lun$1,serial=lun$1"
}

# lio_add N: LUN N is plugged in while the machine runs, and served.
lio_add() {
	local file
	file=$(san_lun "$1")
	{
		printf '{"execute":"%s"}\n' qmp_capabilities
		printf '{"execute":"blockdev-add","arguments":{"node-name":"disk%s","driver":"raw","discard":"unmap","file":{"driver":"file","filename":"%s"}}}\n' "$1" "$file"
		printf '{"execute":"device_add","arguments":{"driver":"virtio-blk-pci","drive":"disk%s","serial":"lun%s"}}\n' "$1" "$1"
	} | in_net socat -t 2 - "UNIX-CONNECT:$LAB_RUN/san.qmp" | grep '"error"' && die "the SAN machine did not take LUN $1"
	lio_says "lio: LUN $1 is served" || die "the SAN machine does not serve LUN $1: $(plain <"$(lio_dir)/console.log" | tail -n 1)"
}

# lio_says TEXT: until its console has it; 1 when it went off, or does not come.
lio_says() {
	local i
	for ((i = 0; i < 600; i++)); do
		grep -q "^$1" "$(lio_dir)/console.log" && return 0
		lio_running || break
		sleep 0.1
	done
	return 1
}

# lio_start: the machine runs and its portal answers, or 1 and a message.
lio_start() {
	local dir pid n args
	dir=$(lio_dir)
	lio_running && return 0
	lio_make
	net_plug san
	mapfile -t args < <(accel_args; for ((n = 1; n < 10; n++)); do [ ! -e "$(san_lun "$n")" ] || lio_drive "$n"; done)
	: >"$dir/console.log"
	pid=$(spawn "$dir/qemu.log" qemu-system-x86_64 "${args[@]}" -name "byre-$LAB-san" -machine pc,graphics=off -m 256 -nodefaults -display none -vga none \
		-no-user-config -no-reboot -kernel "$dir/vmlinuz" -initrd "$dir/initrd" \
		-append "console=ttyS0 quiet net.ifnames=0 panic=1 san_ip=$LAB_SAN_IP iqn=$LAB_SAN_IQN serial=$(printf '%s' "$LAB" | od -An -tx1 | tr -d ' \n')" \
		-chardev "socket,id=console,path=$LAB_RUN/san.console,server=on,wait=off,logfile=$dir/console.log,logappend=on" -serial chardev:console \
		-chardev "socket,id=control,path=$LAB_RUN/san.qmp,server=on,wait=off" -mon chardev=control,mode=control \
		-netdev tap,id=lan,ifname=tapsan,script=no,downscript=no -device virtio-net-pci,netdev=lan,mac=52:54:00:ff:ff:fa -device virtio-rng-pci \
		-drive "if=none,id=kept,format=raw,file=$dir/registrations" -device virtio-blk-pci,drive=kept,serial=kept)
	proc_record "$dir/qemu" "$pid"
	lio_says 'lio: serves' && return 0
	warn "the SAN machine did not start: $(plain <"$dir/console.log" | tail -n 1) $(tail -n 1 "$dir/qemu.log")"
	lio_stop
	return 1
}

# lio_stop: its power is cut.
lio_stop() {
	local pid
	pid=$(proc_pid "$(lio_dir)/qemu") && kill -9 "$pid" && proc_wait "$pid" 10
	rm -f "$(lio_dir)/qemu"
}
