#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the SAN can be beside one portal and one LUN: two portals, of which either may go; a container that is full and gets another LUN; CHAP. One lab of two nodes
# with all of it, whose LUN is so small that little is free.
# shellcheck source=tests/vm/lib/test.sh
. "$(dirname "$0")/lib/test.sh"
export LAB=ck-san LAB_LUN_SIZE=4G
secret=Geheim-4711-Secret

the_lab() {
	[ -e "$TEST_LOGS/san-failed" ] && fail "the lab did not come up: see $TEST_LOGS/san-lab.log"
	[ -r "${LAB_ISO:-$TEST_BUILD/byre.iso}" ] || skip "there is no ISO: make iso"
	LAB_ANSWERS=$'storage-portals = 192.168.0.248\nshared-size = 256\nstore-size = 512' lab up --nodes 2 --chap "byre:$secret" >>"$TEST_LOGS/san-lab.log" 2>&1 && return
	touch "$TEST_LOGS/san-failed"
	fail "the lab does not come up: $(tail -n 3 "$TEST_LOGS/san-lab.log")"
}

# --- portals -----------------------------------------------------------------------------------------------------------

# Each number is in the file, on disk, before it is acknowledged with its time.
# shellcheck disable=SC2016 # runs over there
start_writer() {
	on "$1" 'rm -f /srv/numbers /run/acks /run/failed; cat >/run/writer <<"END"
i=0
while :; do i=$((i + 1)); if echo $i >>/srv/numbers && sync /srv/numbers; then echo "$EPOCHREALTIME $i" >>/run/acks; else echo $i >>/run/failed; fi; done
END
	systemd-run -q --unit=writer bash /run/writer'
}
acknowledged() { on "$1" 'tail -n 1 /run/acks' | cut -d ' ' -f 2; }
writer_past() { (($(acknowledged "$1") > $2)); }
goes_on() { eventually 60 writer_past "$1" $(($(acknowledged "$1") + 20)); }

# paths_up N COUNT: that many paths of node N, to all partitions, are in use.
paths_up() { [ "$(on "$1" "dmsetup status --target multipath | grep -o ' [0-9]*:[0-9]* A ' | wc -l")" = "$2" ]; }
partitions() { on "$1" "dmsetup ls --target multipath | wc -l"; }

test_either_portal_may_go() {
	local portal gap
	the_lab
	start_writer 2
	eventually 30 on 2 test -s /run/acks
	for portal in san san2; do
		eventually 60 paths_up 2 $((2 * $(partitions 2)))
		lab net cut $portal
		eventually 60 paths_up 2 "$(partitions 2)"
		goes_on 2
		[ $portal = san2 ] || boots_by_one_portal 1
		lab net heal $portal
		[ $portal = san2 ] || eventually 60 paths_up 1 $((2 * $(partitions 1))) # also the one that it had not at boot
	done
	goes_on 2
	on 2 systemctl stop writer
	assert_eq 'writes that failed' '' "$(on 2 'cat /run/failed 2>/dev/null || true')"
	# shellcheck disable=SC2016 # runs over there
	on 2 'echo 3 >/proc/sys/vm/drop_caches; n=$(tail -n 1 /run/acks | cut -d " " -f 2); seq "$n" | cmp -n "$(seq "$n" | wc -c)" - /srv/numbers'
	assert_eq 'what the file system says' '' "$(on 2 'dmesg | grep -E "EXT4-fs (error|warning)|Remounting" || true')"
	gap=$(on 2 "awk 'NR > 1 && \$1 - last > most { most = \$1 - last } { last = \$1 } END { printf \"%.1f\", most }' /run/acks")
	echo "longest gap between two writes: $gap s, $(acknowledged 2) writes"
	assert_le 'the longest gap (s)' "${gap%.*}" 25
}

# The portal that the boot parameters name first is cut.
boots_by_one_portal() {
	power_cut "$1"
	power_on "$1"
	assert_match 'what the console says of the portal' '192.168.0.250' "$(lab shot "$1" | grep 'byre: ' | grep -v 'waiting')"
	assert_eq "paths of node $1" "$(partitions "$1")" "$(on "$1" "dmsetup table --target multipath | wc -l")"
}

# --- another LUN ---------------------------------------------------------------------------------------------------------

fill_bytes=$((1600 << 20))
filled() { on 2 'stat -c %s /srv/fill 2>/dev/null || echo 0'; }
# Node 2 says in its slot that it waits; whoever asks is node 1.
is_short() { [ "$(on 1 volmgr status --json | jq '.waiting | length')" -gt 0 ]; }
on_second() { on 1 volmgr state show --json 2>/dev/null | jq -e '[.volumes[] | select(.name == "node2.root") | .data[][0]] | index(1)'; }
fill_done() { [ "$(on 2 systemctl is-active fill)" = inactive ]; }
right() { on 2 "echo 3 >/proc/sys/vm/drop_caches; seq 1000000000 | cmp -n $fill_bytes - /srv/fill" || fail 'the bytes are others'; }

test_a_full_container_gets_a_lun() {
	local out
	the_lab
	out=$(on 1 volmgr create --size 2048 --store 2048 d1 2>&1) && fail 'there is room for what was not to fit'
	assert_match 'what it says' 'add a disk' "$out"
	on 2 "systemd-run -q --unit=fill sh -c 'seq 1000000000 | head -c $fill_bytes >/srv/fill; sync /srv/fill'"
	eventually 120 is_short
	lab san add 4G
	out=$(on 1 volmgr san list --json | jq -r '.disks[] | select(.holds == "nothing") | .disk')
	on 1 volmgr san add "$out"
	eventually 90 fill_done
	eventually 10 on_second
	eventually 30 paths_up 2 6
	right
	on 1 volmgr create --size 2048 --store 2048 d1
	on 1 volmgr remove d1
	power_off 2
	lab san hide 2
	lab node 2 start
	on_console 2 'waiting: no disk has partition' 90
	lab san show 2
	wait_up 2
	right
	assert_eq 'multipath devices of node 2' 3 "$(partitions 2)"
	on 2 'head -c 50000000 /dev/urandom >/srv/more && sync && sha256sum /srv/more >/srv/more.sum && sync'
	power_cut 2
	power_on 2
	right
	on 2 sha256sum -c --quiet /srv/more.sum
	on 1 volmgr check
}

# --- CHAP ----------------------------------------------------------------------------------------------------------------

boot_alone() {
	lab node 9 start --kernel "$TEST_BUILD/root/boot/vmlinuz" --initrd "$TEST_BUILD/root/boot/initrd" --mac 52:54:00:99:00:09 --chap "$1" \
		--append "console=ttyS0,115200 net.ifnames=0 storage_ip=192.168.0.250 sifip=192.168.0.99 ivid=iqn.2026-11.org.byre.lab:san root=/dev/byre/debian12 ---"
	on_console 9 "$2" 90
	assert_eq 'lines that say so' 1 "$(lab shot 9 | grep 'waiting: ' | head -n 1 | grep -cF "$2")"
	lab node 9 kill
}

test_a_wrong_secret_is_one_clear_line() {
	the_lab
	boot_alone byre:Geheim-4711-Falsch "refuses this machine: check user and secret of CHAP in the firmware's iSCSI settings"
	boot_alone - "refuses this machine: it wants CHAP: give user and secret in the firmware's iSCSI settings (iBFT)"
	sed -e 's/^mac\.1 = .*/mac.1 = 52:54:00:99:00:09/' -e 's/^chap-secret = .*/chap-secret = Geheim-4711-Falsch/' \
		-e 's/^container-name = .*/container-name = other/' "$TEST_BUILD/lab/$LAB/INSTALL.info" >"$TEST_LOGS/answers"
	lab node 9 start --iso "${LAB_ISO:-$TEST_BUILD/byre.iso}" --answers "$TEST_LOGS/answers" --mac 52:54:00:99:00:09
	on_console 9 'byre-install: failed: ' 180
	assert_match 'what it says' 'refuses this machine: check chap-user and chap-secret' "$(lab shot 9 | grep -F 'byre-install: failed: ')"
	lab node 9 kill
}

# on_needle N COMMAND: the command finds the secret in /run/needle: in no program's arguments.
# shellcheck disable=SC2016 # runs over there
on_needle() { local n=$1; shift; printf '%s' "$secret" | on "$n" 'umask 077; cat >/run/needle; '"$*"; }

test_the_secret_is_nowhere_but_in_sessions() {
	local n out
	the_lab
	for n in 1 2; do
		assert_eq "sessions of node $n without CHAP" '' "$(on $n 'grep -L "^byre$" /sys/class/iscsi_session/*/username')"
		on $n volmgr san list >/dev/null
		# shellcheck disable=SC2016 # runs over there
		out=$(on_needle $n 'grep -rlaFf /run/needle /run /etc /var /tmp /root /srv --exclude=needle --exclude=fill || true')
		assert_eq "files with the secret on node $n, but records of the control session" '' "$(grep -v '^/run/byre/iscsi/nodes/' <<<"$out" || true)"
		assert_eq "logs and arguments with the secret on node $n" '' "$(on_needle $n '{ journalctl --no-pager -o cat; dmesg; cat /proc/*/cmdline /proc/cmdline; } 2>/dev/null | grep -aFf /run/needle || true')"
		# The search finds it where it is; no user can.
		[ "$(on_needle $n 'grep -lFf /run/needle /sys/class/iscsi_session/*/password | wc -l')" -gt 1 ] || fail "node $n: the search finds nothing at all"
		out=$(on_needle $n 'chmod 644 /run/needle; setpriv --reuid 65534 --clear-groups grep -rslaFf /run/needle /sys/class/iscsi_session/ /sys/firmware/ /run /etc --exclude=needle || true; rm /run/needle')
		assert_eq "what a user of node $n can read" '' "$out"
	done
	for out in "$TEST_BUILD/lab/$LAB"/machine/*/console.log "$TEST_BUILD/lab/$LAB/lun" "$TEST_BUILD/lab/$LAB/lun2"; do
		! tr -s '\0' '\n' <"$out" | grep -qaF "$secret" || fail "the secret is in $out"
	done
}

rm -f "$TEST_LOGS/san-failed"
run_tests
lab down >/dev/null
