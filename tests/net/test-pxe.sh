#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A machine's real firmware, in QEMU, boots from metamaster: by TFTP to the loader, by HTTP to the kernel, without waiting for what never comes.
. "$(dirname "$0")/lib.sh"

has_qemu() { command -v qemu-system-x86_64 >/dev/null && [ -e /usr/lib/ipxe/qemu/pxe-virtio.rom ]; }

# machine: node 3's, which boots from the network; ends when it reboots. machine KERNEL INITRD: boots those instead.
machine() {
  local boot=(-boot n)
  [ $# = 0 ] || boot=(-kernel "$1" -initrd "$2")
  COMMAND=qemu
  in_server timeout 60 qemu-system-x86_64 -accel tcg,thread=multi,tb-size=64 -m 256 -display none -serial none -monitor none -no-reboot \
    -netdev tap,id=n,ifname=t0,script=no,downscript=no -device virtio-net-pci,netdev=n,mac=52:54:00:00:00:03 "${boot[@]}" \
    >"$WORK/qemu" 2>&1 </dev/null
}

machine_off() {
  # shellcheck disable=SC2046 # a number
  kill 2>/dev/null $(ip netns pids "$SERVER" | while read -r p; do [ "$(cat "/proc/$p/comm")" != qemu-system-x86 ] || echo "$p"; done)
}

boots() {
  has_qemu || { skip 'no QEMU with its PXE ROM'; return; }
  local began=$SECONDS qemu
  machine &
  qemu=$!
  wait_for 55 logged 'takes /images/debian12@1/vmlinuz' || problem "the kernel was not asked for: $(cat "$WORK/log" "$WORK/qemu")"
  logged 'DHCPACK(br0) 192.168.0.3 52:54:00:00:00:03 node3' || problem 'it was not given its address'
  ! logged 'lpxelinux.0' || problem 'it took the loader, which it does not need'
  # The firmware's wait for an IPv6 router alone is 15 s.
  [ $((SECONDS - began)) -lt 40 ] || problem "it took $((SECONDS - began)) s"
  machine_off
  wait $qemu
}

# Firmware that is not iPXE: one that does as the others do. The loader's network stack is known to stop now and then on top of this one: it has three tries.
boots_by_the_loader() {
  has_qemu || { skip 'no QEMU with its PXE ROM'; return; }
  # shellcheck disable=SC2016 # iPXE's
  printf '#!ipxe\ndhcp\nchain tftp://${next-server}/lpxelinux.0\n' >"$WORK/other"
  : >"$WORK/log"
  local try qemu
  for try in 1 2 3; do
    machine /usr/lib/ipxe/ipxe.lkrn "$WORK/other" &
    qemu=$!
    wait_for 30 logged 'takes /images/debian12@1/vmlinuz' && break
    machine_off
    wait $qemu
  done
  logged 'takes /images/debian12@1/vmlinuz' || problem "the kernel was not asked for in $try tries: $(cat "$WORK/log" "$WORK/qemu")"
  logged 'lpxelinux.0 to 192.168.0.3' || problem 'it did not take the loader by TFTP'
  machine_off
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
test_case 'firmware that needs the loader boots from it' boots_by_the_loader
test_case 'a machine whose kernel is not there starts anew' starts_anew_without_a_kernel
