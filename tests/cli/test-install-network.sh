#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# byre-install up to the login, in a network namespace of its own: its interface, its address, the SAN's targets. Nothing here has a disk to write to.
. "$(dirname "$0")/lib.sh"

for tool in unshare ip mksquashfs; do
  command -v "$tool" >/dev/null || { test_case 'network steps' skip "no $tool"; exit 0; }
done
if [ "${1-}" != inside ]; then
  [ "$(id -u)" = 0 ] || { test_case 'network steps' skip 'needs root'; exit 0; }
  unshare -n -m "$0" inside
  exit
fi

mount -t sysfs sysfs /sys # shows the interfaces of this namespace
mkdir -p "$WORK/medium/byre/images" "$WORK/tree/boot"
echo kernel >"$WORK/tree/boot/vmlinuz"
mksquashfs "$WORK/tree" "$WORK/medium/byre/images/debian12.squashfs" -quiet -no-progress >/dev/null
cat >"$WORK/INSTALL.info" <<'END'
storage-ip = 192.168.0.250
number-of-nodes = 1
mac.1 = 52:54:00:12:00:01
END

# plug: the machine's card is card0; rest0 is the rest of the network.
plug() {
  ip link set lo up
  ip link add card0 address 52:54:00:12:00:01 type veth peer name rest0 address 52:54:00:12:00:99
  ip link set rest0 up
}
unplug() { ip link delete card0 2>/dev/null; }

# install KEY-AND-VALUE...: a dry run with these answers more.
install() {
  { cat "$WORK/INSTALL.info"; printf '%s\n' "$@"; } >"$WORK/answers"
  run "$BIN/byre-install" --answers "$WORK/answers" --medium "$WORK/medium" --dry-run
}

# expect_failed TEXT: the last line says it, and that nothing was changed.
expect_failed() {
  expect_status 1
  expect_no_stdout
  tail -n 1 "$WORK/err" >"$WORK/last"
  mv "$WORK/last" "$WORK/err"
  expect_stderr_line "byre-install: failed: $1"
  expect_stderr_line '(nothing on the SAN was changed)'
}

not_this_machine() {
  ip link set lo up
  install
  expect_failed 'mac.1: no interface of this machine has 52:54:00:12:00:01'
}
no_such_interface() {
  plug
  install 'boot-if = eth7'
  expect_failed 'boot-if: this machine has no interface eth7'
  unplug
}
address_in_use() {
  plug
  ip address add 192.168.0.253/24 dev rest0
  install
  expect_failed 'meta-master-ip: 192.168.0.253 is in use by the machine with MAC address 52:54:00:12:00:99'
  unplug
}
no_archive() {
  install 'base-distribution = debian99'
  expect_failed "base-distribution debian99: $WORK/medium/byre/images/debian99.squashfs: No such file or directory"
}
damaged_archive() {
  head -c 5000 /dev/urandom >"$WORK/medium/byre/images/broken.squashfs"
  install 'base-distribution = broken'
  expect_failed "$WORK/medium/byre/images/broken.squashfs: neither tar"
}

test_case 'mac.1 is no interface here' not_this_machine
test_case 'boot-if is not there' no_such_interface
test_case 'the address is in use' address_in_use
test_case 'no archive of the distribution' no_archive
test_case 'damaged archive' damaged_archive

# --- with a SAN -------------------------------------------------------------------------------------------------------------
command -v tgtd >/dev/null || { test_case 'targets' skip 'no tgtd'; exit 0; }
export TGT_IPC_SOCKET=$WORK/tgt
admin() { tgtadm -C 0 --lld iscsi "$@"; }
plug
ip address add 192.168.0.250/24 dev rest0
# The two ends are one host here: its own traffic would take the loopback, and does; what is said is what counts.
tgtd -f -C 0 --iscsi portal=192.168.0.250:3260 >"$WORK/tgtd.log" 2>&1 &
tgtd=$! # with targets it does not heed SIGTERM
trap 'kill -9 "$tgtd"; wait "$tgtd" 2>/dev/null; rm -rf "$WORK"' EXIT
for ((i = 0; i < 50; i++)); do admin --op show --mode system >/dev/null 2>&1 && break; sleep 0.1; done

add_target() {
  admin --op new --mode target --tid "$1" -T "$2"
  admin --op bind --mode target --tid "$1" -I ALL
}
no_target() {
  install
  expect_failed 'SAN 192.168.0.250:3260: no iSCSI discovery: ' # tgtd refuses the login then
}
other_target() {
  add_target 1 iqn.2026-11.org.byre.test:one
  install 'iscsi-target = iqn.2026-11.org.byre.test:none'
  expect_failed 'iscsi-target: the SAN has no iqn.2026-11.org.byre.test:none; it has iqn.2026-11.org.byre.test:one'
}
two_targets() {
  add_target 2 iqn.2026-11.org.byre.test:two
  install
  expect_failed 'iscsi-target: the SAN has several: name one of iqn.2026-11.org.byre.test:'
}
bad_lun() {
  install 'iscsi-target = iqn.2026-11.org.byre.test:one,x'
  expect_failed "iscsi-target: 'x' is no LUN: write IQN,NUMBER"
}
test_case 'a SAN without a target' no_target
test_case 'the target is not there' other_target
test_case 'several targets, none named' two_targets
test_case 'a LUN that is no number' bad_lun
