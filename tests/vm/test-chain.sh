#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The whole chain: what was installed from the ISO and booted by PXE behaves as a cluster. Each test leaves all three nodes up.
# shellcheck source=tests/vm/lib/test.sh
. "$(dirname "$0")/lib/test.sh"

all_up() {
	local n
	need_cluster 3
	for n in 1 2 3; do
		[ "$(power_of "$n")" != off ] || lab node "$n" start
		wait_up "$n"
	done
}

# private_bytes N: what node N's volume takes of its store, from the cluster's own list (asked on node 2).
private_bytes() { on 2 volmgr list --json | jq ".volumes[] | select(.volume == \"node$1.root\") | .private_bytes"; }
generation() { on "$1" volmgr status --json | jq .state.generation; }

test_every_node_is_itself() {
	local n key keys=''
	all_up
	for n in 1 2 3; do
		assert_eq "host name of node $n" "node$n" "$(on $n hostname)"
		assert_eq "root of node $n" "/dev/mapper/byre-debian12-node$n.root" "$(on $n findmnt -no SOURCE /)"
		assert_match "size of node $n's root" '^[45]\.[0-9]G$' "$(on $n df --output=size -h / | tail -n 1 | tr -d ' ')"
		assert_match "swap of node $n" "^/dev/mapper/byre-debian12-node$n.swap" "$(on $n swapon --show=NAME --noheadings)"
		assert_eq "boot interface of node $n" "192.168.0.$n/24" "$(on $n ip -4 -br addr show dev eth0 | awk '{ print $3 }')"
		assert_eq "units that failed on node $n" '' "$(on $n systemctl --failed --plain --no-legend)"
		key=$(on $n cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub | sha256sum)
		[[ $keys != *"$key"* ]] || fail "node $n has another's machine id and host key"
		keys="$keys $key"
	done
}

test_nodes_know_each_other_by_name() {
	all_up
	assert_eq 'host name over ssh from node 2 to node 3' node3 "$(on 2 ssh -o BatchMode=yes -o ConnectTimeout=10 node3 hostname)"
	assert_eq 'DNS on node 3' 192.168.0.1 "$(on 3 "getent ahostsv4 node1.byre.lab | awk 'NR == 1 { print \$1 }'")"
}

test_no_node_runs_lvm() {
	all_up
	assert_eq 'volumes that LVM sees on node 2' '' "$(on 2 'lvs --noheadings 2>/dev/null')"
	assert_match 'foreign volume group' 'foreign|system ID|Skipping' "$(on 2 'vgs --foreign --noheadings -o vg_name,vg_systemid 2>&1; vgchange -ay debian12 2>&1 || true')"
	assert_eq 'LVM devices on node 2' '' "$(on 2 'dmsetup ls' | grep -v '^byre-' || true)"
}

# fill N: a package's worth of files and one of its own, on disk when it returns. sums N: their checksums.
fill() { on "$1" "mkdir -p /srv/mine && cp -a /usr/bin /srv/mine/ && head -c 20000000 /dev/urandom >/srv/mine/of-node$1 && sync"; }
sums() { on "$1" 'echo 3 >/proc/sys/vm/drop_caches; cd /srv/mine && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum'; }

test_two_nodes_write_apart_and_find_their_own_again() {
	local two three
	all_up
	fill 2 &
	fill 3 &
	wait
	two=$(sums 2) three=$(sums 3)
	[ "$two" != "$three" ] || fail 'both nodes have the same files'
	reboot 2 # cleanly
	on 3 'dd if=/dev/urandom of=/srv/mine/last bs=64k count=50 conv=fsync status=none'
	three=$(sums 3)
	power_cut 3
	power_on 3
	assert_eq 'files of node 2 after a reboot' "$two" "$(sums 2)"
	assert_eq 'files of node 3 after a power cut' "$three" "$(sums 3)"
	assert_eq "errors of node 3's file system" '' "$(on 3 'dmesg | grep -E "EXT4-fs (error|warning)|I/O error" || true')"
}

test_the_file_system_is_clean_after_a_power_cut() {
	local out
	all_up
	power_cut 3
	power_on 3
	power_off 3
	# shellcheck disable=SC2016 # runs over there
	out=$(on 2 'dev=$(volmgr attach node3 --read-only) && e2fsck -fn "$dev" && volmgr detach node3') || fail "$out"
	assert_match 'e2fsck' 'non-contiguous' "$out"
	power_on 3
}

test_the_image_is_as_it_was_published() {
	all_up
	on 2 volmgr image verify
}

test_nodes_cost_their_private_bytes_only() {
	local before after allocated private plain image n
	all_up
	before=$(private_bytes 2) allocated=$(san_bytes allocated)
	on 2 'head -c 67108864 /dev/urandom >/srv/64MiB && sync'
	eventually 60 private_grew 2 $((before + 60000000))
	after=$(private_bytes 2)
	assert_le 'private bytes of 64 MiB' $((after - before)) $((80 << 20))
	assert_le 'growth of the LUN' $((60 << 20)) $(($(san_bytes allocated) - allocated))
	assert_le 'growth of the LUN' $(($(san_bytes allocated) - allocated)) $((80 << 20))
	# In all: the image once, what is plain (wiped before its first use), each node's private bytes, and a little for metadata, state and partition tables.
	private=0
	for n in 1 2 3; do private=$((private + $(private_bytes $n))); done
	image=$(on 2 volmgr status --json | jq '.images[0].bytes')
	plain=$(on 2 volmgr status --json | jq '.totals.swap_bytes + .totals.shared_bytes')
	echo "image $image, plain $plain, private $private, LUN $(san_bytes allocated)"
	assert_le 'what the LUN takes' "$(san_bytes allocated)" $((image + plain + private + (64 << 20)))
	assert_le 'private bytes' $private $((3 * image))
}
private_grew() { (($(private_bytes "$1") >= $2)); }

test_an_outage_of_the_san_is_waited_for() {
	local before control
	all_up
	# shellcheck disable=SC2016 # runs over there
	on 2 'cat >/srv/writer <<"END"
i=0
while :; do i=$((i + 1)); echo $i >>/srv/acknowledged.part && sync /srv/acknowledged.part && echo $i >/run/acknowledged || echo $i >>/run/failed; done
END
	systemd-run -q --unit=writer bash /srv/writer'
	eventually 30 on 2 test -s /run/acknowledged
	lab san stop
	sleep 30 # the outage itself
	before=$(timeout 20 "$TEST_HERE/lab" ssh 2 -- cat /run/acknowledged) || before=0
	lab san start
	eventually 120 writer_past 2 "$before"
	assert_eq 'writes that failed' '' "$(on 2 'cat /run/failed 2>/dev/null || true')"
	# shellcheck disable=SC2016 # runs over there
	on 2 'systemctl stop writer; seq "$(cat /run/acknowledged)" | cmp -n "$(seq "$(cat /run/acknowledged)" | wc -c)" - /srv/acknowledged.part'
	assert_match 'mount of the root' '(^|,)rw(,|$)' "$(on 2 findmnt -no OPTIONS /)"
	# On the control path I/O fails soon, as it must.
	control=$(on 2 'basename -a $(readlink -f /dev/byre/control-*)' | tr '\n' '|')
	assert_eq 'errors in the log' '' "$(on 2 'dmesg | grep -E "I/O error|EXT4-fs error|Remounting filesystem read-only" || true' | grep -vE "dev (${control%|})[, ]")"
}
writer_past() { (($(on "$1" cat /run/acknowledged) > $2 + 5)); }

test_reboot_and_power_off_do_not_hang() {
	all_up
	reboot 3
	power_off 3
	console_has 3 'Power down' || fail "$(lab shot 3 | tail -n 5)"
	! console_has 3 'stop job is running' || fail 'a stop job was waited for'
	power_on 3
}

test_the_installing_machine_is_not_needed() {
	all_up
	power_cut 1
	power_cut 2
	power_on 2 # served by node 3 alone
	power_cut 3
	power_on 3 # served by node 2, which was
	power_on 1
	assert_eq 'nodes that are up' '1 2 3' "$(on 3 byre status --json | jq -r '[.nodes[] | select(.state == "up") | .number] | join(" ")')"
}

test_a_server_program_that_dies_is_started_again() {
	local pid
	all_up
	pid=$(on 2 pgrep -x dnsmasq)
	on 2 kill -9 "$pid"
	eventually 30 other_dnsmasq 2 "$pid"
}
other_dnsmasq() { local now; now=$(on "$1" pgrep -x dnsmasq) && [ "$now" != "$2" ]; }

test_an_unknown_mac_is_told_and_nothing_changes() {
	local g
	all_up
	g=$(generation 2)
	lab node 9 start --net --mac 52:54:00:99:99:99
	eventually 120 logged_anywhere 52:54:00:99:99:99
	lab node 9 kill
	lab node 9 start --kernel "$TEST_BUILD/root/boot/vmlinuz" --initrd "$TEST_BUILD/root/boot/initrd" --mac 52:54:00:99:99:99 \
		--append "console=ttyS0,115200 net.ifnames=0 storage_ip=192.168.0.250 sifip=192.168.0.99 ivid=iqn.2026-11.org.byre.lab:san root=/dev/byre/debian12 ---"
	on_console 9 "this machine's MAC 52:54:00:99:99:99 is no node of cluster" 120
	lab node 9 kill
	assert_eq 'generation' "$g" "$(generation 2)"
}
logged_anywhere() { local n; for n in 1 2 3; do on $n journalctl -u metamaster -o cat --no-pager | grep -qF -e "$1 asks for an address, but is no node's" && return; done; return 1; }

boot_with() {
	lab node 9 start --kernel "$TEST_BUILD/root/boot/vmlinuz" --initrd "$TEST_BUILD/root/boot/initrd" --append "console=ttyS0,115200 net.ifnames=0 $1 ---"
}

test_a_wrong_storage_ip_is_waited_for_and_said() {
	need_cluster 3
	boot_with 'storage_ip=192.168.0.77 sifip=192.168.0.99 root=/dev/byre/debian12'
	on_console 9 'waiting: ' 120
	on_console 9 '192.168.0.77' 30
	lab node 9 kill
	boot_with 'storage_ip=192.168.0.777'
	on_console 9 'storage_ip=192.168.0.777: not an IPv4 address' 120
	lab node 9 kill
}

# Its slots tell that it has left, until its initrd tells otherwise: here it goes no further than that.
test_a_node_that_boots_is_not_taken_for_one_that_is_off() {
	local out what
	all_up
	power_off 3
	# The lab may see in time that it cannot boot.
	lab node 3 start --kernel "$TEST_BUILD/root/boot/vmlinuz" --initrd "$TEST_BUILD/root/boot/initrd" --append "console=ttyS0,115200 net.ifnames=0 \
storage_ip=192.168.0.250 sifip=192.168.0.99 ivid=iqn.2026-11.org.byre.lab:san root=/dev/byre/debian12 init=/nothing ---" || true
	on_console 3 'cannot boot: the root has no /nothing' 120
	for what in 'reset node3' 'remove node3.swap' 'attach --read-only node3'; do
		out=$(on 2 volmgr "$what" 2>&1) && fail "volmgr $what was done"
		assert_match "volmgr $what" 'node3 is (shutting down or starting, and has it|silent)' "$out"
	done
	lab node 3 kill
	lab node 3 start --net && wait_up 3
}

test_a_new_generation_reaches_every_node() {
	local g n
	all_up
	g=$(generation 2)
	publish_again '.ssh_keys += ["ssh-ed25519 AAAAnew another-admin"]'
	for n in 1 2 3; do
		eventually 60 follows $n $((g + 1))
		eventually 60 on $n grep -q AAAAnew /etc/ssh/authorized_keys.d/root
	done
}
# publish_again [FILTER]: the document once more, changed by jq, as the next generation.
publish_again() {
	make --no-print-directory -C "$TEST_HERE/../.." build/tests/state-file
	(umask 077; on 2 volmgr state show --secrets | jq -c "${1-.}" >"$TEST_LOGS/document")
	on 2 'cat >/run/state-file && chmod 755 /run/state-file' <"$TEST_BUILD/tests/state-file"
	# shellcheck disable=SC2016 # runs over there
	on 2 'umask 077; cat >/run/document && /run/state-file "$(blkid -t PARTLABEL=byre-debian12-state -o device | head -n 1)" /run/document' <"$TEST_LOGS/document"
}
follows() { [ "$(on 2 byre status --json | jq ".nodes[] | select(.number == $1) | .generation")" = "$2" ]; }

# tgtd forgets its reservations: whoever wants node 3's lease has to wait, or to switch node 3 off.
test_where_nothing_is_sure_a_fence_is_refused() {
	all_up
	assert_match 'volmgr status' 'fencing +wait \(the SAN forgets its reservations when it restarts\)' "$(on 2 volmgr status)"
	assert_match 'a fence' 'node3 cannot be fenced here: the SAN forgets its reservations.*: switch it off by hand, then its lease is free 100 s later' "$(on 2 volmgr fence 3 --yes 2>&1 || true)"
}

test_a_damaged_newest_slot_is_told_and_the_older_used() {
	local g start slot
	all_up
	publish_again
	g=$(generation 2)
	start=$(sfdisk -J "$TEST_BUILD/lab/$LAB/lun" | jq '.partitiontable.partitions[] | select(.name == "byre-debian12-state") | .start')
	slot=$((start * 512 + (48 + 32 * (g % 2)) * 1048576))
	dd if="$TEST_BUILD/lab/$LAB/lun" of="$TEST_LOGS/slot" bs=4096 skip=$((slot / 4096)) count=2 status=none
	printf 'damaged!' | dd of="$TEST_BUILD/lab/$LAB/lun" bs=1 seek=$((slot + 4096 + 100)) conv=notrunc status=none
	assert_eq 'generation used' $((g - 1)) "$(generation 3 2>/dev/null)"
	assert_match 'what is said' 'generation' "$(on 3 'volmgr list 2>&1 >/dev/null')"
	reboot 3
	assert_match 'what the console says' 'older|damaged|torn|not whole' "$(lab shot 3 | grep 'byre: ' | grep -i -e older -e damaged -e torn -e whole)"
	dd if="$TEST_LOGS/slot" of="$TEST_BUILD/lab/$LAB/lun" bs=4096 seek=$((slot / 4096)) conv=notrunc status=none
	assert_eq 'generation after it is mended' "$g" "$(generation 3)"
}

run_tests
