# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A cluster of two nodes, and whole boots of one of them: what a boot takes from the SAN, and where its time goes.

step_install() { with_lock install_cluster; }

install_cluster() {
	local read written
	lab bench down && lab bench up --nodes 2 || return 1
	# Node 1 came last and served nobody yet. (The live system had another address.)
	read -r read written < <(san bench 192.168.0.1)
	install_init && node_facts || return 1
	jq -n --argjson read "$read" --argjson written "$written" \
		--slurpfile list "$BENCH_OUT/volumes.json" --slurpfile status "$BENCH_OUT/container.json" --arg cmdline "$(cat "$BENCH_OUT/cmdline")" \
		--argjson squashfs "$(stat -c %s "$BENCH_SQUASHFS")" --argjson iso "$(stat -c %s "$BENCH_BUILD/byre.iso")" \
		'{first_boot: {read_bytes: $read, written_bytes: $written}, volumes: $list[0], container: $status[0], cmdline: $cmdline,
		  squashfs_bytes: $squashfs, iso_bytes: $iso}' | keep install
}

# The comparison's first program, in node 2's root.
install_init() {
	lab bench ssh 2 'cat >/usr/local/sbin/bench-init && chmod 755 /usr/local/sbin/bench-init && sync' <"$BENCH_HERE/bench-init"
}

node_facts() {
	lab bench ssh 2 cat /proc/cmdline >"$BENCH_OUT/cmdline" && lab bench ssh 2 volmgr list --json >"$BENCH_OUT/volumes.json" &&
		lab bench ssh 2 volmgr status --json >"$BENCH_OUT/container.json"
}

step_boots() {
	local i
	with_lock boots_one >"$BENCH_OUT/boots" || return 1
	for ((i = 1; i < BENCH_BOOTS; i++)); do with_lock boots_one >>"$BENCH_OUT/boots" || return 1; done
	jq -s . "$BENCH_OUT/boots" | keep boots
}

# boots_one: node 2 is switched off and on again; prints the boot as JSON. The server's share: what node 1, which gives it kernel and
# initrd, reads for that.
boots_one() {
	local own server
	say "a whole boot of node 2 from the network" >&2
	lab bench node 2 stop && own=$(san bench 192.168.0.2) && server=$(san bench 192.168.0.1) &&
		lab bench node 2 start --net --mem 512 && lab bench node 2 wait >&2 || return 1
	own=$(minus "$(san bench 192.168.0.2)" "$own")
	server=$(minus "$(san bench 192.168.0.1)" "$server")
	boots_json "$own" "$server"
}

# boots_json "READ WRITTEN" "READ WRITTEN": of the node, of its server.
boots_json() {
	lab bench ssh 2 'cat /run/byre/boot.json' >"$BENCH_OUT/boot.json" && lab bench ssh 2 'systemd-analyze time' >"$BENCH_OUT/analyze" &&
		lab bench ssh 2 'systemd-analyze blame --no-pager | head -n 8' >"$BENCH_OUT/blame" || return 1
	jq -n --argjson read "${1% *}" --argjson written "${1#* }" --argjson server "${2% *}" \
		--argjson wall "$(lab bench status --json | jq '.machines[] | select(.number == 2).boot_seconds')" \
		--slurpfile phases "$BENCH_OUT/boot.json" --rawfile analyze "$BENCH_OUT/analyze" --rawfile blame "$BENCH_OUT/blame" \
		'{read_bytes: $read, written_bytes: $written, server_read_bytes: $server, seconds_to_login: $wall,
		  phases: $phases[0].phases, switch_root_ms: $phases[0].switch_root_ms,
		  systemd_analyze: ($analyze | split("\n")[0]), slowest_units: ($blame | split("\n") | map(select(. != "")))}'
}

step_down() {
	lab bench down
	lab bench-debian down
}
