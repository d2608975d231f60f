# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `lab up`: from nothing to a running cluster. The network is made first; the rest runs inside it, so that `lab down` finds it all.

# cmd_up: see the usage; everything that can be wrong with the arguments is said before anything is made.
cmd_up() {
	local nodes=3 iso=$LAB_ISO answers='' bare='' san=tgt chap=''
	while [ $# -gt 0 ]; do
		case $1 in
		--bare) bare=1; shift; continue ;;
		--nodes | --iso | --answers | --san | --chap) [ $# -ge 2 ] || die_usage "$1 wants a value" ;;
		*) die_usage "unknown option '$1'" ;;
		esac
		case $1 in
		--nodes) nodes=$2 ;;
		--iso) iso=$2 ;;
		--answers) answers=$2 ;;
		--san) san=$2 ;;
		--chap) chap=$2 ;;
		esac
		shift 2
	done
	check_machine "$nodes"
	case $san in tgt | lio) ;; *) die_usage "--san is tgt or lio" ;; esac
	[[ -z $chap || $chap =~ ^[^:\ ]+:[^\ ]+$ ]] || die_usage "--chap is USER:SECRET"
	need_root
	need_tools ip nsenter nft tgtd tgtadm qemu-system-x86_64 socat ssh ssh-keygen xorriso jq openssl
	[ -n "$bare" ] || [ -r "$iso" ] || die "cannot read $iso: make it with 'make iso', or name one with --iso"
	[ -z "$answers" ] || [ -r "$answers" ] || die "cannot read $answers"
	up_existing && return
	up_make "$nodes" "$iso" "$answers" "$bare" "$san" "$chap"
}

# up_existing: 0 when the lab is up already (its machines are switched on again); 1 when there is none (what an interrupted
# `lab up` left behind is removed). Exit 1 when it is being made.
up_existing() {
	case $(lab_state) in
	making) die "another 'lab up' of '$LAB' is running (pid $(proc_pid "$LAB_DIR/up"))" ;;
	up) say "the lab '$LAB' is up already"; up_again; return 0 ;;
	interrupted) say "removing what an interrupted 'lab up' left behind"; down ;;
	esac
	return 1
}

# up_again: SAN and nodes that are off are switched on, and waited for. Other machines are left as they are.
up_again() {
	local n off=
	san_start || exit 1
	for n in $(seq "$(get "$LAB_DIR/nodes")"); do
		machine_on "$n" && continue
		say "node$n: switched on"
		machine_start "$n"
		off="$off $n"
	done
	# shellcheck disable=SC2086 # numbers
	wait_nodes $off || exit 1
}

# up_make NODES ISO ANSWERS BARE SAN CHAP: the network, then the rest inside it. Does not return.
up_make() {
	net_claim
	proc_record "$LAB_DIR/up" $$
	put "$LAB_DIR/nodes" "$1"
	put "$LAB_DIR/san" "$5"
	[ -z "$6" ] || (umask 077; put "$LAB_DIR/chap" "${6%%:*} ${6#*:}")
	net_up
	LAB_SECONDS=$SECONDS exec nsenter --net="/run/netns/$LAB_NS" "$LAB_HERE/lab" --up "$1" "$(realpath "$2")" "${3:+$(realpath "$3")}" "$4"
}

# up_inside NODES ISO ANSWERS BARE (`lab --up`)
up_inside() {
	SECONDS=${LAB_SECONDS:-0}
	ssh_key
	san_make
	san_start || up_failed
	say "the SAN is up: $LAB_SAN_IQN at $LAB_SAN_IP:$LAB_SAN_PORT, $(numfmt --to=iec "$(stat -c %s "$LAB_DIR/lun")") bytes"
	if [ -z "$4" ]; then
		up_install "$1" "$2" "$3" || up_failed
		up_boot "$1" || up_failed
		up_detach || up_failed
	fi
	put "$LAB_DIR/complete" "$SECONDS"
	rm -f "$LAB_DIR/up"
	[ -n "$4" ] || { echo; board; }
}

up_failed() {
	warn "the lab '$LAB' is not up; it is left for a look: 'lab status', 'lab shot N'; 'lab down' removes it"
	exit 1
}

# up_install NODES ISO ANSWERS: machine 1 from the ISO, with its answers; 0 when it says that it is done.
up_install() {
	local info=$3
	if [ -z "$info" ]; then
		info=$LAB_DIR/INSTALL.info
		answers_text "$1" >"$info"
	fi
	opt=([boot]=iso [iso]=$2 [answers]=$info)
	machine_define 1
	node_remember 1
	say "machines are emulated with $(accel)"
	machine_start 1
	say "node1: boots from $(basename "$2"), installs a cluster of $1"
	wait_install 1 "${LAB_INSTALL_TIMEOUT:-1800}"
}

# up_boot NODES: the others boot from the network, all at once.
up_boot() {
	local n list=()
	for ((n = 2; n <= $1; n++)); do
		machine_define "$n"
		machine_start "$n"
		list+=("$n")
	done
	((${#list[@]})) || return 0
	say "${#list[@]} machines without a disk boot from the network"
	wait_nodes "${list[@]}"
}

# up_detach: machine 1 boots from the network too; its ISO is taken out. With no other node there is nobody to boot from.
up_detach() {
	(($(get "$LAB_DIR/nodes") > 1)) || return 0
	say "node1: the ISO is detached, it reboots from the network"
	(node_stop 1) || machine_kill 1
	# shellcheck disable=SC2034 # for node_remember
	opt=([boot]=net)
	node_remember 1
	machine_start 1
	wait_node 1
}
