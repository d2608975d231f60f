# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `lab status`: one JSON document, and a table made of it.

# machine_power N: off, booting or up. A machine that was not waited for is up as soon as its ssh answers.
machine_power() {
	if ! machine_on "$1"; then
		echo off
	elif [ -e "$(machine_dir "$1")/ready" ] || ssh_answers "$1"; then
		echo up
	else
		echo booting
	fi
}

# ssh_answers N: its ssh server greets within a second.
ssh_answers() {
	# shellcheck disable=SC2016 # expanded over there
	in_net timeout 1 bash -c 'exec 3<>"/dev/tcp/$0/22" && read -r hello <&3 && [[ $hello == SSH-* ]]' "$(machine_ip "$1")" 2>/dev/null
}

# machine_json N
machine_json() {
	local dir power cut=false
	dir=$(machine_dir "$1")
	power=$(machine_power "$1")
	is_cut "$1" && cut=true
	jq -n --argjson number "$1" --arg mac "$(machine_mac "$1")" --arg ip "$(machine_ip "$1")" --arg power "$power" \
		--arg boot "$(machine_boot "$1")" --arg pid "$(proc_pid "$dir/qemu")" --arg seconds "$(get "$dir/ready")" --argjson cut $cut \
		'{number: $number, name: "node\($number)", mac: $mac, ip: $ip, power: $power, boot: $boot,
		  pid: ($pid | tonumber? // null), boot_seconds: ($seconds | tonumber? // null), cut: $cut}'
}

# status_json: {lab, dir, state, san: see san_stats_json, machines: [see machine_json]}; state is up, making or interrupted.
status_json() {
	local n
	for n in $(machine_list); do machine_json "$n"; done |
		jq -s --arg lab "$LAB" --arg dir "$LAB_DIR" --arg state "$(lab_state)" --argjson san "$(san_stats_json)" \
			'{lab: $lab, dir: $dir, state: $state, san: $san, machines: .}'
}

# lab_state: none, up, making (a `lab up` runs) or interrupted.
lab_state() {
	if [ ! -e "$LAB_DIR/made" ]; then
		echo none
	elif [ -e "$LAB_DIR/complete" ]; then
		echo up
	elif proc_alive "$LAB_DIR/up"; then
		echo making
	else
		echo interrupted
	fi
}

status_text() {
	jq -r '
		"lab \(.lab): \(.state)",
		"SAN \(.san.portal) \(if .san.running then "running" else "stopped" end), \(.san.allocated_bytes / 1048576 | floor) MiB of \(.san.lun_bytes / 1048576 | floor) allocated, \(.san.read_bytes / 1048576 | floor) MiB read, \(.san.written_bytes / 1048576 | floor) MiB written",
		(["MACHINE", "MAC", "ADDRESS", "POWER", "BOOT", "PID", "SECONDS"],
		 (.machines[] | [.name, .mac, .ip, (if .cut then "\(.power) (cut)" else .power end), .boot, (.pid // "-"), (.boot_seconds // "-")]) | @tsv)' |
		table
}

# table: lines of tab-separated cells in columns; other lines pass.
table() { awk -F '\t' 'NF < 2 { print; next } { printf "%-9s %-18s %-15s %-13s %-8s %-8s %s\n", $1, $2, $3, $4, $5, $6, $7 }'; }

cmd_status() {
	local json=
	case ${1-} in '') ;; --json) json=1 ;; *) die_usage "unknown option '$1'" ;; esac
	if [ ! -e "$LAB_DIR/made" ]; then
		[ -z "$json" ] || { jq -n --arg lab "$LAB" --arg dir "$LAB_DIR" '{lab: $lab, dir: $dir, state: "none", san: null, machines: []}'; return; }
		echo "there is no lab '$LAB': run 'lab up'"
		return
	fi
	need_root
	if [ -n "$json" ]; then status_json; else status_json | status_text; fi
}
