#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The lab's own behaviour, with a tiny guest in place of the cluster: power, cables, the SAN, several labs, and cleaning up.
# shellcheck disable=SC2030,SC2031 # each test has its own LAB
. "$(dirname "$0")/lib/test.sh"
. "$TEST_HERE/lib/tiny.sh"
tiny=$TEST_BUILD/tiny
export LAB_MEM=128

# bare_lab NAME: a lab of its own for this test, taken down at its end however it ends.
bare_lab() {
	export LAB=$1
	# shellcheck disable=SC2064 # now
	trap "LAB=$1 lab down" EXIT
	lab down
	lab up --bare
}

# tiny_start N [WORDS]: machine N boots the tiny guest with these kernel parameters too.
tiny_start() {
	local n=$1
	shift
	lab node "$n" start --kernel "$tiny/vmlinuz" --initrd "$tiny/initrd" --append "console=ttyS0 net.ifnames=0 address=192.168.0.$n $*"
}

need_tiny() { tiny_make "$tiny" || skip "no kernel package to be had"; }

# boots N: how often machine N's console shows the guest's first words, over all its power cycles.
boots() { grep -c "tiny: up" "$TEST_BUILD/lab/$LAB/machine/$1/console.log" || true; }
booted_times() { [ "$(boots "$1")" -ge "$2" ]; }
is_power() { [ "$(power_of "$1")" = "$2" ]; }

# greets N: machine N answers over the network.
greets() {
	# shellcheck disable=SC2016 # expanded over there
	nsenter --net="/run/netns/byre-$LAB" timeout 2 bash -c 'exec 3<>/dev/tcp/$0/22; read -r x <&3' "192.168.0.$1"
}
silent() { ! greets "$1"; }

# left_of NAME: what is left of a lab: namespace, processes, sockets, files.
left_of() {
	ip netns list | grep -w "byre-$1"
	pgrep -af "byre-$1-|/byre-lab/$1/|lab/$1/" | grep -v pgrep
	ls -d "/run/byre-lab/$1" "$TEST_BUILD/lab/$1" 2>/dev/null
	return 0
}

test_power() {
	need_tiny
	bare_lab ck-power
	tiny_start 1
	on_console 1 "tiny: up"
	eventually 10 is_power 1 up # the guest answers one connection at a time
	lab node 1 stop
	assert_eq "power after stop" off "$(power_of 1)"
	console_has 1 "tiny: power button"
	lab node 1 start
	on_console 1 "tiny: up"
	lab node 1 kill
	assert_eq "power after kill" off "$(power_of 1)"
	assert_eq "emulators after kill" "" "$(pgrep -f 'byre-ck-power-node1 ' || true)"
	lab node 1 start
	lab node 1 reset
	eventually 60 booted_times 1 3
	assert_fails lab node 1 start
}

test_guest_reboots_and_powers_off() {
	need_tiny
	bare_lab ck-reboot
	tiny_start 1 then=reboot
	tiny_start 2 then=poweroff
	eventually 60 booted_times 1 2
	eventually 60 is_power 2 off
	assert_eq "boots of the machine that powered off" 1 "$(boots 2)"
	lab node 1 kill
	sleep 1
	assert_eq "a machine that reboots for ever is off after its power is cut" off "$(power_of 1)"
}

test_console() {
	need_tiny
	bare_lab ck-console
	tiny_start 1
	on_console 1 "tiny: up"
	# shellcheck disable=SC2016 # expanded over there
	(echo; echo 'echo $((6*7))-typed'; sleep 2) | lab node 1 console >"$TEST_LOGS/console.out"
	on_console 1 "42-typed" 5
	lab shot 1 "$TEST_LOGS/shot.txt" >/dev/null
	grep -q "42-typed" "$TEST_LOGS/shot.txt"
	assert_eq "control characters in the shot" "" "$(LC_ALL=C tr -d '\11\12\40-\377' <"$TEST_LOGS/shot.txt")"
}

test_cable() {
	need_tiny
	bare_lab ck-cable
	tiny_start 1
	tiny_start 2
	eventually 60 greets 1
	eventually 60 greets 2
	lab net cut 2
	silent 2
	greets 1
	assert_eq "cut" true "$(lab status --json | jq '.machines[1].cut')"
	lab node 2 reset
	on_console 2 "tiny: up"
	silent 2
	lab net heal 2
	eventually 10 greets 2
}

test_san() {
	bare_lab ck-san
	command -v iscsi-perf >/dev/null || skip "iscsi-perf is missing"
	local url=iscsi://192.168.0.250/iqn.2026-11.org.byre.lab:san/1
	in_lab iscsi-inq "$url"
	lab san stop
	assert_eq "running" false "$(lab san stats --json | jq .running)"
	assert_fails in_lab iscsi-inq "$url"
	lab san start
	in_lab iscsi-inq "$url"
	local before after
	before=$(san_bytes read)
	assert_match "bytes read" '^[1-9][0-9]*$' "$before"
	in_lab timeout -s INT 3 iscsi-perf -t 1 -m 1 -b 128 "$url" >"$TEST_LOGS/perf.out" || true
	after=$(san_bytes read)
	echo "read $before, then $after"
	((after > before + 1000000))
	lab net cut san
	assert_fails in_lab timeout 3 iscsi-inq "$url"
	lab net heal san
	in_lab timeout 10 iscsi-inq "$url"
}
in_lab() { nsenter --net="/run/netns/byre-$LAB" "$@"; }

test_two_labs() {
	need_tiny
	trap 'LAB=ck-a lab down; LAB=ck-b lab down' EXIT
	(export LAB=ck-a; lab down; lab up --bare; tiny_start 1)
	(export LAB=ck-b; lab down; lab up --bare; tiny_start 1)
	LAB=ck-a on_console 1 "tiny: up"
	LAB=ck-b on_console 1 "tiny: up"
	assert_eq "one MAC" "" "$(for l in ck-a ck-b; do LAB=$l lab status --json | jq -r '.machines[0].mac'; done | uniq -d)"
	LAB=ck-a lab san stop
	LAB=ck-a lab down
	assert_eq "left of the first" "" "$(left_of ck-a)"
	assert_eq "the second's SAN" true "$(LAB=ck-b lab san stats --json | jq .running)"
	LAB=ck-b greets 1
}

test_same_name_in_another_folder() {
	bare_lab ck-name
	local out
	out=$(LAB_DIR=$TEST_BUILD/elsewhere lab up --bare 2>&1) && fail "took another's name"
	assert_match "message" "belongs to" "$out"
	assert_fails env LAB_DIR="$TEST_BUILD/elsewhere" "$TEST_HERE/lab" down
	assert_eq "the SAN" true "$(lab san stats --json | jq .running)"
	mkdir -p "$TEST_BUILD/elsewhere" && touch "$TEST_BUILD/elsewhere/mine"
	assert_fails env LAB=ck-name2 LAB_DIR="$TEST_BUILD/elsewhere" "$TEST_HERE/lab" up --bare
	LAB=ck-name2 LAB_DIR=$TEST_BUILD/elsewhere lab down
	[ -e "$TEST_BUILD/elsewhere/mine" ]
	rm -r "$TEST_BUILD/elsewhere"
}

test_killed_up_leaves_nothing() {
	need_tiny
	export LAB=ck-killed
	tiny_iso "$tiny" waits
	local delay pid
	for delay in 0.01 0.03 0.05 0.08 0.12 0.2 0.3 0.5 1 3; do
		"$TEST_HERE/lab" up --nodes 2 --iso "$tiny/waits.iso" &
		pid=$!
		sleep $delay
		kill -9 $pid
		wait $pid || true
		echo "killed after $delay s: $(lab status --json | jq -c '[.state, (.machines | length)]')"
		lab down
		assert_eq "left after $delay s" "" "$(left_of $LAB)"
	done
}

test_killed_down_and_up_again() {
	local delay pid
	export LAB=ck-killdown
	for delay in 0.01 0.05 0.1 0.15 0.2; do
		lab up --bare
		"$TEST_HERE/lab" down &
		pid=$!
		sleep $delay
		kill -9 $pid || true
		wait $pid || true
		lab down
		assert_eq "left after $delay s" "" "$(left_of $LAB)"
	done
	lab down
}

test_install_is_followed() {
	need_tiny
	export LAB=ck-install
	trap 'lab down' EXIT
	local out
	tiny_iso "$tiny" "failed:_no_disk"
	out=$(lab up --nodes 2 --iso "$tiny/failed:_no_disk.iso" 2>&1) && fail "a failed installation passed"
	assert_match "its reason" "byre-install: failed: no disk" "$out"
	tiny_iso "$tiny" "done:_all"
	lab up --nodes 1 --iso "$tiny/done:_all.iso"
	assert_eq "state" up "$(lab status --json | jq -r .state)"
	lab up --nodes 1 --iso "$tiny/done:_all.iso" | grep "up already"
	isoinfo_label | grep BYRE-ANSWERS
	grep -q '^number-of-nodes = 1$' "$TEST_BUILD/lab/$LAB/INSTALL.info"
}
isoinfo_label() { xorriso -indev "$TEST_BUILD/lab/$LAB/answers.iso" 2>&1 | grep 'Volume id'; }

test_wrong_usage() {
	local out rc
	export LAB=ck-usage
	while read -r want words; do
		rc=0
		# shellcheck disable=SC2086 # words
		out=$(lab $words 2>&1) || rc=$?
		echo "lab $words: $rc: $out"
		assert_eq "exit of 'lab $words'" "$want" $rc
		assert_match "lab $words" '^lab: ' "$out"
	done <<-'EOF'
		2 frobnicate
		2 up --nodes 0
		2 up --nodes many
		2 up --frob
		1 up --iso /nonexistent
		2 node x start
		2 node 1 jump
		1 node 1 start
		2 net cut
		2 san frob
		1 ssh 1 true
	EOF
	out=$(LAB='../x' lab status 2>&1) && fail "took a bad name"
	assert_eq "left" "" "$(left_of $LAB)"
	lab --help | grep -q '^usage: lab'
	lab --version | grep -q '^lab (byre)'
}

run_tests
