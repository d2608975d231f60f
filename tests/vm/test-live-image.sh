#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A node of a real cluster, booted by PXE, is compared with its image, captured while it runs, and another node is booted from what was captured.
# Afterwards all nodes stand on the first image again. CAPTURE=1: all of it, which takes minutes; else what is compared and what is killed.
# shellcheck source=tests/vm/lib/test.sh
. "$(dirname "$0")/lib/test.sh"

up() {
	local n
	need_cluster 3
	for n in 2 3; do
		[ "$(power_of "$n")" != off ] || lab node "$n" start
		wait_up "$n"
	done
}
frozen() { on 2 dmsetup ls | grep -c -e frozen || true; }

# What node 2 has of its own beside what every boot makes: a package's worth of files, and secrets of its administrator.
test_a_running_node_is_compared_with_its_image() {
	local out
	up
	# shellcheck disable=SC2016 # runs over there
	on 2 'mkdir -p /srv/mine /srv/before /root/.ssh && cp -a /etc/motd /etc/issue.net /etc/shadow- /srv/before/ 2>/dev/null; cp -a /usr/bin /srv/mine/ && echo captured >/etc/motd && rm -f /etc/issue.net && chmod 700 /usr/bin/jq &&
		echo "the-secret-of-node2" | tee /root/.ssh/id_test /root/.bash_history /var/log/mine.log /etc/shadow- >/dev/null && echo kept >/root/kept && sync'
	out=$(on 2 'time -p volmgr image diff node2' 2>"$TEST_LOGS/diff-time")
	assert_match 'a file that was added' 'added +- +5 B +/root/kept' "$out"
	assert_match 'a file that was changed' 'changed +content +9 B +/etc/motd' "$out"
	assert_match 'a mode' 'changed +mode +[^ ]+ [^ ]+ +/usr/bin/jq' "$out"
	assert_match 'a file that was removed' 'removed +- .* /etc/issue.net' "$out"
	assert_match 'what was added' "added.* /srv/mine/bin/bash" "$out"
	assert_eq 'what else is under /usr' '' "$(grep ' /usr/' <<<"$out" | grep -v ' /usr/bin/jq$' || true)"
	assert_eq 'what is mounted on it' '' "$(grep -E ' /(proc|sys|dev|run|tmp)/' <<<"$out" || true)"
	cat "$TEST_LOGS/diff-time"
}

# Killed while it copies; the root goes on, no device and no block of that moment stays. What was begun is on record and goes.
test_a_killed_capture_leaves_nothing_behind() {
	up
	on 2 'volmgr image capture 2 cut >/dev/null 2>&1 & pid=$!; until grep -qs /run/byre/fill /proc/$pid/mounts; do kill -0 $pid || exit 1; sleep 0.1; done; kill -KILL $pid'
	eventually 60 none_frozen
	on 2 'timeout 20 sh -c "echo x >/srv/after && sync -f /srv/after"'
	assert_match 'images' 'cut@1 .* unfinished ' "$(on 2 volmgr image list)"
	on 2 volmgr image remove cut@1
	assert_eq 'exit status of check' 0 "$(on 2 'volmgr check >/dev/null; echo $?')"
}
none_frozen() { [ "$(frozen)" = 0 ] && ! on 2 pgrep byre-guard; }

test_a_running_node_is_captured() {
	up
	# shellcheck disable=SC2016 # runs over there
	on 2 'systemd-run -q --unit=writer bash -c "while :; do date >>/srv/written; done"'
	assert_eq 'the image' taken@1 "$(on 2 'time -p volmgr image capture node2 taken' 2>"$TEST_LOGS/capture-time")"
	on 2 systemctl stop writer
	assert_eq 'devices of that moment' 0 "$(frozen)"
	on 2 volmgr image verify taken@1
	cat "$TEST_LOGS/capture-time"
}

# secrets N: what must be nowhere in an image, a line each: the cluster's keys, root's password, what makes the node itself.
secrets() {
	lab ssh "$1" -- bash -s <<-'END' | sort -u
		volmgr state show --secrets | jq -r '.. | strings' | grep -E '^([0-9a-f]{64}|\$[0-9a-z]+\$.*)$' | grep -v -F "$(volmgr status --json | jq -r '.images[].sha256')"
		cat /etc/machine-id
		hostname -f
		sed -n 2,4p /etc/ssh/ssh_host_ed25519_key
		sed -n 2,4p /etc/ssh/root_ed25519
		sed 's/.*=//' /etc/iscsi/initiatorname.iscsi
		echo the-secret-of-node2
	END
}

test_another_node_boots_what_was_captured() {
	local before device
	up
	before=$(on 3 cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub /etc/hostname | sha256sum)
	secrets 2 >"$TEST_LOGS/secrets"
	assert_le 'secrets' 8 "$(wc -l <"$TEST_LOGS/secrets")"
	power_off 3
	on 2 volmgr reset --image taken@1 node3
	power_on 3
	assert_eq 'its image' taken@1 "$(on 3 volmgr list --json | jq -r '.volumes[] | select(.volume == "node3.root") | .image')"
	assert_eq 'a file that was captured' captured "$(on 3 cat /etc/motd)"
	assert_eq 'a mode that was captured' 700 "$(on 3 stat -c %a /usr/bin/jq)"
	assert_eq 'what was removed' '' "$(on 3 'ls /etc/issue.net 2>/dev/null || true')"
	assert_eq 'a tree that was captured' "$(on 2 'cd /srv/mine && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum')" \
		"$(on 3 'cd /srv/mine && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum')"
	assert_eq 'itself' "$before" "$(on 3 cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub /etc/hostname | sha256sum)"
	assert_eq 'host name' node3 "$(on 3 hostname)"
	assert_eq 'host name over ssh from node 3 to node 2' node2 "$(on 3 ssh -o BatchMode=yes -o ConnectTimeout=10 node2 hostname)"
	assert_eq "password of root" "$(on 2 'getent shadow root | cut -d: -f2')" "$(on 3 'getent shadow root | cut -d: -f2')"
	assert_eq 'units that failed' '' "$(on 3 systemctl --failed --plain --no-legend)"
	# The bytes of the image themselves.
	device=$(on 3 'ls /dev/mapper/byre-*-taken@1')
	lab ssh 3 -- "LC_ALL=C grep -aoFf /dev/stdin $device | sort | uniq -c" <"$TEST_LOGS/secrets" >"$TEST_LOGS/leaked" || true
	assert_eq 'secrets in the image' '' "$(cat "$TEST_LOGS/leaked")"
}

test_the_node_goes_back_to_the_first_image() {
	up
	power_off 3
	on 2 volmgr reset node3
	power_on 3
	on 3 volmgr image remove taken@1
}

test_the_running_node_is_as_it_was() {
	up
	on 2 'rm -f /etc/shadow-; cp -a /srv/before/. /etc/; chmod 755 /usr/bin/jq; rm -rf /srv/* /root/kept /root/.ssh/id_test /root/.bash_history /var/log/mine.log'
}

[ -n "${CAPTURE-}${TESTS-}" ] ||
	TESTS='a_running_node_is_compared_with_its_image a_killed_capture_leaves_nothing_behind the_running_node_is_as_it_was'
run_tests
