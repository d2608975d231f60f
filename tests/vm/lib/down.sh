# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `lab down`: removes all that was made, also when `lab up` or an earlier `lab down` was killed at any moment.

# down: processes, then the namespace with its devices, then the files; what says that the lab exists goes last.
down() {
	local pid
	pid=$(proc_pid "$LAB_DIR/up") && kill -9 "$pid" 2>/dev/null
	down_processes
	[ ! -e "/run/netns/$LAB_NS" ] || ip netns del "$LAB_NS" || die "cannot remove the network namespace $LAB_NS"
	rm -rf "$LAB_DIR"
	rm -rf "$LAB_RUN"
	rmdir --ignore-fail-on-non-empty /run/byre-lab "$LAB_BUILD/lab" 2>/dev/null
	return 0
}

# down_processes: kills what lives in the namespace until two looks in a row find nothing.
down_processes() {
	local pids empty=0 tries=0
	while ((empty < 2)); do
		pids=$(net_pids | grep -vxF "$$")
		if [ -z "$pids" ]; then
			empty=$((empty + 1))
		else
			empty=0
			# shellcheck disable=SC2086 # pids
			kill -9 $pids 2>/dev/null
			((++tries < 200)) || die "processes of the lab do not die: ${pids//$'\n'/ }"
		fi
		sleep 0.05
	done
}

cmd_down() {
	local owner
	[ $# = 0 ] || die_usage "usage: lab down"
	need_root
	owner=$(net_owner)
	[ -z "$owner" ] || [ "$owner" = "$LAB_DIR" ] || die "the lab '$LAB' belongs to $owner: its LAB_DIR takes it down"
	if [ -z "$owner" ] && [ ! -e "$LAB_DIR/made" ]; then
		[ ! -d "$LAB_RUN" ] || rm -rf "$LAB_RUN"
		return 0
	fi
	down
	say "the lab '$LAB' is down"
}
