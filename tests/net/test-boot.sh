#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# metamaster in a namespace serves real DHCP, TFTP, DNS and HTTP clients, follows the state, and keeps its servers running.
. "$(dirname "$0")/lib.sh"
URL=http://192.168.0.1:8069
NODE2=52:54:00:00:00:02
STRANGER=52:54:00:99:99:99

# fetch PATH [CURL-OPTION...]: leaves the body in $WORK/body and the status in $CODE.
fetch() {
  local path=$1
  shift
  COMMAND="GET $path $*"
  CODE=$(in_client curl -s --path-as-is -m 10 -o "$WORK/body" -w '%{http_code}' "$@" "$URL$path" 2>"$WORK/err")
}
expect_code() { [ "$CODE" = "$1" ] || problem "status $CODE, expected $1"; }
expect_lease() { grep -qx -- "$1" "$WORK/lease" || problem "the lease lacks '$1': $(paste -sd' ' "$WORK/lease" 2>/dev/null)"; }

starts() {
  publish >"$WORK/out" || problem 'publishing failed'
  start_metamaster --dnsmasq "$WORK/dnsmasq"
  serving 1 || problem "it does not serve: $(cat "$WORK/log")"
}

gives_its_address() {
  client $NODE2
  dhcp || problem 'no lease'
  expect_lease ip=192.168.0.2
  expect_lease mask=24
  expect_lease boot_file=lpxelinux.0
  expect_lease siaddr=192.168.0.1
  expect_lease "pxepathprefix=$URL/"
  ! grep -q '^router=' "$WORK/lease" || problem 'the lease has a router'
}

tftp_gives_the_loader() {
  run in_client sh -c "cd '$WORK' && busybox tftp -g -r lpxelinux.0 -l loader 192.168.0.1"
  expect_status 0
  cmp -s "$WORK/loader" /usr/lib/PXELINUX/lpxelinux.0 || problem 'not the loader'
  local path
  for path in ../dnsmasq.conf ../http/ldlinux.c32 pxelinux.cfg/01-52-54-00-00-00-02; do
    run in_client sh -c "cd '$WORK' && timeout 3 busybox tftp -g -r $path -l other 192.168.0.1"
    [ "$STATUS" != 0 ] || problem "TFTP served it"
  done
}

http_gives_the_rest() {
  fetch /pxelinux.cfg/01-52-54-00-00-00-02
  expect_code 200
  grep -q "LINUX $URL/images/debian12@1/vmlinuz" "$WORK/body" || problem 'no kernel in it'
  grep -q 'sifip=192.168.0.2 ' "$WORK/body" || problem "not node 2's"
  fetch /ipxe/52-54-00-00-00-02
  expect_code 200
  grep -q "^kernel $URL/images/debian12@1/vmlinuz .* sifip=192.168.0.2 " "$WORK/body" || problem "not node 2's script"
  fetch /ldlinux.c32
  expect_code 200
  cmp -s "$WORK/body" /usr/lib/syslinux/modules/bios/ldlinux.c32 || problem 'not the module'
  fetch '/images/debian12@1/vmlinuz'
  expect_code 200
  cmp -s "$WORK/body" "$WORK/images/debian12@1/boot/vmlinuz" || problem 'not the kernel'
  fetch '/images/debian12%401/initrd'
  expect_code 200
  cmp -s "$WORK/body" "$WORK/images/debian12@1/boot/initrd" || problem 'not the initrd'
}

http_knows_ranges() {
  fetch '/images/debian12@1/initrd' -r 1000-1999
  expect_code 206
  cmp -s "$WORK/body" <(tail -c +1001 "$WORK/images/debian12@1/boot/initrd" | head -c 1000) || problem 'not that part'
  fetch '/images/debian12@1/initrd' -r -100
  expect_code 206
  cmp -s "$WORK/body" <(tail -c 100 "$WORK/images/debian12@1/boot/initrd") || problem 'not the end'
  fetch '/images/debian12@1/initrd' -r 500000-
  expect_code 416
  fetch '/images/debian12@1/initrd' -I
  expect_code 200
  grep -qi '^content-length: 500000' "$WORK/body" || problem 'HEAD does not tell the length'
  fetch /ldlinux.c32 -X POST -d x
  expect_code 405
}

http_gives_nothing_else() {
  local path
  ln -s ../dnsmasq.conf "$WORK/run/http/link"
  ln -sf /etc/passwd "$WORK/images/debian12@1/boot/initrd.abs"
  for path in / // /. /.. /../dnsmasq.conf /%2e%2e/dnsmasq.conf /pxelinux.cfg /pxelinux.cfg/ /pxelinux.cfg/../../dnsmasq.conf /link \
    /images/ '/images/debian12@1' '/images/debian12@1/' '/images/debian12@1/etc/shadow' '/images/debian12@1/boot/vmlinuz' \
    '/images/debian12@1/../debian12@1/vmlinuz' '/images/../vmlinuz' '/images/./vmlinuz' '/images/debian12@2/vmlinuz' '/images//vmlinuz' \
    '/images/debian12@1/vmlinuz/' '/images/debian12@1/initrd.abs' "/$(printf 'a%.0s' {1..5000})"; do
    fetch "$path"
    expect_code 404
  done
}

an_image_cannot_lead_out() {
  mkdir -p "$WORK/images/evil@1/boot"
  echo outside >"$WORK/outside"
  ln -s "$WORK/outside" "$WORK/images/evil@1/boot/vmlinuz"
  ln -s ../../../outside "$WORK/images/evil@1/boot/initrd"
  fetch '/images/evil@1/vmlinuz'
  expect_code 404
  fetch '/images/evil@1/initrd'
  expect_code 404
}

dns_knows_the_nodes() {
  local name
  for name in node3 node3.cluster.internal; do
    run in_client busybox nslookup "$name" 192.168.0.1
    expect_stdout 192.168.0.3
  done
  run in_server busybox nslookup node2.cluster.internal 127.0.0.1
  expect_stdout 192.168.0.2
  run in_client busybox nslookup node9.cluster.internal 192.168.0.1
  grep -q NXDOMAIN "$WORK/out" || problem 'a node that is none has an answer'
}

ipv6_is_advertised() {
  wait_for 15 sh -c "ip -n $CLIENT -6 address show eth0 | grep -q fd77::" || problem 'no address of fd77::/64'
  ! ip -n "$CLIENT" -6 route | grep -q ^default || problem 'a default route was advertised'
}

strangers_get_nothing() {
  client $STRANGER
  ! dhcp || problem 'a lease was given'
  ! dhcp || problem 'a lease was given'
  logged "$STRANGER asks for an address, but is no node's" || problem 'the log does not name the remedy'
  [ "$(grep -c "$STRANGER asks" "$WORK/log")" = 1 ] || problem 'it was not logged just once'
}

listens_nowhere_else() {
  in_server ss -lntuH >"$WORK/sockets"
  awk '{ print $1, $5 }' "$WORK/sockets" | grep -vE '^(udp|tcp) (192\.168\.0\.1|127\.0\.0\.1|\[::1\]|\[f[^]]*\](%br0)?|\[f[^]]*%br0\]):(53|69|8069)$' |
    grep -vE '^udp (0\.0\.0\.0%br0):(67|8068)$' >"$WORK/others"
  [ ! -s "$WORK/others" ] || problem "also: $(paste -sd';' "$WORK/others")"
  ! grep -q '127.0.0.1:8069\|127.0.0.1:69' "$WORK/sockets" || problem 'more than DNS on the loopback interface'
}

servers_are_unprivileged() {
  local name pid
  for name in dnsmasq metamaster-http metamaster-member; do
    pid=$(pid_of $name)
    [ "$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status")" != 0 ] || problem "$name runs as root"
    [ $name = dnsmasq ] || [ "$(awk '/^CapEff:/ { print $2 }' "/proc/$pid/status")" = 0000000000000000 ] || problem "$name has capabilities"
  done
  [ "$(readlink "/proc/$pid/root")" = "$WORK/run/empty" ] || problem 'metamaster-member sees files'
}

is_another() { local now; now=$(pid_of "$1") && [ "$now" != "$2" ]; }

# comes_back NAME: killed, it is there again within the back-off.
comes_back() {
  local old
  old=$(pid_of "$1")
  kill -KILL "$old"
  wait_for 2 is_another "$1" "$old" || problem "$1 is not back after 2 s"
}

dnsmasq_comes_back() {
  comes_back dnsmasq
  client $NODE2
  wait_for 5 dhcp || problem 'no lease afterwards'
}

http_comes_back() {
  comes_back metamaster-http
  sleep 0.3
  fetch /ldlinux.c32
  expect_code 200
}

follows_a_new_node() {
  local before
  before=$(pid_of dnsmasq)
  publish '.nodes += [.nodes[2] + {number: 4, name: "node4", mac: "52:54:00:00:00:04", boot_ip: "192.168.0.4", storage_ip: "192.168.0.4", machine_id: "00000000000000000000000000000004"}]
    | .volumes += [.volumes[3] + {name: "node4.root", node: 4, metadata: [[0, 1774, 2]], data: [[0, 1776, 16]]}]' >/dev/null
  serving 2 || problem 'generation 2 is not served'
  client 52:54:00:00:00:04
  dhcp || problem 'the new node has no lease'
  expect_lease ip=192.168.0.4
  run in_client busybox nslookup node4.cluster.internal 192.168.0.1
  expect_stdout 192.168.0.4
  fetch /pxelinux.cfg/01-52-54-00-00-00-04
  expect_code 200
  fetch /ipxe/52-54-00-00-00-04
  expect_code 200
  [ "$(pid_of dnsmasq)" = "$before" ] || problem 'dnsmasq was restarted for it'
}

forgets_a_removed_node() {
  publish '.nodes |= map(select(.number != 3)) | .volumes |= map(select(.node != 3))' >/dev/null
  serving 3 || problem 'generation 3 is not served'
  fetch /pxelinux.cfg/01-52-54-00-00-00-03
  expect_code 404
  fetch /ipxe/52-54-00-00-00-03
  expect_code 404
  client 52:54:00:00:00:03
  ! dhcp || problem 'the removed node has a lease'
}

refused_is_not_activated() {
  local before
  before=$(pid_of dnsmasq)
  publish '.settings.domain = "poison.internal"' >/dev/null
  wait_for 5 logged 'generation 4: the old configuration stays: dnsmasq refuses' || problem 'it is not told'
  ! grep -q poison "$WORK/run/dnsmasq.conf" || problem 'it was put in place'
  [ "$(pid_of dnsmasq)" = "$before" ] || problem 'dnsmasq was restarted'
  client $NODE2
  dhcp || problem 'no lease'
  publish >/dev/null
  serving 5 || problem 'the next generation is not served'
}

changed_conf_restarts() {
  publish '.settings.domain = "other.internal"' >/dev/null
  serving 6 || problem 'generation 6 is not served'
  run in_client busybox nslookup node2.other.internal 192.168.0.1
  expect_stdout 192.168.0.2
}

damaged_slot_is_told() {
  publish >/dev/null # generation 7, in slot 1
  serving 7 || problem 'generation 7 is not served'
  stop_metamaster
  : >"$WORK/log"
  local at=$((80 * 1024 * 1024 + 4096 + 100))
  dd if="$WORK/area" of="$WORK/bytes" bs=1 skip=$at count=4 status=none
  printf 'XXXX' | dd of="$WORK/area" bs=1 seek=$at conv=notrunc status=none
  start_metamaster
  serving 6 || problem 'the older generation is not served'
  logged 'generation 7 in slot 1 is unusable' || problem 'it is not told'
  sleep 32
  [ "$(grep -c unusable "$WORK/log")" = 1 ] || problem 'it is told again and again'
  [ "$(grep -c 'serving generation 6 ' "$WORK/log")" = 1 ] || problem 'the older generation is news again and again'
  dd if="$WORK/bytes" of="$WORK/area" bs=1 seek=$at conv=notrunc status=none
  serving 7 32 || problem 'the newest is not taken up when it can be read again'
  serving "$(publish)" || problem 'what is published afterwards is not served'
}

status_is_told() {
  run "$BIN/byre-status" --state "$WORK/area" --json
  expect_status 0
  jq -e '.nodes[0] | .number == 1 and .name == "node1" and .state == "up" and .live == "yes" and .generation >= 7 and (.boot_id | length == 36)' \
    "$WORK/out" >"$WORK/jq" || problem "node 1: $(jq -c '.nodes[0]' "$WORK/out")"
  jq -e '.nodes[1] | .state == "unseen" and .generation == null and .private_bytes == null and .address == "192.168.0.2" and .root_volume == "node2.root"' \
    "$WORK/out" >"$WORK/jq" || problem "node 2: $(jq -c '.nodes[1]' "$WORK/out")"
  run "$BIN/byre-status" --state "$WORK/area"
  expect_stdout 'node1'
}

stops_with_all_it_started() {
  stop_metamaster
  wait_for 3 sh -c "! ip netns pids $SERVER | grep -q ." || problem 'something still runs'
  run "$BIN/byre-status" --state "$WORK/area" --json
  jq -e '.nodes[0].state == "left"' "$WORK/out" >/dev/null || problem 'its last word is missing'
}

waits_for_its_address() {
  : >"$WORK/log"
  ip -n "$SERVER" address del 192.168.0.1/24 dev br0
  start_metamaster
  wait_for 5 logged 'no interface has 192.168.0.1' || problem 'it does not say what it waits for'
  ip -n "$SERVER" address add 192.168.0.1/24 dev br0
  wait_for 6 logged 'serving generation' || problem 'it does not go on'
}

net_up
make_images
mkdir "$WORK/byre"
# dnsmasq, but for a word that it refuses.
cat >"$WORK/dnsmasq" <<END
#!/bin/sh
if [ "\$1" = --test ] && grep -q poison "\$3"; then echo "dnsmasq: bad option at line 7 of \$3" >&2; exit 1; fi
exec dnsmasq "\$@"
END
chmod +x "$WORK/dnsmasq"

test_case 'starts from the state' starts
test_case 'a node gets its address and where to go on' gives_its_address
test_case 'TFTP gives the loader and nothing else' tftp_gives_the_loader
test_case 'HTTP gives the configuration, the kernel and the initrd' http_gives_the_rest
test_case 'HTTP knows ranges, HEAD, and no other method' http_knows_ranges
test_case 'HTTP gives nothing else' http_gives_nothing_else
test_case "an image's links do not lead out of it" an_image_cannot_lead_out
test_case 'DNS knows the nodes' dns_knows_the_nodes
test_case 'IPv6 is advertised for iPXE, without a default route' ipv6_is_advertised
test_case 'an unknown machine gets nothing, and is told of once' strangers_get_nothing
test_case 'listens on the boot network and nowhere else' listens_nowhere_else
test_case 'what parses packets is unprivileged' servers_are_unprivileged
test_case 'dnsmasq, killed, comes back' dnsmasq_comes_back
test_case 'the HTTP server, killed, comes back' http_comes_back
test_case 'a new node is served without a restart' follows_a_new_node
test_case 'a removed node is forgotten' forgets_a_removed_node
test_case 'what dnsmasq refuses is not activated' refused_is_not_activated
test_case 'a changed configuration is taken up' changed_conf_restarts
test_case 'a damaged newest state: the older one is used, and told, and the newest looked at again' damaged_slot_is_told
test_case 'byre-status tells what the slots say' status_is_told
test_case 'stops with all that it started, and says so' stops_with_all_it_started
test_case 'waits for its address' waits_for_its_address
