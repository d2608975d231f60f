#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Fencing: what a SAN keeps of its reservations, and that a node that was taken off its list writes no more, tried on both of the lab's SANs; then on machines, two
# nodes on a SAN that keeps reservations. make soak and who names this file run those (LONG=1).
. "$(dirname "$0")/lib/test.sh"
target=iqn.2026-11.org.byre.lab:san
try=$TEST_BUILD/tests/try-fence

# try_fence VERB: reservations against the SAN, from this machine, without any node.
try_fence() {
	make -s -C "$TEST_HERE/../.." "build/tests/try-fence" >/dev/null
	nsenter --net="/run/netns/byre-$LAB" timeout 60 "$try" "$1" 192.168.0.250:3260 $target 1
}

# bare_lab SAN: a lab of its own for this test.
bare_lab() {
	export LAB=ck-fence-$1
	# shellcheck disable=SC2064 # now
	trap "LAB=$LAB lab down" EXIT
	lab down
	lab up --bare --san "$1"
}

test_tgtd_does_not_keep_reservations() {
	bare_lab tgt
	assert_eq "what the probe says" "wait: the SAN forgets its reservations when it restarts" "$(try_fence probe)"
}

test_lio_keeps_reservations() {
	bare_lab lio
	assert_eq "what the probe says" "reservation: the SAN keeps its keys, and takes them off for good" "$(try_fence probe)"
	assert_match "a fence" "nodes: as it must be" "$(try_fence nodes)"
}

# A target that restarts reads back what it wrote.
test_lio_keeps_them_over_a_restart() {
	bare_lab lio
	try_fence nodes
	lab san stop
	lab san start
	assert_match "what is left" "as it was" "$(try_fence left)"
}

# --- machines ------------------------------------------------------------------------------------------------------------------

MACHINES=ck-fence
# Two nodes that are up, in a lab of their own, which is taken down in the end.
machines() {
	local n
	export LAB=$MACHINES LAB_ANSWERS='lease-timeout = 3'
	[ ! -e "$TEST_LOGS/fence-failed" ] || fail "the machines did not come up"
	[ -r "${LAB_ISO:-$TEST_BUILD/byre.iso}" ] || skip "there is no ISO: make iso"
	touch "$TEST_LOGS/fence-failed"
	make -s -C "$TEST_HERE/../.." build/tests/try-fence build/tests/try-change build/tests/scribble >/dev/null
	lab up --nodes 2 --san lio
	for n in 1 2; do
		bring $n try-change scribble
		eventually 60 joined $n
	done
	rm "$TEST_LOGS/fence-failed"
}

# bring N TOOL...: puts test programs there, until it starts anew.
bring() {
	local n=$1 tool
	for tool in "${@:2}"; do on "$n" "cat >/run/$tool; chmod 755 /run/$tool" <"$TEST_BUILD/tests/$tool"; done
}
# joined N: it has its place among those who may hold the lease. writers LUN: who may write there, as the SAN tells it. recorded N: what the last N changes were.
joined() { on "$1" 'sanlock client status | grep -q "^s byre-[^ ]*$"'; }
writers() { nsenter --net="/run/netns/byre-$LAB" "$try" list 192.168.0.250:3260 $target "$1" | paste -s -d ' '; }
writers_are() { [ "$(writers "$1")" = "$2" ]; }
recorded() { on 2 "volmgr state history --json -n $1" | jq -r '.history[].what'; }
holder_is() { [ "$(on 2 "/run/try-change holder $(disk 2 1)1")" = "$1" ]; }
disk() { on "$1" volmgr san list --json | jq -r --argjson lun "$2" '.disks[] | select(.lun == $lun) | .disk'; }
change() { on "$1" '/run/try-change debian12 1 /run/changes 2>&1'; }

# hold N: a change there has the lease and keeps it; it would publish half a minute later.
hold() {
	on "$1" 'setsid /run/try-change debian12 1 /run/changes 30000 >/run/said 2>&1 </dev/null &'
	eventually 30 holder_is "$1"
}

# Where nobody has anything, on both LUNs. scribble DISK...: node 1 writes growing numbers there.
# scribbled DISK...: the last ones, as node 2 reads them.
PLACE=$((20 * 1024 * 1024 * 1024))
scribble() { on 1 "setsid /run/scribble $PLACE $* >/dev/null 2>&1 </dev/null &"; }
scribbled() {
	local d
	for d; do on 2 "dd if=$d bs=4096 count=1 iflag=direct,skip_bytes skip=$PLACE status=none" | tr -d '\0'; done
}
both_are_scribbled() { [ "$(scribbled "$@" | grep -c '^scribble ')" = 2 ]; }

long_the_way_is_found_at_install_and_shown() {
	machines
	assert_eq "the way" reservation "$(on 2 volmgr status --json | jq -r .fencing.way)"
	assert_match "volmgr status" 'fencing +reservation \(the SAN keeps its keys' "$(on 2 volmgr status)"
	eventually 60 writers_are 1 'reserved node 1: 2 node 2: 2'
	assert_match "a probe" 'this SAN allows: reservation' "$(on 2 volmgr fence --probe)"
	# A probe takes nothing from the machine that runs it.
	assert_eq "a write after it" here "$(on 2 'echo here >/root/after && sync /root/after && dd if=/root/after iflag=direct status=none')"
	change 2
	assert_match "without --yes" 'node1 is cut off from the SAN by reservation, .* give --yes to do it' "$(on 2 volmgr fence 1 2>&1 || true)"
	assert_match "itself" 'node2 is this machine: it does not fence itself' "$(on 2 volmgr fence node2 --yes 2>&1 || true)"
}

long_a_new_disk_is_reserved_and_all_nodes_are_on_its_list() {
	machines
	lab san add 24G
	assert_eq "before it is a part of the container" 'not reserved' "$(writers 2)"
	on 2 'volmgr san list >/dev/null'
	on 2 volmgr san add "$(disk 2 2)"
	eventually 60 writers_are 2 'reserved node 1: 1 node 2: 2'
	assert_eq "the first disk" 'reserved node 1: 2 node 2: 2' "$(writers 1)"
}

# Its clocks stand still as well: when it goes on it believes that it holds the lease.
long_a_holder_that_stood_still_was_fenced_and_writes_no_more() {
	local boot disks last changes console
	machines
	disks="$(disk 2 1) $(disk 2 2)"
	boot=$(boot_id 1)
	scribble "$(disk 1 1)" "$(disk 1 2)"
	# shellcheck disable=SC2086 # two
	eventually 30 both_are_scribbled $disks
	hold 1
	lab node 1 freeze
	# shellcheck disable=SC2016 # over there
	on 2 '/run/try-change debian12 1 /run/changes 2>&1 | while read -r l; do echo "$(cut -d " " -f 1 /proc/uptime) $l"; done; cut -d " " -f 1 /proc/uptime' | tee "$TEST_LOGS/fence.times"
	assert_match "what the taker was told" 'node1 seemed dead while it held the lease, and was fenced' "$(cat "$TEST_LOGS/fence.times")"
	assert_match "history" '^count [0-9]*; node1 was fenced$' "$(recorded 1)"
	assert_eq "the first list" 'reserved node 2: 2' "$(writers 1)"
	assert_match "the second list" '^reserved node 2: [12]$' "$(writers 2)"
	# shellcheck disable=SC2086
	last=$(scribbled $disks)
	changes=$(recorded 100)
	console=$(stat -c %s "$TEST_BUILD/lab/$LAB/machine/1/console.log")
	lab node 1 thaw
	eventually 240 booted_since 1 "$boot"
	# shellcheck disable=SC2086
	assert_eq "what it wrote after it went on" "$last" "$(scribbled $disks)"
	assert_eq "changes after it went on" "$changes" "$(recorded 100)"
	tail -c "+$console" "$TEST_BUILD/lab/$LAB/machine/1/console.log" | grep -a 'byre: .*this machine was fenced .*: restarting'
	wait_up 1
	eventually 60 joined 1
	assert_match "the first list" '^reserved node 1: 2 node 2: 2$' "$(writers 1)"
	bring 1 try-change
	change 1
}

# settings NAME=VALUE...: changes the cluster's settings, as an admin does.
settings() {
	local pair
	on 2 'volmgr state export --force /run/state.json 2>/dev/null'
	for pair; do on 2 "sed -i 's/\"${pair%%=*}\":\"[^\"]*\"/\"${pair%%=*}\":\"${pair#*=}\"/' /run/state.json"; done
	on 2 volmgr state import /run/state.json
}
no_longer_lives() { [[ $(on 2 volmgr take d1 2>&1) != *'which lives'* ]]; }

# By hand first, which frees the lease at once; then by a power controller that refuses, hangs and works. Leaves node 1 off.
long_a_fence_by_hand_and_by_a_command() {
	local said
	machines
	on 2 volmgr create --size 64 d1
	on 1 volmgr take d1
	assert_match "a holder that lives" 'held by node 1, which lives: volmgr give d1 there first' "$(on 2 volmgr take d1 2>&1 || true)"
	hold 1
	lab node 1 freeze
	assert_match "by hand" 'node1 is fenced by reservation, in ' "$(on 2 volmgr fence node1 --yes | tee "$TEST_LOGS/fence.by-hand")"
	assert_eq "history" 'volmgr fence node1' "$(recorded 1)"
	assert_eq "what a change has to wait for" '' "$(change 2)"

	on 2 'cat >/usr/local/sbin/power-off; chmod 755 /usr/local/sbin/power-off' <<-'END'
		#!/bin/bash
		exec 3<>/dev/tcp/192.168.0.249/623 || exit 1
		echo "off $1" >&3
		read -r answer <&3 && [ "$answer" = off ]
	END
	settings fencing=command 'fence-command=power-off %n'
	lab bmc refuses
	said=$(on 2 volmgr fence node1 --yes 2>&1 || true)
	assert_match "a command that fails" 'volmgr: fencing node1: fence-command power-off for node1' "$said"
	eventually 60 no_longer_lives
	said=$(on 2 volmgr take d1 2>&1 || true)
	assert_match "a disk of who cannot be fenced" 'fencing node1: fence-command .*: make sure that it is off, then say --force' "$said"
	lab bmc hangs
	assert_match "a command that hangs" 'volmgr: fencing node1: fence-command power-off for node1' "$(on 2 volmgr fence node1 --yes 2>&1 || true)"
	[ "$(power_of 1)" != off ] || fail "node 1 is off"
	lab bmc works
	on 2 volmgr take d1
	assert_eq "history" 'volmgr take d1; node1 was fenced' "$(recorded 1)"
	assert_eq "node 1" off "$(power_of 1)"

	settings fencing=wait
	assert_match "where nothing is sure" 'volmgr: .*node1 cannot be fenced here.*: switch it off by hand' "$(on 2 volmgr fence node1 --yes 2>&1 || true)"
}

rm -f "$TEST_LOGS/fence-failed"
run_tests
[ -n "${KEEP-}" ] || [ ! -e "$TEST_BUILD/lab/$MACHINES" ] || LAB=$MACHINES lab down
