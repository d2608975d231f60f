#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Answers files that are wrong: one line that names the place and the reason, status 1, nothing on standard output.
. "$(dirname "$0")/lib.sh"
install=$BIN/byre-install
file=$WORK/INSTALL.info

good() {
  cat <<-'END'
	# three nodes on one network
	base-distribution = debian12
	storage-ip = 192.168.0.250
	number-of-nodes = 3
	mac.1 = 52:54:00:12:00:01
	mac.2 = 52:54:00:12:00:02
	mac.3 = 52:54:00:12:00:03
	ssh-key = ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtest admin
	END
}

# refuses MESSAGE LINE...: the good file and these lines is refused so.
refuses() {
  local message=$1
  shift
  { good; printf '%s\n' "$@"; } >"$file"
  check "$message"
}

# refuses_without KEY MESSAGE
refuses_without() {
  good | grep -v "^$1 " >"$file"
  check "$2"
}

# Both ways in refuse the same: --check and the installation itself.
check() {
  run "$install" --check "$file"
  expect_refused "$1"
  run "$install" --answers "$file"
  expect_refused "$1"
  expect_stderr_line 'byre-install: failed: '
  expect_stderr_line '(nothing on the SAN was changed)'
}

test_case 'unknown key' refuses "$file:9: root-password: unknown key" 'root-password = secret'
test_case 'key with a capital letter' refuses "$file:9: 'Storage-ip' is no key" 'Storage-ip = 1.2.3.4'
test_case 'line without =' refuses "$file:9: no '=' in 'hello'" 'hello'
test_case 'key given twice' refuses "$file:9: storage-ip: given twice" 'storage-ip = 192.168.0.251'
test_case 'MAC given twice' refuses "$file:9: mac.1: given twice" 'mac.1 = 52:54:00:12:00:09'
test_case 'address with a number above 255' refuses "meta-master-ip: '192.168.0.256' is no IPv4 address" 'meta-master-ip = 192.168.0.256'
test_case 'address with three numbers' refuses "'192.168.1' is no IPv4 address" 'meta-master-ip = 192.168.1'
test_case 'address of a loopback' refuses 'is no address of a host' 'meta-master-ip = 127.0.0.1'
test_case 'netmask with a hole' refuses "'255.0.255.0' is no netmask" 'storage-netmask = 255.0.255.0'
test_case 'port 0' refuses "storage-port: '0' is not a number from 1 to 65535" 'storage-port = 0'
test_case 'size with a unit' refuses "volume-size: '5G' is not a number" 'volume-size = 5G'
test_case 'negative size' refuses "swap-size: '-1' is not a number" 'swap-size = -1'
test_case 'tiny store' refuses 'store-size: less than 64 MiB' 'store-size = 63'
test_case 'neither yes nor no' refuses "unattended: 'maybe' is neither yes nor no" 'unattended = maybe'
test_case 'unknown choice' refuses "connection-kind: 'wifi' is none of ethernet, infiniband" 'connection-kind = wifi'
test_case 'distribution that climbs' refuses "base-distribution: given twice" 'base-distribution = ../../etc'
test_case 'container name that is no label' refuses "container-name: 'a/b' is no name" 'container-name = a/b'
test_case 'container name with a capital' refuses "container-name: 'Debian' is no name" 'container-name = Debian'
test_case 'container name too long' refuses 'container-name: ' "container-name = $(printf 'a%.0s' {1..30})"
test_case 'domain that is none' refuses "domain: 'a..b' is no domain name" 'domain = a..b'
test_case 'root password in clear' refuses 'root-password-hash: ' 'root-password-hash = secret'
test_case 'ssh key that is none' refuses "ssh-key: 'hello' does not begin like a public key" 'ssh-key = hello'

test_case 'no storage-ip' refuses_without storage-ip "$file: storage-ip: missing"
test_case 'no number-of-nodes' refuses_without number-of-nodes "$file: number-of-nodes: missing"
test_case 'too few MACs' refuses_without mac.3 "$file: mac.3: missing: number-of-nodes is 3"
test_case 'a gap in the MACs' refuses_without mac.2 "$file: mac.2: missing: number-of-nodes is 3"
test_case 'too many MACs' refuses "mac.4: number-of-nodes is only 3" 'mac.4 = 52:54:00:12:00:04'
test_case 'MAC of node 0' refuses 'mac.0: write mac.N' 'mac.0 = 52:54:00:12:00:04'

doubled_mac() {
  good | sed 's/52:54:00:12:00:03/52:54:00:12:00:01/' >"$file"
  check 'mac.3: 52:54:00:12:00:01 is mac.1 too'
}
multicast_mac() {
  good | sed 's/52:54:00:12:00:03/01:54:00:12:00:03/' >"$file"
  check 'is no MAC address of one machine'
}
test_case 'doubled MAC' doubled_mac
test_case 'multicast MAC' multicast_mac

test_case 'meta-master outside the network' refuses 'meta-master-ip: 192.168.1.253 lies outside the network 192.168.0.0/255.255.255.0' 'meta-master-ip = 192.168.1.253'
test_case 'nodes run into the SAN' refuses 'both would have 192.168.0.250' 'first-node-ip-netboot-netstorage = 192.168.0.248' 'primary-gateway-local-ip = 192.168.0.248' 'backup-gateway-local-ip = 192.168.0.249'
test_case 'nodes run out of the network' refuses 'number-of-nodes: last ' 'first-node-ip-netboot-netstorage = 192.168.0.254'
test_case 'meta-master is the SAN' refuses 'both would have 192.168.0.250' 'meta-master-ip = 192.168.0.250'
test_case 'spare address is a node' refuses 'both would have 192.168.0.2' 'spare-local-ip = 192.168.0.2'
test_case 'network address' refuses 'broadcast address' 'meta-master-ip = 192.168.0.0'
test_case 'gateway that is no node' refuses 'primary-gateway-local-ip: 192.168.0.77 ' 'primary-gateway-local-ip = 192.168.0.77'
test_case 'both gateways the same' refuses "backup-gateway-local-ip: 192.168.0.1 is the primary gateway's too" 'backup-gateway-local-ip = 192.168.0.1'

nul_bytes() {
  { good; printf 'domain = a\0b\n'; } >"$file"
  check 'a NUL byte is in it'
}
control_bytes() {
  { good; printf 'iscsi-target = a\033[2Jb\n'; } >"$file"
  check 'control characters are not allowed'
}
control_bytes_in_a_key() {
  { good; printf 'k\033[2J = b\n'; } >"$file"
  check 'is no key'
}
huge_file() {
  { good; head -c 2000000 /dev/zero | tr '\0' '#'; } >"$file"
  check 'larger than 1024 KiB: not an answers file'
}
empty_file() {
  : >"$file"
  check 'missing: it has no default'
}
random_bytes() {
  head -c 4096 /dev/urandom >"$file"
  run "$install" --check "$file"
  expect_refused "$file"
}
no_file() {
  run "$install" --check "$WORK/none"
  expect_refused "$WORK/none: No such file or directory"
}
folder() {
  run "$install" --check "$WORK"
  expect_refused "$WORK: Is a directory"
}
test_case 'NUL bytes' nul_bytes
test_case 'control bytes in a value' control_bytes
test_case 'control bytes in a key' control_bytes_in_a_key
test_case 'huge file' huge_file
test_case 'empty file' empty_file
test_case 'random bytes' random_bytes
test_case 'no such file' no_file
test_case 'a folder' folder

complete() {
  good >"$file"
  run "$install" --check "$file"
  expect_status 0
  expect_no_stderr
  expect_stdout 'meta-master-ip = 192.168.0.253'
  expect_stdout 'container-name = debian12'
  expect_stdout 'volume-size = 5120'
  expect_stdout 'mac.3 = 52:54:00:12:00:03'
  expect_stdout 'ssh-key = ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtest admin'
}
reads_its_own_output() {
  good >"$file"
  "$install" --check "$file" >"$WORK/one"
  run "$install" --check "$WORK/one"
  expect_status 0
  cmp -s "$WORK/one" "$WORK/out" || problem 'what was printed reads back differently'
}
as_json() {
  command -v jq >/dev/null || { skip 'no jq'; return; }
  good >"$file"
  run "$install" --check "$file" --json
  expect_status 0
  [ "$(jq -r '."number-of-nodes", .mac[2]' "$WORK/out" 2>&1 | paste -sd' ')" = '3 52:54:00:12:00:03' ] || problem "other JSON than expected"
}
all_two_thousand() {
  {
    printf 'storage-ip = 10.1.255.250\nstorage-netmask = 255.255.0.0\nnumber-of-nodes = 2000\nfirst-node-ip-netboot-netstorage = 10.1.0.1\n'
    printf 'primary-gateway-local-ip = 10.1.0.1\nbackup-gateway-local-ip = 10.1.0.2\nmeta-master-ip = 10.1.255.253\nspare-local-ip = 10.1.255.253\n'
    for ((i = 1; i <= 2000; i++)); do printf 'mac.%d = 52:54:00:12:%02x:%02x\n' "$i" $((i / 256)) $((i % 256)); done
  } >"$file"
  run "$install" --check "$file"
  expect_status 0
  expect_stdout 'mac.2000 = 52:54:00:12:07:d0'
}
restart_needs_an_installation() {
  good >"$file"
  run "$install" --restart
  expect_status 2
  expect_stderr_line '--restart is for an installation'
  run "$install" --restart --answers "$file" --dry-run
  expect_status 2
  expect_no_stdout
}
test_case 'defaults are filled in' complete
test_case '--restart is for an installation' restart_needs_an_installation
test_case 'what is printed reads back' reads_its_own_output
test_case 'as JSON' as_json
test_case '2000 nodes' all_two_thousand

# Its answers are checked for anybody, as --check does.
others_than_root_are_told() {
  command -v setpriv >/dev/null && [ "$(id -u)" = 0 ] || { skip 'not root'; return; }
  good >"$file"
  chmod 755 "$WORK" && chmod 644 "$file" && cp "$install" "$WORK/byre-install"
  run setpriv --reuid 65534 --regid 65534 --clear-groups "$WORK/byre-install" --answers "$file"
  expect_refused 'only root can install'
}
test_case 'not root' others_than_root_are_told
