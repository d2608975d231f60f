#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Nodes that share two networks, one for booting and one for the SAN: each of them is enough to know who lives.
# shellcheck disable=SC2034 # cluster.sh's
NODES=3
. "$(dirname "$0")/cluster.sh"
STORAGE=byre-x-$$
trap 'ip netns del "$STORAGE" 2>/dev/null; cluster_down' EXIT

storage_up() {
  local n
  ip netns add "$STORAGE"
  ip -n "$STORAGE" link add br0 type bridge
  ip -n "$STORAGE" link set br0 up
  for n in 1 2 3; do
    ip -n "$STORAGE" link add "v$n" type veth peer name eth1 netns "$(ns "$n")"
    ip -n "$STORAGE" link set "v$n" master br0 up
    ip -n "$(ns "$n")" address add "10.0.0.$n/24" dev eth1
    ip -n "$(ns "$n")" link set eth1 up
  done
}
cut_storage() { ip -n "$STORAGE" link set "v$1" nomaster; }
heal_storage() { ip -n "$STORAGE" link set "v$1" master br0; }
# peer N FILTER: so node 1 knows node N; a silence without end counts as very long.
peer() { on 1 "$BIN/metamasterctl" peers --json | jq -e ".peers[$1 - 1] | (.boot_silence_ms, .storage_silence_ms) |= (. // 1e9) | $2" >/dev/null; }

both_are_used() {
  with_nodes 3 '.nodes |= map(.storage_ip = "10.0.0.\(.number)") | .settings."first-node-ip-netstorage" = "10.0.0.1" | .settings."storage-ip" = "10.0.0.250"
    | .settings |= . + {"primary-gateway-local-ip": "192.168.0.1", "backup-gateway-local-ip": "192.168.0.2"}' >/dev/null
  meta_up 1 2 3
  wait_for 20 all_see 3 1 2 3 || problem "$(tail -n 3 "$WORK"/?/log)"
  wait_for 5 peer 2 '.boot_silence_ms < 2000 and .storage_silence_ms < 2000' || problem "$(on 1 "$BIN/metamasterctl" peers)"
}

# stays UNTIL: all see all, as long as it takes until node 2 was not heard on that network for three seconds.
stays() { wait_for 10 peer 2 "$1 > 3000" && all_see 3 1 2 3 && peer 2 .alive && peer 3 .alive; }

without_the_boot_network() {
  cut_off 2
  stays .boot_silence_ms || problem "$(on 1 "$BIN/metamasterctl" peers)"
  heal 2
  wait_for 5 peer 2 '.boot_silence_ms < 1000' || problem 'the boot network is not used again'
}

without_the_storage_network() {
  cut_storage 2
  stays .storage_silence_ms || problem "$(on 1 "$BIN/metamasterctl" peers)"
  heal_storage 2
  wait_for 5 peer 2 '.storage_silence_ms < 1000' || problem 'the storage network is not used again'
}

without_both() {
  cut_off 2
  cut_storage 2
  wait_for 10 all_see 2 1 3 || problem 'node 2 is still taken for alive'
  wait_for 10 sees 2 1 || problem 'node 2 takes others for alive'
  heal_storage 2
  wait_for 10 all_see 3 1 2 3 || problem 'one network is back, and they do not see each other'
  heal 2
}

# A machine whose second network comes up after metamaster: it waits, and says for what.
a_network_may_be_late() {
  machine_dies 3
  ip -n "$(ns 3)" address flush dev eth1
  wait_for 10 all_see 2 1 2 || problem 'node 3 is still taken for alive'
  : >"$WORK/3/log"
  meta_up 3
  wait_for 10 grep -q 'heartbeats: no interface has 10.0.0.3' "$WORK/3/log" || problem "it does not say what it waits for: $(cat "$WORK/3/log")"
  ip -n "$(ns 3)" address add 10.0.0.3/24 dev eth1
  wait_for 10 all_see 3 1 2 3 || problem "it does not join: $(cat "$WORK/3/log")"
}

make_images
cluster_up
storage_up
test_case 'both are used' both_are_used
test_case 'without the boot network' without_the_boot_network
test_case 'without the storage network' without_the_storage_network
test_case 'without both' without_both
test_case 'a network may be late' a_network_may_be_late
