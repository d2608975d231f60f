#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# volmgr on a state area in a file: what it tells, and what it says of a damaged one.
. "$(dirname "$0")/lib.sh"
volmgr=$BIN/volmgr
make -s -C "$TOP" build/tests/try-volmgr || exit 1
area=$WORK/area
mib=1048576

# Three documents were published: generation 3 lies in slot 1, generation 2 in slot 0.
fresh_area() {
  if [ ! -e "$WORK/fresh" ]; then
    sed 's/"generation":1,/"generation":3,/; s/"root-password-hash":""/"root-password-hash":"$6$secret"/' \
      "$TOP/tests/unit/data/three-nodes.json" >"$WORK/document"
    truncate -s 256M "$WORK/fresh"
    "$TOP/build/tests/try-volmgr" "$WORK/fresh" debian12 area "$WORK/document" || problem 'no area was made'
  fi
  cp --sparse=always "$WORK/fresh" "$area"
}

# damage OFFSET: some bytes there are others now.
damage() { printf 'damage' | dd of="$area" bs=1 seek="$1" conv=notrunc 2>/dev/null; }
slot() { echo $((48 * mib + $1 * 32 * mib)); }

lists() {
  fresh_area
  run "$volmgr" --state "$area" list
  expect_status 0
  expect_no_stderr
  expect_stdout 'node3.root     3  root    debian12@1  5.0 GiB     -  1.0 GiB  -'
  command -v jq >/dev/null || return
  run "$volmgr" list --json --state "$area"
  expect_status 0
  [ "$(jq '[.volumes[] | select(.kind == "root") | .store_bytes] | add' "$WORK/out")" = $((3 * 1024 * mib)) ] || problem 'other stores'
}

# The image counts once, whatever the nodes.
adds_up() {
  fresh_area
  run "$volmgr" --state "$area" status --json
  expect_status 0
  command -v jq >/dev/null || { skip 'no jq'; return; }
  [ "$(jq -c '[.state.generation, .state.slot, .totals.image_bytes, .totals.store_bytes, .totals.roots, .totals.roots_known]' "$WORK/out")" = \
    "[3,1,$((1024 * mib)),$((3 * 1032 * mib)),3,0]" ] || problem "other sums: $(jq -c .totals "$WORK/out")"
}

hides_secrets() {
  fresh_area
  run "$volmgr" --state "$area" state show
  expect_status 0
  expect_stdout '"key": "(hidden)"'
  expect_stdout '"root-password-hash": "(hidden)"'
  grep -q '0011223344\|\$6\$secret' "$WORK/out" && problem 'a secret is shown'
  run "$volmgr" --state "$area" state show --secrets
  expect_stdout '"key": "0011223344'
  expect_stdout '"root-password-hash": "$6$secret"'
}

# tells_of OFFSET TEXT: one warning, and the list all the same.
tells_of() {
  fresh_area
  damage "$1"
  for command in list status 'state show'; do
    # shellcheck disable=SC2086 # two words
    run "$volmgr" --state "$area" $command
    expect_status 0
    expect_stderr_line "volmgr: warning: $area: $2"
    [ -s "$WORK/out" ] || problem 'no output'
  done
}

refuses_two_damaged() {
  fresh_area
  damage "$(slot 0)"
  damage $(($(slot 1) + 5000))
  run "$volmgr" --state "$area" list
  expect_refused 'no slot holds a whole document (slot 0 damaged, slot 1 torn'
}

refuses_other_things() {
  head -c 2000000 /dev/zero >"$area"
  run "$volmgr" --state "$area" list
  expect_refused "$area: no state area of byre"
  run "$volmgr" --state "$WORK/none" list
  expect_refused "$WORK/none: No such file or directory"
  : >"$area"
  run "$volmgr" --state "$area" list
  expect_refused "$area: "
}

superblock_has_a_copy() {
  fresh_area
  damage 100
  run "$volmgr" --state "$area" list
  expect_status 0
  damage $((mib + 100))
  run "$volmgr" --state "$area" list
  expect_refused 'both superblocks of the state area are damaged'
}

refuses_what_needs_the_disk() {
  fresh_area
  run "$volmgr" --state "$area" image verify
  expect_refused 'is the whole SAN attached?'
  run "$volmgr" --state "$area" attach --read-only 3
  expect_refused 'is the whole SAN attached?'
  run "$volmgr" --state "$area" attach 3
  expect_status 2
  expect_stderr_line 'only --read-only is possible'
  run "$volmgr" --state "$area" detach nobody
  expect_refused "there is no node 'nobody'"
}

test_case 'list' lists
test_case 'status adds up' adds_up
test_case 'state show hides secrets' hides_secrets
test_case 'newest text damaged' tells_of $(($(slot 1) + 4096 + 1000)) \
  'generation 3 in slot 1 is unusable (its text does not match its checksum): the older generation 2 is used'
test_case 'newest header damaged' tells_of "$(slot 1)" 'the header of slot 1 is damaged: generation 2 in slot 0 is used'
test_case 'older header damaged' tells_of "$(slot 0)" 'the header of slot 0 is damaged: generation 3 in slot 1 is used'
test_case 'both damaged' refuses_two_damaged
test_case 'no state area' refuses_other_things
test_case 'superblock damaged' superblock_has_a_copy
test_case 'disk not attached' refuses_what_needs_the_disk
