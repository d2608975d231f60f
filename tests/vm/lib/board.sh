# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The board: what the cluster itself says about its nodes (`byre status --json` on a live node), beside what the lab knows.

# board_cluster: the cluster's own status from the first machine that answers; {} when none does.
board_cluster() {
	local n answer
	for n in $(machine_list); do
		[ "$(machine_power "$n")" = up ] || continue
		answer=$(LAB_SSH_CONNECT=5 LAB_SSH_LIMIT=30 ssh_to "$n" byre status --json 2>/dev/null) && jq -e 'type == "object"' <<<"$answer" >/dev/null 2>&1 &&
			printf '%s\n' "$answer" && return
	done
	echo '{}'
}

# board: one row per machine; `-` for what nobody could say.
board() {
	local cluster
	cluster=$(board_cluster)
	status_json | jq -r --argjson cluster "$cluster" '
		def bytes: if type == "number" then "\(. / 1048576 | floor) MiB" else . // "-" end;
		def seconds: if type == "number" then "\(. * 10 | floor / 10) s" else . // "-" end;
		([$cluster.nodes[]?] | map({key: (.number | tostring), value: .}) | from_entries) as $nodes
		| ["NODE", "MAC", "ADDRESS", "STATE", "ROOT", "IMAGE", "PRIVATE", "BOOT"],
		  (.machines[] | ($nodes[.number | tostring] // {}) as $n
		   | [($n.name // .name), .mac, ($n.address // .ip), (if .power == "up" then ($n.state // "up") else .power end),
		      ($n.root_volume // "-"), ($n.image // "-"), ($n.private_bytes | bytes), ((if $n.boot_ms then $n.boot_ms / 1000 else .boot_seconds end) | seconds)])
		| @tsv' |
		awk -F '\t' '{ printf "%-8s %-18s %-15s %-10s %-14s %-14s %-10s %s\n", $1, $2, $3, $4, $5, $6, $7, $8 }'
}

cmd_board() {
	[ $# = 0 ] || die_usage "usage: lab board"
	need_lab
	board
}
