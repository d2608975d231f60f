# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A power controller, as racks have one: a service at the host's address that cuts a machine's power when it is asked to. One line in, one line out:
# "off N" is answered with "off" when machine N is off. Anybody in the lab's network may ask; it is a lab.

LAB_BMC_PORT=623

# bmc_set HOW: it works, or refuses everything, or takes the question and never answers.
bmc_set() {
	local pid
	put "$LAB_DIR/bmc" "$1"
	proc_alive "$LAB_DIR/bmc-service" && return 0
	pid=$(spawn "$LAB_DIR/bmc.log" socat "TCP-LISTEN:$LAB_BMC_PORT,bind=$LAB_HOST_IP,reuseaddr,fork" "EXEC:$LAB_HERE/lab --bmc")
	proc_record "$LAB_DIR/bmc-service" "$pid"
}

# bmc_answer (`lab --bmc`): one question on stdin. What was asked goes into bmc.log, too.
bmc_answer() {
	local verb n
	read -r verb n
	echo "$(get "$LAB_DIR/bmc"): $verb $n" >>"$LAB_DIR/bmc.log"
	case $(get "$LAB_DIR/bmc") in
	hangs) read -r verb ;; # until whoever asked has gone
	works)
		[ "$verb" = off ] && [ -d "$(machine_dir "$n")" ] && machine_kill "$n" && echo off && return
		echo "what?"
		;;
	*) echo "no" ;;
	esac
}

cmd_bmc() {
	[ $# = 1 ] || die_usage "usage: lab bmc works|refuses|hangs"
	case $1 in works | refuses | hangs) ;; *) die_usage "a power controller works, refuses or hangs" ;; esac
	need_lab
	need_tools socat
	bmc_set "$1"
}
