#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A machine's real firmware, in QEMU, boots from metamaster: by TFTP to the loader, by HTTP to the kernel, without waiting for what never comes.
. "$(dirname "$0")/lib.sh"

has_qemu() { command -v qemu-system-x86_64 >/dev/null && [ -e /usr/lib/ipxe/qemu/pxe-virtio.rom ]; }

# machine: node 3's; ends when it reboots.
machine() {
  COMMAND=qemu
  in_server timeout 60 qemu-system-x86_64 -accel tcg,thread=multi,tb-size=64 -m 256 -display none -serial none -monitor none -no-reboot \
    -netdev tap,id=n,ifname=t0,script=no,downscript=no -device virtio-net-pci,netdev=n,mac=52:54:00:00:00:03,bootindex=0 \
    >"$WORK/qemu" 2>&1 </dev/null
}

boots() {
  has_qemu || { skip 'no QEMU with its PXE ROM'; return; }
  local began=$SECONDS qemu
  machine &
  qemu=$!
  wait_for 55 logged 'takes /images/debian12@1/vmlinuz' || problem "the kernel was not asked for: $(cat "$WORK/log" "$WORK/qemu")"
  logged 'DHCPACK(br0) 192.168.0.3 52:54:00:00:00:03 node3' || problem 'it was not given its address'
  logged 'lpxelinux.0 to 192.168.0.3' || problem 'it did not take the loader by TFTP'
  # The firmware's wait for an IPv6 router alone is 15 s.
  [ $((SECONDS - began)) -lt 40 ] || problem "it took $((SECONDS - began)) s"
  # shellcheck disable=SC2046 # a number
  kill $(ip netns pids "$SERVER" | while read -r p; do [ "$(cat "/proc/$p/comm")" != qemu-system-x86 ] || echo "$p"; done)
  wait $qemu
}

starts_anew_without_a_kernel() {
  has_qemu || { skip 'no QEMU with its PXE ROM'; return; }
  mv "$WORK/images/debian12@1/boot" "$WORK/images/debian12@1/away"
  machine
  [ $? != 124 ] || problem 'it stopped instead of starting anew'
}

net_up
make_images
mkdir "$WORK/byre"
publish >/dev/null
start_metamaster
serving 1
ip -n "$SERVER" tuntap add t0 mode tap
ip -n "$SERVER" link set t0 master br0 up
test_case 'real firmware boots from it' boots
test_case 'a machine whose kernel is not there starts anew' starts_anew_without_a_kernel
