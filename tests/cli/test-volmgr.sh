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
  expect_refused 'the root of node3 is written by node3 alone: attach --read-only reads it'
  run "$volmgr" --state "$area" attach --force 3
  expect_status 2
  expect_stderr_line 'attach: --force goes with --read-only'
  run "$volmgr" --state "$area" detach nobody
  expect_refused "there is no node 'nobody'"
}

# The history that the area came with, and what the commands below add.
shows_history() {
  local bytes
  fresh_area
  bytes=$(stat -c %s "$WORK/document")
  run "$volmgr" --state "$area" state history
  expect_status 0
  expect_no_stderr
  expect_stdout "         3  -     installer   $bytes  newest     -"
  expect_stdout "         2  -     installer   $bytes  published  -"
  run "$volmgr" --state "$area" state history -n 2 --json
  command -v jq >/dev/null || { skip 'no jq'; return; }
  [ "$(jq -c '[.history[].generation]' "$WORK/out")" = '[3,2]' ] || problem 'other generations'
  # A record that is newer than the newest document: its writer was cut off. One that is damaged is not shown.
  dd if="$area" of="$area" bs=4096 skip=$((180 * 256 + 2)) seek=$((180 * 256 + 3)) count=1 conv=notrunc 2>/dev/null
  damage $(($(slot 1) + 4096 + 1000))
  run "$volmgr" --state "$area" state history
  expect_stdout "         2  -     installer   $bytes  newest     -"
  grep -q '^ *3 ' "$WORK/out" && problem 'a record in the wrong place is shown'
  fresh_area
  damage $(($(slot 1) + 4096 + 1000))
  run "$volmgr" --state "$area" state history
  expect_stdout "         3  -     installer   $bytes  never published  -"
  damage "$(slot 0)"
  run "$volmgr" --state "$area" state history
  expect_status 0
  expect_stderr_line 'no slot holds a whole document'
  expect_stdout '         3  -     installer'
  run "$volmgr" --state "$area" state history -n many
  expect_status 2
}

exports() {
  fresh_area
  rm -f "$WORK/export" "$WORK/null"
  umask 0
  run "$volmgr" --state "$area" state export "$WORK/export"
  umask 022
  expect_status 0
  expect_no_stdout
  expect_stderr_line "$WORK/export holds the cluster's secret key"
  [ "$(stat -c %a "$WORK/export")" = 600 ] || problem "its mode is $(stat -c %a "$WORK/export")"
  cmp -s "$WORK/export" "$WORK/document" || problem 'another document was published'
  echo mine >"$WORK/export"
  run "$volmgr" --state "$area" state export "$WORK/export"
  expect_refused "$WORK/export is there already: --force replaces it"
  [ "$(cat "$WORK/export")" = mine ] || problem 'the file was written'
  run "$volmgr" --state "$area" state export --force "$WORK/export"
  expect_status 0
  cmp -s "$WORK/export" "$WORK/document" || problem 'another document'
  run "$volmgr" --state "$area" state export -
  expect_status 0
  cmp -s "$WORK/out" "$WORK/document" || problem 'another document'
  mkfifo "$WORK/null"
  run "$volmgr" --state "$area" state export --force "$WORK/null"
  expect_refused 'is no ordinary file'
  run "$volmgr" --state "$area" state export "$WORK/no/folder"
  expect_refused "$WORK/no/folder: No such file or directory"
  damage "$(slot 0)"
  damage "$(slot 1)"
  run "$volmgr" --state "$area" state export "$WORK/export2"
  expect_refused 'no slot holds a whole document'
  [ ! -e "$WORK/export2" ] || problem 'a file was made'
}

# unchanged: nothing was written since keep.
keep() { cp --sparse=always "$area" "$WORK/kept"; }
unchanged() { cmp -s "$area" "$WORK/kept" || problem 'the state area was written'; }

imports() {
  fresh_area
  keep
  sed 's/"boot_ip":"192.168.0.3"/"boot_ip":"192.168.0.9"/; s/"key":"00/"key":"01/; s/"generation":3/"generation":1/' "$WORK/document" >"$WORK/new"
  run "$volmgr" --state "$area" state import --dry-run "$WORK/new"
  expect_status 0
  expect_no_stderr
  expect_stdout "from generation 3, the newest, to $WORK/new, which was generation 1:"
  expect_stdout '~ node 3: boot_ip: 192.168.0.3 -> 192.168.0.9'
  expect_stdout '~ key: another (hidden)'
  grep -q '1122334455' "$WORK/out" && problem 'the key is shown'
  unchanged
  run "$volmgr" --state "$area" state import "$WORK/new"
  expect_status 0
  expect_stdout 'generation 4 is published'
  run "$volmgr" --state "$area" state show
  expect_stdout '"boot_ip": "192.168.0.9"'
  expect_stdout '"generation": 4'
  run "$volmgr" --state "$area" state history -n 1
  expect_stdout "volmgr state import $WORK/new"
  keep
  run "$volmgr" --state "$area" state import "$WORK/new"
  expect_status 0
  expect_stdout 'no difference'
  unchanged
}

# What nodes wrote stands where the newest state says.
imports_nothing_elsewhere() {
  fresh_area
  keep
  sed 's/\[0,1518,256\]/[0,1520,256]/' "$WORK/document" >"$WORK/new"
  run "$volmgr" --state "$area" state import "$WORK/new"
  expect_refused '1 volumes, images, slabs or PVs lie elsewhere'
  run "$volmgr" --state "$area" state import --dry-run "$WORK/new"
  expect_stdout '~ volume node3.root: data: [[0,1518,256]] -> [[0,1520,256]]'
  run "$volmgr" --state "$area" state import --force '' "$WORK/new"
  expect_status 2
  expect_stderr_line '--force wants a reason'
  unchanged
  run "$volmgr" --state "$area" state import --force 'nobody uses it' "$WORK/new"
  expect_status 0
  expect_stdout 'generation 4 is published; now look whether LVM says the same: volmgr check'
  run "$volmgr" --state "$area" state history -n 1
  expect_stdout "$WORK/new: nobody uses it"
}

imports_no_rubbish() {
  local file=$WORK/new
  fresh_area
  keep
  run "$volmgr" --state "$area" state import "$WORK/none"
  expect_refused "$WORK/none: No such file or directory"
  : >"$file"
  run "$volmgr" --state "$area" state import "$file"
  expect_refused "$file: document: "
  head -c 5000 /dev/urandom >"$file"
  run "$volmgr" --state "$area" state import "$file"
  expect_refused "$file: document: "
  sed 's/\[0,1518,256\]/[0,1000,256]/' "$WORK/document" >"$file"
  run "$volmgr" --state "$area" state import "$file"
  expect_refused "$file: document: node1.root and node3.root overlap"
  sed 's/"format":1/"format":2/' "$WORK/document" >"$file"
  run "$volmgr" --state "$area" state import "$file"
  expect_refused "$file: document: format 2: this program reads format 1"
  sed 's/"id":"7d/"id":"8d/' "$WORK/document" >"$file"
  run "$volmgr" --state "$area" state import --force 'I insist' "$file"
  expect_refused "$file is of cluster 8d1c1f5e-0c5e-4f0f-8f43-2f6f1d1c9b11: the state area there is that of container debian12, cluster 7d"
  unchanged
}

imports_where_nothing_is_left() {
  fresh_area
  run "$volmgr" --state "$area" state export "$WORK/saved"
  damage "$(slot 0)"
  dd if=/dev/zero of="$area" bs=1M seek=80 count=1 conv=notrunc 2>/dev/null
  keep
  run "$volmgr" --state "$area" state import "$WORK/saved"
  expect_refused "to publish $WORK/saved in its place: --force REASON"
  run "$volmgr" --state "$area" state import --dry-run --force lost "$WORK/saved"
  expect_status 0
  expect_stdout 'no document can be read there'
  unchanged
  run "$volmgr" --state "$area" state import --force 'a disk array lost its cache' "$WORK/saved"
  expect_status 0
  expect_stdout 'generation 4 is published'
  run "$volmgr" --state "$area" list
  expect_status 0
  expect_stdout 'node3.root'
  run "$volmgr" --state "$area" state history -n 1
  expect_stdout 'a disk array lost its cache'
  damage "$(slot 0)"
  damage "$(slot 1)"
  run "$volmgr" --state "$area" state import --force 'once more' "$WORK/saved"
  expect_status 0
  expect_stdout 'the history tells'
  expect_stdout 'generation 4: volmgr state import'
}

refuses_to_fence_unseen() {
  fresh_area
  run "$volmgr" --state "$area" fence
  expect_status 2
  expect_stderr_line 'name a node, or give --probe'
  run "$volmgr" --state "$area" fence --probe 3
  expect_status 2
  run "$volmgr" --state "$area" fence 3
  expect_refused 'is the whole SAN attached?'
  run "$volmgr" --state "$area" status
  expect_stdout 'fencing     automatic'
}

# wrong TEXT WORDS...: these words are wrong usage, and the line says TEXT.
wrong() {
  local text=$1
  shift
  run "$volmgr" "$@"
  expect_status 2
  expect_stderr_line "$text"
  expect_no_stdout
}

volumes_want_whole_words() {
  wrong 'create: which volumes?' create --size 10
  wrong 'create: names, or --count: not both' create a --count 3 --prefix b --size 10
  wrong 'create: --count wants a --prefix' create --count 3 --size 10
  wrong 'create: --prefix wants a --count' create a --prefix b --size 10
  wrong 'create: --size MIB is missing' create a
  wrong 'create: --kind is disk, swap or shared' create a --size 10 --kind root
  wrong 'create: --count: too many' create --count 100001 --prefix b --size 10
  wrong "--size: '5G' is not a number from 1" create a --size 5G
  wrong "--node: '0' is not a number from 1" take a --node 0
  wrong "--count: '0' is not a number from 1" create --count 0 --prefix b --size 10
  wrong "resize: '1G' is not a number of MiB" resize node1 1G
  wrong "grow: '0' is not a number of MiB" grow node1 0
  for command in 'create a --size 10' 'remove a' 'reset a' 'undo a' 'resize a 10' 'grow a 10' 'take a' 'give a'; do
    # shellcheck disable=SC2086 # words
    wrong "${command%% *}: a copy of a state area has no volumes" --state "$area" $command
  done
  run "$volmgr" --container nosuch create ../x --size 10
  expect_refused 'nosuch'
}

test_case 'volumes: wrong words' volumes_want_whole_words

commands_of_two_words_are_told() {
  wrong 'state: what of it? show, history, export, import' state
  wrong 'state: what of it?' state --json
  wrong "unknown command 'image bogus': image has import, list, " image bogus
  wrong "unknown command 'im'" im
}
test_case 'half a command' commands_of_two_words_are_told

# Who is not root cannot see disks, and is told so instead of being sent to the SAN.
others_than_root_are_told() {
  command -v setpriv >/dev/null && [ "$(id -u)" = 0 ] || { skip 'not root'; return; }
  cp "$volmgr" "$WORK/volmgr" && chmod 755 "$WORK" "$WORK/volmgr"
  run setpriv --reuid 65534 --regid 65534 --clear-groups "$WORK/volmgr" list
  expect_refused 'only root can look into disks'
  run setpriv --reuid 65534 --regid 65534 --clear-groups "$WORK/volmgr" create a --size 10
  expect_refused 'only root can look into disks'
}
test_case 'not root' others_than_root_are_told

images_are_listed() {
  fresh_area
  run "$volmgr" --state "$area" image list
  expect_status 0
  expect_stdout 'debian12@1  node  1.0 GiB'
  run "$volmgr" --state "$area" image show debian12
  expect_stdout 'used by  volumes node1.root, node2.root, node3.root; the boot of nodes node1, node2, node3; the default of new nodes'
  run "$volmgr" --state "$area" image show --json debian12@1
  expect_stdout '"nodes": ['
  run "$volmgr" --state "$area" image show debian12@2
  expect_refused "there is no image 'debian12@2': 'volmgr image list' names them"
}

# refuses_file TEXT: as an image.
refuses_file() {
  run "$volmgr" --state "$area" image import new "$WORK/file"
  expect_refused "$1"
}

bad_images_are_refused() {
  fresh_area
  : >"$WORK/file"
  refuses_file 'file: it is empty'
  head -c 100000 /dev/zero >"$WORK/file"
  refuses_file 'neither tar'
  printf 'QFI\373\0\0\0\003\0\0\0\0\0\0\0\1' >"$WORK/file"
  head -c 1000 /dev/zero >>"$WORK/file"
  refuses_file 'another file behind it'
  printf 'KDMV' >"$WORK/file"
  refuses_file 'VMDK format: convert it'
  rm "$WORK/file"
  refuses_file 'No such file'
  mkdir -p "$WORK/folder"
  run "$volmgr" --state "$area" image import new "$WORK/folder"
  expect_refused 'no OCI image layout'
  echo '{"imageLayoutVersion":"1.0.0"}' >"$WORK/folder/oci-layout"
  run "$volmgr" --state "$area" image import new "$WORK/folder"
  expect_refused 'index.json'
  echo '{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:../../etc/passwd","size":1}]}' >"$WORK/folder/index.json"
  run "$volmgr" --state "$area" image import new "$WORK/folder"
  expect_refused "digest 'sha256:../../etc/passwd' is none"
  mkfifo "$WORK/file"
  refuses_file 'no regular file'
  rm "$WORK/file"
  run "$volmgr" --state "$area" image import '../x' "$WORK/folder"
  expect_refused 'small letters'
  head -c 100000 /dev/zero >"$WORK/file"
  printf '\125\252' | dd of="$WORK/file" bs=1 seek=510 conv=notrunc 2>/dev/null
  run "$volmgr" --state "$area" image import --use pillow new "$WORK/file"
  expect_status 2
  run "$volmgr" --state "$area" image import --use node new "$WORK/file"
  expect_refused 'a disk with partitions'
}

test_case 'list' lists
test_case 'images' images_are_listed
test_case 'bad images' bad_images_are_refused
test_case 'status adds up' adds_up
test_case 'state show hides secrets' hides_secrets
test_case 'state history' shows_history
test_case 'state export' exports
test_case 'state import' imports
test_case 'state import: other segments' imports_nothing_elsewhere
test_case 'state import: rubbish' imports_no_rubbish
test_case 'state import: both slots gone' imports_where_nothing_is_left
test_case 'newest text damaged' tells_of $(($(slot 1) + 4096 + 1000)) \
  'generation 3 in slot 1 is unusable (its text does not match its checksum): the older generation 2 is used'
test_case 'newest header damaged' tells_of "$(slot 1)" 'the header of slot 1 is damaged: generation 2 in slot 0 is used'
test_case 'older header damaged' tells_of "$(slot 0)" 'the header of slot 0 is damaged: generation 3 in slot 1 is used'
test_case 'both damaged' refuses_two_damaged
test_case 'no state area' refuses_other_things
test_case 'superblock damaged' superblock_has_a_copy
test_case 'disk not attached' refuses_what_needs_the_disk
test_case 'fencing what cannot be seen' refuses_to_fence_unseen
