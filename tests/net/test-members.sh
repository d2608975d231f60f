#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Several metamasters on one network: they know each other, share the clients that boot, and tell each other the news.
# shellcheck disable=SC2034 # cluster.sh's
NODES=5
. "$(dirname "$0")/cluster.sh"
MACS=$(printf '52:54:00:00:00:%02d ' $(seq 1 40))

each_has_servers() {
  local mac count=$1 servers
  shift
  for mac in $MACS; do
    servers=$(answering "$mac" "$@" | wc -l)
    [ "$servers" = "$count" ] || return 1
  done
}

they_find_each_other() {
  with_nodes 40 >/dev/null
  meta_up 1 2 3 4 5
  wait_for 20 all_see 5 1 2 3 4 5 || problem "$(tail -n 3 "$WORK"/?/log)"
}

three_answer_each_client() {
  wait_for 5 each_has_servers 3 1 2 3 4 5 || problem 'not each client has three servers'
  client 52:54:00:00:00:33
  dhcp || problem 'no lease'
  grep -qx ip=192.168.0.33 "$WORK/lease" || problem "$(cat "$WORK/lease")"
}

it_can_be_asked() {
  run on 2 "$BIN/metamasterctl" peers --json
  expect_status 0
  jq -e '[.peers[] | select(.alive) | .number] == [1, 2, 3, 4, 5] and (.peers | length) == 40 and .peers[0].boot_silence_ms < 60000 and
    .peers[0].storage_silence_ms == null and .peers[39].silence_ms == null and .peers[39].name == "node40"' "$WORK/out" >/dev/null ||
    problem "$(jq -c '[.peers[0], .peers[39]]' "$WORK/out")"
  run on 2 "$BIN/metamasterctl" peers
  expect_stdout 'node5'
  run on 2 "$BIN/metamasterctl" status --json
  jq -e '.node == 2 and .name == "node2" and .live == 5 and .nodes == 40 and .generation == 1 and .interface == "eth0"' "$WORK/out" >/dev/null || problem "$(cat "$WORK/out")"
  run on 2 setpriv --reuid=65534 --clear-groups "$BIN/metamasterctl" status
  expect_refused 'only root may ask metamaster'
  run in_client "$BIN/metamasterctl" status
  expect_refused 'metamaster does not run here'
}

a_machine_that_dies_leaves_its_clients_to_others() {
  local mac=52:54:00:00:00:34 first
  first=$(answering $mac 1 2 3 4 5 | head -n 1)
  machine_dies "$first"
  local left
  # shellcheck disable=SC2207 # numbers
  left=($(seq 5 | grep -vx "$first"))
  wait_for 10 all_see 4 "${left[@]}" || problem 'its death is not seen'
  grep -q "node$first is not heard of any more" "$WORK/${left[0]}/log" || problem 'its death is not told'
  wait_for 5 each_has_servers 3 "${left[@]}" || problem 'not each client has three servers'
  client $mac
  dhcp || problem 'no lease'
  meta_up "$first"
  wait_for 10 all_see 5 1 2 3 4 5 || problem 'its return is not seen'
  wait_for 5 each_has_servers 3 1 2 3 4 5 || problem 'not each client has three servers afterwards'
}

who_is_alone_answers_all() {
  local n
  for n in 2 3 4 5; do cut_off $n; done
  wait_for 10 sees 1 1 || problem 'node 1 does not notice'
  wait_for 5 each_has_servers 1 1 || problem 'node 1 does not answer all'
  wait_for 10 sees 4 1 || problem 'node 4 does not notice'
  client 52:54:00:00:00:07
  dhcp || problem 'no lease'
  for n in 2 3 4 5; do heal $n; done
  wait_for 10 all_see 5 1 2 3 4 5 || problem 'the network healed, and they do not see each other'
}

its_death_is_mended() {
  local old
  old=$(pgrep -P "$(cat "$WORK/3/pid")" -f metamaster-member)
  kill -KILL "$old"
  wait_for 5 grep -q 'metamaster-member was ended by signal 9' "$WORK/3/log" || problem 'it is not told'
  wait_for 10 all_see 5 1 2 3 4 5 || problem 'it does not come back'
}

a_stopped_one_is_out_and_comes_back() {
  local pid
  pid=$(pgrep -P "$(cat "$WORK/2/pid")" -f metamaster-member)
  kill -STOP "$pid"
  wait_for 10 all_see 4 1 3 4 5 || problem 'it is still taken for alive'
  kill -CONT "$pid"
  wait_for 10 all_see 5 1 3 4 5 || problem 'it does not come back'
  sees 2 5 || problem 'it took others for dead'
}

a_node_that_is_removed_is_out() {
  with_nodes 4 >/dev/null
  wait_for 10 all_see 4 1 2 3 4 || problem 'node 5 is still among them'
  with_nodes 40 >/dev/null
  wait_for 10 all_see 5 1 2 3 4 || problem 'node 5 is not among them again'
}

with_a_wrong_key_nobody_is_heard() {
  machine_dies 5
  wait_for 10 all_see 4 1 2 3 4 || problem 'node 5 is still taken for alive'
  jq -c '.key = ("00" * 32)' "$WORK/document.json" >"$WORK/wrong.json"
  "$TOP/build/tests/state-file" "$WORK/wrong" "$WORK/wrong.json" >/dev/null
  mv "$WORK/area" "$WORK/right" && mv "$WORK/wrong" "$WORK/area"
  : >"$WORK/5/log"
  meta_up 5
  wait_for 10 sees 5 1 || problem 'node 5 does not start'
  mv "$WORK/area" "$WORK/wrong" && mv "$WORK/right" "$WORK/area"
  ! wait_for 3 sees 1 5 || problem 'node 1 hears it'
  sees 5 1 || problem 'it hears the others'
}

make_images
cluster_up
test_case 'they find each other' they_find_each_other
test_case 'three answer each client' three_answer_each_client
test_case 'it can be asked' it_can_be_asked
test_case 'a machine that dies leaves its clients to others' a_machine_that_dies_leaves_its_clients_to_others
test_case 'who is alone answers all' who_is_alone_answers_all
test_case 'its death is mended' its_death_is_mended
test_case 'a stopped one is out and comes back' a_stopped_one_is_out_and_comes_back
test_case 'a node that is removed is out' a_node_that_is_removed_is_out
test_case 'with a wrong key nobody is heard' with_a_wrong_key_nobody_is_heard
