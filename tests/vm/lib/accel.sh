# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# KVM or software emulation: a KVM that opens may still hang ordinary guests, so one is booted with a time limit.

# accel: prints kvm or tcg; probes once per build tree.
accel() {
	local answer=${LAB_ACCEL:-}
	[ -n "$answer" ] || answer=$(get "$LAB_BUILD/lab-accel")
	if [ -z "$answer" ]; then
		accel_probe && answer=kvm || answer=tcg
		put "$LAB_BUILD/lab-accel" "$answer"
	fi
	echo "$answer"
}

# accel_kernel: prints a kernel to try; 1 when there is none.
accel_kernel() {
	local k
	if [ -s "$LAB_ISO" ]; then
		xorriso -osirrox on -indev "$LAB_ISO" -extract /boot/vmlinuz "$LAB_DIR/probe-vmlinuz" >/dev/null 2>&1 &&
			echo "$LAB_DIR/probe-vmlinuz" && return 0
	fi
	for k in /boot/vmlinuz-*; do
		[ -s "$k" ] && echo "$k" && return 0
	done
	return 1
}

# accel_probe: 0 when a kernel boots under KVM (to its panic: it has no root) within ten seconds.
accel_probe() {
	local kernel
	[ -w /dev/kvm ] && kernel=$(accel_kernel) || return 1
	in_net timeout -s KILL 10 qemu-system-x86_64 -accel kvm -m 256 -nodefaults -display none -no-reboot -serial stdio \
		-kernel "$kernel" -append "console=ttyS0 panic=-1" </dev/null 2>/dev/null | grep -q "Kernel panic"
}

# accel_args: QEMU's arguments, one per line.
accel_args() {
	if [ "$(accel)" = kvm ]; then
		printf '%s\n' -accel kvm -cpu host
	else
		printf '%s\n' -accel "tcg,thread=multi,tb-size=${LAB_TB:-64}" -cpu "${LAB_CPU:-qemu64,+rdrand}"
	fi
}
