# shellcheck shell=bash
# shellcheck disable=SC2034 # used by the other parts
# SPDX-License-Identifier: GPL-2.0-or-later
# What every part of the lab uses: names and places, messages, small state files, processes.
#
# Places: $LAB_DIR   the lab's state (removed by `lab down`); one value per file
#         $LAB_RUN   sockets (a socket's path must stay short), and `owner`: the LAB_DIR of the tree that made this lab
#         $LAB_NS    the network namespace. Every process of a lab lives in it, so the namespace is the list of
#                    what has to be killed: nothing can be started and forgotten.

LAB=${LAB:-demo}
LAB_TREE=$(cd "$LAB_HERE/../.." && pwd)
LAB_BUILD=${LAB_BUILD:-$LAB_TREE/build}
LAB_DIR=$(realpath -m "${LAB_DIR:-$LAB_BUILD/lab/$LAB}")
LAB_ISO=$(realpath -m "${LAB_ISO:-$LAB_BUILD/byre.iso}")
export LAB LAB_BUILD LAB_DIR LAB_ISO
LAB_RUN=/run/byre-lab/$LAB
LAB_NS=byre-$LAB
LAB_NET=192.168.0
LAB_SAN_IP=$LAB_NET.250
LAB_SAN_IP2=$LAB_NET.248 # its second portal
LAB_SAN_PORT=${LAB_SAN_PORT:-3260}
LAB_SAN_IQN=iqn.2026-11.org.byre.lab:san
LAB_HOST_IP=$LAB_NET.249
LAB_LIVE_IP=$LAB_NET.253

# lab_version: the tree's version, as the programs print it.
lab_version() {
	local v
	v=$(cat "$LAB_TREE/VERSION" 2>/dev/null) || v=$(sed -n 's/^VERSION *[:?]*= *//p' "$LAB_TREE/Makefile" 2>/dev/null | head -n 1)
	echo "${v:-0}"
}

# say WORDS: a progress line with the seconds since this command started.
say() { printf 'lab: %4d s  %s\n' "$SECONDS" "$*"; }
warn() { printf 'lab: %s\n' "$*" >&2; }
die() { warn "$*"; exit 1; }
die_usage() { warn "$*"; echo "Try 'lab --help'" >&2; exit 2; }

check_name() {
	[[ $LAB =~ ^[a-z][a-z0-9-]{0,19}$ ]] || die_usage "LAB='$LAB': a lab's name is a letter, then at most 19 of a-z 0-9 -"
}

# check_machine N: N is a machine number, 1 to 200; else exit 2.
check_machine() {
	[[ ${1-} =~ ^[1-9][0-9]{0,2}$ ]] && ((10#$1 <= 200)) || die_usage "'${1-}' is no machine number (1 to 200)"
}

need_root() { [ "$(id -u)" = 0 ] || die "needs root: run it with sudo"; }

# need_tools TOOL...: all there, or exit 1 with the remedy.
need_tools() {
	local t
	for t in "$@"; do
		command -v "$t" >/dev/null || die "$t is missing: run 'build-aux/deps lab' as root"
	done
}

# need_lab: the lab exists (at least half), or exit 1 with the remedy.
need_lab() {
	[ -e "$LAB_DIR/made" ] || die "there is no lab '$LAB': run 'lab up'"
	need_root
}

# put FILE VALUE: replaces a state file at once (a reader sees the old or the new value).
put() {
	printf '%s\n' "$2" >"$1.new.$BASHPID" && mv -f "$1.new.$BASHPID" "$1"
}

# get FILE [DEFAULT]: the value of a state file, or the default.
get() {
	local value
	if { read -r value <"$1"; } 2>/dev/null; then printf '%s\n' "$value"; else printf '%s\n' "${2-}"; fi
}

# proc_start PID: when the process started, in ticks since boot; with the pid it names a process for good. Fails when it is gone.
proc_start() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	# shellcheck disable=SC2086 # the fields after "(name)"
	set -- ${stat##*) }
	[ "$1" != Z ] && printf '%s\n' "${20}"
}

# proc_record FILE PID: remembers a process; proc_alive FILE: it still runs; proc_pid FILE: its pid if it still runs, else nothing.
proc_record() { put "$1" "$2 $(proc_start "$2")"; }
proc_pid() {
	local pid start
	{ read -r pid start <"$1"; } 2>/dev/null || return 1
	[ -n "${start:-}" ] && [ "$(proc_start "$pid")" = "$start" ] && printf '%s\n' "$pid"
}
proc_alive() { proc_pid "$1" >/dev/null; }

# proc_wait PID SECONDS: until the process (no child of ours) is gone; 1 when it is still there after SECONDS.
proc_wait() { timeout "$2" tail --pid="$1" -s 0.1 -f /dev/null; }

# inside_net: this process already lives in the lab's namespace.
inside_net() { [ "/proc/self/ns/net" -ef "/run/netns/$LAB_NS" ]; }

# in_net COMMAND: runs a command in the lab's network namespace.
in_net() {
	if inside_net; then "$@"; else nsenter --net="/run/netns/$LAB_NS" "$@"; fi
}

# net_pids: the processes that live in the lab's namespace, one per line.
net_pids() { ip netns pids "$LAB_NS" 2>/dev/null; }

# spawn LOG COMMAND: a process in the namespace with nothing of ours open, in a session of its own. Prints its pid.
# in_net execs all the way, so the pid is that of COMMAND.
spawn() {
	local log=$1
	shift
	(
		exec </dev/null >>"$log" 2>&1
		close_fds
		if inside_net; then exec setsid "$@"; else exec setsid nsenter --net="/run/netns/$LAB_NS" "$@"; fi
	) &
	printf '%s\n' $!
}

# close_fds: closes what was inherited above stderr (bash keeps its own script on 255).
close_fds() {
	local fd
	for fd in /proc/self/fd/*; do
		fd=${fd##*/}
		((fd > 2 && fd < 255)) && eval "exec $fd>&-"
	done 2>/dev/null
}
