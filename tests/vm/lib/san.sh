# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The SAN: tgtd in the lab's namespace with a private control socket, and one sparse file as its LUN; or LIO (lio.sh) with the same file.

san_tgtadm() { TGT_IPC_SOCKET=$LAB_RUN/tgtd in_net tgtadm -C 7 --lld iscsi "$@"; }
san_is_lio() { [ "$(get "$LAB_DIR/san" tgt)" = lio ]; }
san_running() { if san_is_lio; then lio_running; else proc_alive "$LAB_DIR/tgtd"; fi; }

# san_lun N: the file of LUN N.
san_lun() { if [ "$1" = 1 ]; then echo "$LAB_DIR/lun"; else echo "$LAB_DIR/lun$1"; fi; }

# san_make: the sparse LUN file; an existing one is kept.
san_make() {
	[ -e "$LAB_DIR/lun" ] || truncate -s "${LAB_LUN_SIZE:-32G}" "$LAB_DIR/lun" || die "cannot make the LUN of ${LAB_LUN_SIZE:-32G}"
}

# san_start: starts the target and opens it to everybody once the LUN is there; does nothing when it runs.
san_start() {
	san_running && return 0
	san_is_lio && { lio_start; return; }
	san_spawn || return 1
	san_tgtadm --mode target --op new --tid 1 -T "$LAB_SAN_IQN" &&
		san_tgtadm --mode logicalunit --op new --tid 1 --lun 1 -b "$LAB_DIR/lun" &&
		san_tgtadm --mode logicalunit --op update --tid 1 --lun 1 --params vendor_id=BYRE,product_id=LAB,scsi_sn="lab-$LAB" &&
		san_more_luns && san_second_portal && san_chap && san_tgtadm --mode target --op bind --tid 1 -I ALL && return 0
	san_stop
	warn "the SAN did not take its target: see $LAB_DIR/tgtd.log"
	return 1
}

# san_more_luns: those that `lab san add` has made, as LUN 2, 3, ...
san_more_luns() {
	local n
	for ((n = 2; ; n++)); do
		[ -e "$LAB_DIR/lun$n" ] || return 0
		[ -e "$LAB_DIR/hidden$n" ] || san_tgtadm --mode logicalunit --op new --tid 1 --lun "$n" -b "$LAB_DIR/lun$n" || return 1
	done
}

# san_add SIZE: one more LUN, while the target runs.
san_add() {
	local n=2
	while [ -e "$LAB_DIR/lun$n" ]; do n=$((n + 1)); done
	truncate -s "$1" "$LAB_DIR/lun$n" || die "cannot make a LUN of $1"
	san_running || return 0
	if san_is_lio; then lio_add "$n"; return; fi
	san_tgtadm --mode logicalunit --op new --tid 1 --lun "$n" -b "$LAB_DIR/lun$n"
}

# san_hide N, san_show N: a LUN of `lab san add` that is not exported for a while.
san_hide() {
	put "$LAB_DIR/hidden$1" 1
	! san_running || san_tgtadm --mode logicalunit --op delete --tid 1 --lun "$1"
}
san_show() {
	rm -f "$LAB_DIR/hidden$1"
	! san_running || san_tgtadm --mode logicalunit --op new --tid 1 --lun "$1" -b "$LAB_DIR/lun$1"
}

san_second_portal() { san_tgtadm --mode portal --op new --param "portal=$LAB_SAN_IP2:$LAB_SAN_PORT"; }

# san_chap: where $LAB_DIR/chap says "USER SECRET", nobody else may log in.
san_chap() {
	local user secret
	read -r user secret 2>/dev/null <"$LAB_DIR/chap" || return 0
	san_tgtadm --mode account --op new --user "$user" --password "$secret" && san_tgtadm --mode account --op bind --tid 1 --user "$user"
}

# san_spawn: tgtd runs and answers on its control socket, or 1 and a message.
san_spawn() {
	local pid i
	rm -f "$LAB_RUN/tgtd.7"
	pid=$(TGT_IPC_SOCKET=$LAB_RUN/tgtd spawn "$LAB_DIR/tgtd.log" tgtd -f -C 7 --iscsi "portal=$LAB_SAN_IP:$LAB_SAN_PORT")
	proc_record "$LAB_DIR/tgtd" "$pid"
	for ((i = 0; i < 200; i++)); do
		[ -S "$LAB_RUN/tgtd.7" ] && san_tgtadm --mode sys --op show >/dev/null 2>&1 && return 0
		proc_alive "$LAB_DIR/tgtd" || break
		sleep 0.05
	done
	warn "the SAN did not start: $(tail -n 1 "$LAB_DIR/tgtd.log")"
	san_stop
	return 1
}

# san_stop: the target is gone from one moment to the next; what it acknowledged is in the file.
san_stop() {
	local pid
	san_is_lio && { lio_stop; return; }
	pid=$(proc_pid "$LAB_DIR/tgtd") && kill -9 "$pid" && proc_wait "$pid" 10
	rm -f "$LAB_DIR/tgtd"
}

# san_count SET: ADDRESS BYTES per line: TCP payload that went to (read) or came from (written) each machine.
# The counters count IP packets; 20 bytes IP and 32 bytes TCP (with time stamps) per packet are no payload.
san_count() {
	in_net nft -j list set inet lab "$1" 2>/dev/null |
		jq -r '.nftables[] | .set? // empty | .elem[]? | .elem | "\(.val) \(.counter.bytes - 52 * .counter.packets)"'
}

# san_stats_json: {running, port, lun_bytes, allocated_bytes, read_bytes, written_bytes, machines: {ADDRESS: {read_bytes, written_bytes}}}.
# read and written count iSCSI bytes on the wire since `lab up` (data plus 48 bytes for each request and data unit), also over
# restarts of the target; allocated_bytes is what the LUN's file takes on the host's disk.
san_stats_json() {
	local up=false size allocated
	san_running && up=true
	size=$(stat -c %s "$LAB_DIR/lun" 2>/dev/null || echo 0)
	allocated=$(($(stat -c '%b * %B' "$LAB_DIR/lun" 2>/dev/null || echo 0)))
	{
		san_count read | sed 's/^/read_bytes /'
		san_count written | sed 's/^/written_bytes /'
	} | jq -nR --argjson up $up --argjson size "$size" --argjson allocated "$allocated" --arg portal "$LAB_SAN_IP:$LAB_SAN_PORT" '
		(reduce (inputs / " ") as [$what, $who, $bytes] ({}; .[$who][$what] = ($bytes | tonumber))
		 | map_values({read_bytes: (.read_bytes // 0), written_bytes: (.written_bytes // 0)})) as $machines
		| {running: $up, portal: $portal, lun_bytes: $size, allocated_bytes: $allocated,
		   read_bytes: ([$machines[].read_bytes] | add // 0), written_bytes: ([$machines[].written_bytes] | add // 0), machines: $machines}'
}

san_stats() {
	if [ "${1-}" = --json ]; then
		san_stats_json
	else
		san_stats_json | jq -r '
			"SAN \(.portal) \(if .running then "running" else "stopped" end): read \(.read_bytes) bytes, written \(.written_bytes) bytes, LUN \(.lun_bytes) bytes, \(.allocated_bytes) allocated",
			(.machines | to_entries[] | "  \(.key): read \(.value.read_bytes), written \(.value.written_bytes)")'
	fi
}

cmd_san() {
	case ${1-} in
	start | stop | stats) ;;
	add | hide | show) [ $# = 2 ] || die_usage "usage: lab san add SIZE, lab san hide|show N" ;;
	*) die_usage "usage: lab san start|stop|stats [--json]|add SIZE|hide N|show N" ;;
	esac
	need_lab
	[[ $1 != hide && $1 != show ]] || { [[ $2 =~ ^[2-9]$ ]] && [ -e "$LAB_DIR/lun$2" ]; } || die "there is no LUN $2 of 'lab san add'"
	case $1 in
	start) san_start || exit 1 ;;
	stop) san_stop ;;
	add) san_add "$2" ;;
	hide) san_hide "$2" ;;
	show) san_show "$2" ;;
	stats) san_stats "${2-}" ;;
	esac
}
