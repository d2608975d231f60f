#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The way out: one of the nodes has the spare local address and the public one, and another takes them over. The client is a machine of the cluster whose
# default route is the spare address; the world is beyond a router.
NODES=4
. "$(dirname "$0")/cluster.sh"
SPARE=192.168.0.253 PUBLIC=198.51.100.2 WORLD=198.51.100.1
OUTSIDE=byre-o-$$

in_world() { ip netns exec "$OUTSIDE" "$@"; }
outside_up() {
  local n
  ip netns add "$OUTSIDE"
  ip -n "$OUTSIDE" link add br0 type bridge
  ip -n "$OUTSIDE" link set br0 up
  ip -n "$OUTSIDE" address add $WORLD/24 dev br0
  for n in $(seq "$NODES"); do
    ip -n "$OUTSIDE" link add "v$n" type veth peer name eth1 netns "$(ns "$n")"
    ip -n "$OUTSIDE" link set "v$n" master br0 up
    ip -n "$(ns "$n")" link set eth1 up
  done
  ip -n "$CLIENT" address add 192.168.0.100/24 dev eth0
  ip -n "$CLIENT" route add default via $SPARE
}
trap 'ip netns del "$OUTSIDE" 2>/dev/null; cluster_down' EXIT

has() { ip -n "$(ns "$1")" -4 -o address show | grep -q " $SPARE/24 .* valid_lft [0-9]*sec" && ip -n "$(ns "$1")" -4 -o address show eth1 | grep -q " $PUBLIC/24 "; }
has_none() { ! ip -n "$(ns "$1")" -4 -o address show | grep -q " $SPARE/\| $PUBLIC/"; }
# only_has N NODE...: of the nodes, N alone has the addresses.
only_has() {
  local n one=$1
  shift
  has "$one" || return 1
  for n; do [ "$n" = "$one" ] || has_none "$n" || return 1; done
}
# one_of HOLDERS NODE...: one of the holders has the addresses, and no other of the nodes.
one_of() {
  local holder holders=$1
  shift
  for holder in $holders; do ! only_has "$holder" "$@" || return 0; done
  return 1
}

able() { [ "$(on "$1" "$BIN/metamasterctl" gateway --json | jq .able)" = true ]; }
way_out() { in_client busybox ping -c 1 -W 1 $WORLD; }
known_as() { [ "$(ip -n "$1" neigh show "$2" | sed -n 's/.*lladdr \([^ ]*\).*/\1/p')" = "$(ip -n "$(ns "$3")" -o link show "$4" | sed 's/.*ether \([^ ]*\).*/\1/')" ]; }

a_candidate_has_it() {
  with_nodes 4 ".settings |= . + {\"spare-local-ip\": \"$SPARE\", \"public-ip\": \"$PUBLIC\", \"public-router\": \"$WORLD\", \"primary-gateway-local-ip\": \"192.168.0.3\",
    \"backup-gateway-local-ip\": \"192.168.0.1\"}" >/dev/null
  meta_up 1 2 3 4
  wait_for 20 one_of '3 1 2 4' 1 2 3 4 || problem "no node has it: $(tail -n 2 "$WORK"/?/log)"
  has 3 || on 1 "$BIN/metamasterctl" gateway move 3 || problem 'it cannot be moved' # another was up before the primary
  wait_for 5 only_has 3 1 2 3 4 || problem "node 3 does not have it: $(tail -n 2 "$WORK"/?/log)"
  wait_for 5 way_out || problem 'no way out'
  in_world ip neigh flush all
  way_out >"$WORK/out" || problem 'no way out'
  ! in_world busybox ping -c 1 -W 1 192.168.0.100 >/dev/null 2>&1 || problem 'a way in'
  run on 2 "$BIN/metamasterctl" gateway
  expect_stdout "node3 has $SPARE and $PUBLIC"
  ip -n "$(ns 3)" route | grep -q "^default via $WORLD dev eth1 .*metric 10" || problem 'the owner has no way out of its own'
}

it_can_be_moved() {
  run on 4 "$BIN/metamasterctl" gateway move 2
  expect_status 0
  expect_no_stdout
  wait_for 5 only_has 2 1 2 3 4 || problem 'node 2 does not have it'
  way_out >"$WORK/out" || problem 'no way out'
  wait_for 3 known_as "$CLIENT" $SPARE 2 eth0 || problem "the client's cache: $(ip -n "$CLIENT" neigh)"
  wait_for 3 known_as "$OUTSIDE" $PUBLIC 2 eth1 || problem "the world's cache: $(ip -n "$OUTSIDE" neigh)"
  run on 4 "$BIN/metamasterctl" gateway move 2
  expect_refused 'that node has it already'
  run on 4 "$BIN/metamasterctl" gateway move 7
  expect_refused 'that node is no candidate'
  run on 4 "$BIN/metamasterctl" gateway move x
  expect_refused "'x' is no number of a node"
}

# flows N SECONDS: so many connections of the client say something to the world, and hear it again, for so long. $WORK/flows/I is there when one is at
# work, and says "whole" when it came to its end.
flows() {
  local i
  mkdir -p "$WORK/flows"
  for i in $(seq "$1"); do
    in_client timeout $(($2 + 20)) bash -c "exec 3<>/dev/tcp/$WORLD/7; end=\$((SECONDS + $2)) n=0
      while [ \$SECONDS -lt \$end ]; do
        echo \$SECONDS >&3; read -r -t 10 back <&3 || exit 1
        n=\$((n + 1)); [ \$n != 3 ] || touch '$WORK/flows/$i'; sleep 0.2
      done; echo whole >'$WORK/flows/$i'" 2>/dev/null &
  done
}
flow_count() { [ "$(find "$WORK/flows" -type f | wc -l)" = "$1" ]; }
whole() { grep -lx whole "$WORK"/flows/* 2>/dev/null | wc -l; }
world_listens() { in_world ss -ltn | grep -q ':7 '; }

connections_survive_a_dead_owner() {
  ip netns exec "$OUTSIDE" socat TCP-LISTEN:7,fork,reuseaddr,backlog=100 EXEC:cat &
  disown $!
  wait_for 5 world_listens || problem 'nobody listens'
  flows 100 10
  wait_for 15 flow_count 100 || problem 'not all connections were made'
  machine_dies 2
  ip -n "$(ns 2)" address flush dev eth1
  ip -n "$(ns 2)" address del $SPARE/24 dev eth0
  wait
  [ "$(whole)" = 100 ] || problem "$(whole) of 100 connections survived"
  meta_up 2
  wait_for 10 all_see 4 1 2 3 4 || problem 'node 2 does not come back'
  run on 4 "$BIN/metamasterctl" gateway move 2
  wait_for 5 only_has 2 1 2 3 4 || problem 'node 2 does not have it'
}

a_dead_owner_is_replaced() {
  machine_dies 2
  ip -n "$(ns 2)" address flush dev eth1
  ip -n "$(ns 2)" address del $SPARE/24 dev eth0
  wait_for 5 only_has 3 1 3 4 || problem 'node 3 does not have it'
  way_out >"$WORK/out" || problem 'no way out'
  wait_for 3 known_as "$CLIENT" $SPARE 3 eth0 || problem "the client's cache: $(ip -n "$CLIENT" neigh)"
  meta_up 2
  wait_for 10 all_see 4 1 2 3 4
  only_has 3 1 2 3 4 || problem 'it moved without need'
}

who_stops_hands_over() {
  kill -TERM "$(cat "$WORK/3/pid")"
  wait_for 5 only_has 1 1 2 3 4 || problem 'node 1 does not have it'
  way_out >"$WORK/out" || problem 'no way out'
  meta_up 3
  wait_for 10 all_see 4 1 2 3 4 || problem 'node 3 does not come back'
}

who_loses_its_way_out_hands_over() {
  ip -n "$OUTSIDE" link set v1 down
  wait_for 5 only_has 3 1 2 3 4 || problem 'node 3 does not have it'
  wait_for 3 way_out || problem 'no way out'
  ip -n "$OUTSIDE" link set v1 up
  wait_for 5 able 1 || problem 'its way out is back, and it does not notice'
}

# A metamaster that stands still renews nothing: the kernel takes the addresses from it.
a_stopped_owner_loses_them() {
  local pids
  pids="$(cat "$WORK/3/pid") $(pgrep -P "$(cat "$WORK/3/pid")" -f metamaster-member)"
  # shellcheck disable=SC2086 # numbers
  kill -STOP $pids
  run on 3 "$BIN/metamasterctl" status
  expect_refused "metamaster does not answer"
  wait_for 5 has 1 || problem 'node 1 does not have it'
  wait_for 20 only_has 1 1 2 3 4 || problem 'node 3 has it still'
  wait_for 3 way_out || problem 'no way out'
  # shellcheck disable=SC2086
  kill -CONT $pids
  wait_for 10 all_see 4 1 2 3 4 || problem 'node 3 does not come back'
  only_has 1 1 2 3 4 || problem 'node 3 took it back'
}

two_owners_become_one() {
  cut_off 1
  wait_for 5 has 3 || problem 'node 3 does not have it'
  has 1 || problem 'node 1, alone, has it no more'
  heal 1
  wait_for 5 only_has 3 1 2 3 4 || problem 'both have it'
  wait_for 3 way_out || problem 'no way out'
  wait_for 3 known_as "$CLIENT" $SPARE 3 eth0 || problem "the client's cache: $(ip -n "$CLIENT" neigh)"
}

# Who sees the new state first may take it.
a_removed_node_lets_go() {
  jq -c '.nodes |= map(select(.number != 3)) | .volumes |= map(select(.node != 3))' "$WORK/document.json" >"$WORK/less.json"
  "$TOP/build/tests/state-file" "$WORK/area" "$WORK/less.json" >/dev/null || problem 'publishing failed'
  wait_for 10 one_of '1 2 4' 1 2 3 4 || problem 'no other node has it, or node 3 has'
  wait_for 3 way_out || problem 'no way out'
}

make_images
cluster_up
outside_up
test_case 'a candidate has it' a_candidate_has_it
test_case 'it can be moved' it_can_be_moved
test_case 'connections survive a dead owner' connections_survive_a_dead_owner
test_case 'a dead owner is replaced' a_dead_owner_is_replaced
test_case 'who stops hands over' who_stops_hands_over
test_case 'who loses its way out hands over' who_loses_its_way_out_hands_over
test_case 'a stopped owner loses them' a_stopped_owner_loses_them
test_case 'two owners become one' two_owners_become_one
test_case 'a removed node lets go' a_removed_node_lets_go
