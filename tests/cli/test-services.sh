#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# byre-services with a root of its own, and the front door 'byre'.
. "$(dirname "$0")/lib.sh"
STATE=$TOP/tests/unit/data/three-nodes.json
ROOT=$WORK/root

fresh_root() {
  rm -rf "$ROOT"
  mkdir -p "$ROOT/etc"
  printf 'daemon:*:19000:0:99999:7:::\nroot:!:19001:0:99999:7:::\nuser:$y$x:19002::::::\n' >"$ROOT/etc/shadow"
  chmod 640 "$ROOT/etc/shadow"
}
services() { run "$BIN/byre-services" "$1" --root "$ROOT" --state "${DOCUMENT:-$STATE}" "${@:2}"; }

apply_writes_once() {
  fresh_root
  services apply --node 2
  expect_status 0
  expect_stdout 'wrote /etc/hosts'
  [ "$(cat "$ROOT/etc/hostname")" = node2 ] || problem 'not its host name'
  [ "$(stat -c %a "$ROOT/etc/ssh/ssh_host_ed25519_key")" = 600 ] || problem 'the host key can be read by others'
  services apply --node 2
  expect_status 0
  expect_no_stdout
}

password_is_one_field() {
  fresh_root
  jq -c '.settings."root-password-hash" = "$6$salt$hash/."' "$STATE" >"$WORK/state.json"
  DOCUMENT=$WORK/state.json services apply --node 1
  expect_status 0
  expect_stdout "wrote root's password"
  printf 'daemon:*:19000:0:99999:7:::\nroot:$6$salt$hash/.:19001:0:99999:7:::\nuser:$y$x:19002::::::\n' | cmp -s - "$ROOT/etc/shadow" || problem "shadow is: $(cat "$ROOT/etc/shadow")"
  [ "$(stat -c %a "$ROOT/etc/shadow")" = 640 ] || problem 'its mode has changed'
  [ "$(find "$ROOT/etc" -name '.*byre*' | wc -l)" = 0 ] || problem 'something is left beside it'
  services apply --node 1
  grep -q '^root:\*:19001:' "$ROOT/etc/shadow" || problem 'without a hash a password still logs in'
}

dry_run_writes_nothing() {
  fresh_root
  services apply --node 2 --dry-run
  expect_status 0
  expect_stdout 'would write /etc/hosts'
  services render --node 2 --check
  expect_status 1
  [ "$(find "$ROOT" -type f | wc -l)" = 1 ] || problem 'it wrote'
}

wrong_is_refused() {
  fresh_root
  services apply --node 9
  expect_refused 'node 9 is not in the state'
  services render
  expect_status 2
  expect_stderr_line '--node N'
  DOCUMENT=/etc/passwd services apply --node 1
  expect_refused 'document: line 1'
  DOCUMENT=$WORK/none services apply --node 1
  expect_refused 'No such file'
  services apply --node 1 --root "$WORK/none"
  expect_refused "$WORK/none"
  rm "$ROOT/etc/shadow"
  services apply --node 1
  expect_status 1
  expect_stderr_line 'shadow'
  [ -s "$ROOT/etc/hosts" ] || problem 'the other steps were not done'
}

lists() {
  run "$BIN/byre-services" list --json
  expect_status 0
  jq -e '.services | length >= 6 and (map(select(.service == "dhcp"))[0].class == "active")' "$WORK/out" >/dev/null || problem 'not the table'
}

front_door() {
  export BYRE_LIBEXEC=$BIN
  run "$BIN/byre" --help
  expect_status 0
  expect_stdout 'status         shows the nodes'
  run "$BIN/byre" services list
  expect_status 0
  expect_stdout 'dnsmasq-base'
  run "$BIN/byre" dance
  expect_status 2
  expect_stderr_line "no such verb: dance: Try 'byre --help'"
  run "$BIN/byre" ../etc
  expect_status 2
  expect_stderr_line 'a verb is made of'
  run "$BIN/byre"
  expect_status 2
  expect_stderr_line 'a verb is missing'
  unset BYRE_LIBEXEC
}

test_case 'apply writes what differs, once' apply_writes_once
test_case "root's password is one field" password_is_one_field
test_case 'a dry run writes nothing, and --check fails' dry_run_writes_nothing
test_case 'wrong input is refused in one line' wrong_is_refused
test_case 'list' lists
test_case 'byre finds its verbs' front_door
