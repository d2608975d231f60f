# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `lab node N VERB`: the buttons and the console of one machine.

cmd_node() {
	local n=${1-} verb=${2-}
	[ $# -ge 2 ] || die_usage "usage: lab node N start|stop|kill|reset|freeze|thaw|wait|console"
	check_machine "$n"
	shift 2
	case $verb in start | stop | kill | reset | freeze | thaw | wait | console) ;; *) die_usage "unknown verb 'node $verb'" ;; esac
	need_lab
	"node_$verb" "$n" "$@"
}

# node_start N [BOOT]: see the usage. The options are all checked before anything is changed.
node_start() {
	local n=$1
	machine_on "$n" && die "machine $n is on already"
	shift
	node_options "$@"
	machine_define "$n"
	node_remember "$n"
	machine_start "$n"
}

# node_options OPTIONS: fills opt[boot iso answers kernel initrd append mac mem], or exits 2 (usage) or 1 (a file is missing).
declare -A opt=()
node_options() {
	local key
	opt=()
	while [ $# -gt 0 ]; do
		case $1 in
		--net) opt[boot]=net; shift; continue ;;
		--iso | --kernel) opt[boot]=${1#--} ;;
		--initrd | --append | --answers | --mac | --mem | --chap) ;;
		*) die_usage "unknown option '$1'" ;;
		esac
		[ $# -ge 2 ] || die_usage "$1 wants a value"
		opt[${1#--}]=$2
		shift 2
	done
	for key in iso kernel initrd answers; do
		[ -z "${opt[$key]-}" ] || [ -r "${opt[$key]}" ] || die "cannot read ${opt[$key]}"
	done
	[[ ${opt[mac]-52:54:00:00:00:00} =~ ^[0-9a-f]{2}(:[0-9a-f]{2}){5}$ ]] || die_usage "'${opt[mac]}' is no MAC"
	[[ ${opt[mem]-1} =~ ^[1-9][0-9]*$ ]] || die_usage "'${opt[mem]}' is no number of MiB"
}

# node_remember N: keeps opt[] for this and the next starts. A new boot source replaces the old one with all that belonged to it.
node_remember() {
	local dir key
	dir=$(machine_dir "$1")
	[ -z "${opt[boot]-}" ] || (cd "$dir" && rm -f iso answers kernel initrd append)
	for key in boot append mac mem chap; do
		[ -z "${opt[$key]-}" ] || put "$dir/$key" "${opt[$key]}"
	done
	for key in iso kernel initrd; do
		[ -z "${opt[$key]-}" ] || put "$dir/$key" "$(realpath "${opt[$key]}")"
	done
	if [ -n "${opt[answers]-}" ]; then
		answers_iso "${opt[answers]}"
		put "$dir/answers" "$LAB_DIR/answers.iso"
	fi
}

# node_stop N: presses the power button and waits until the machine is off.
node_stop() {
	local pid
	pid=$(proc_pid "$(machine_dir "$1")/supervisor") || return 0
	machine_qmp "$1" system_powerdown >/dev/null
	proc_wait "$pid" "${LAB_STOP_TIMEOUT:-90}" || die "machine $1 is still on after ${LAB_STOP_TIMEOUT:-90} s: see 'lab shot $1', or cut its power with 'lab node $1 kill'"
}

node_kill() { machine_kill "$1"; }

node_reset() {
	machine_kill "$1"
	machine_start "$1"
}

# All its processors stand still, and its clocks with them, as if a hypervisor held it; what it has sent is on its way.
node_freeze() { node_qmp "$1" stop; }
node_thaw() { node_qmp "$1" cont; }

# node_qmp N COMMAND: or exit 1.
node_qmp() {
	local answer
	machine_on "$1" || die "machine $1 is off"
	answer=$(machine_qmp "$1" "$2")
	[[ $answer != *'"error"'* ]] || die "machine $1: $answer"
}

node_wait() {
	machine_on "$1" || die "machine $1 is off"
	wait_node "$1" || exit 1
}

node_console() {
	machine_on "$1" || die "machine $1 is off"
	echo "lab: console of machine $1; leave with Ctrl-]" >&2
	if [ -t 0 ]; then
		in_net socat "STDIO,raw,echo=0,escape=0x1d" "UNIX-CONNECT:$LAB_RUN/$1.console"
	else
		in_net socat STDIO "UNIX-CONNECT:$LAB_RUN/$1.console"
	fi
}

# cmd_shot N [FILE]
cmd_shot() {
	[ $# -ge 1 ] && [ $# -le 2 ] || die_usage "usage: lab shot N [FILE]"
	check_machine "$1"
	need_lab
	[ -d "$(machine_dir "$1")" ] || die "there is no machine $1"
	if [ $# = 2 ]; then machine_console "$1" | tee "$2"; else machine_console "$1"; fi
}
