# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Waiting for machines: on what the console says, and on a machine being up (its boot is finished, by its own systemd).

# seconds_since FILE: whole seconds since the time in a state file.
seconds_since() {
	local began
	began=$(get "$1" 0)
	echo $(($(date +%s) - ${began%.*}))
}

# give_up N WHY: says why machine N is not up, with the end of its console. Returns 1.
give_up() {
	warn "machine $1: $2; its console ends with:"
	machine_console "$1" | grep -v '^[[:space:]]*$' | tail -n 12 | sed 's/^/  | /' >&2
	return 1
}

# machine_panic N: prints the line when its kernel or its PID 1 has given up.
machine_panic() { machine_console "$1" | grep -a -m 1 -e 'Kernel panic' -e 'byre: cannot boot'; }

# tell_boot N: passes on what N's initrd says of waiting and of starting the system, once each: `told` of the caller counts the lines.
tell_boot() {
	local line lines=()
	mapfile -t lines < <(machine_console "$1" | grep -a -o 'byre: \(waiting: \|starting \).*')
	for line in "${lines[@]:$told}"; do say "node$1: ${line#byre: }"; done
	told=${#lines[@]}
}

# wait_node N: until machine N is up; prints a progress line, remembers the seconds. 1 when it will not come.
wait_node() {
	local n=$1 dir state panic told=0 limit=${LAB_BOOT_TIMEOUT:-600}
	dir=$(machine_dir "$n")
	while :; do
		machine_on "$n" || { give_up "$n" "it went off"; return 1; }
		state=$(node_state "$n") && break
		tell_boot "$n"
		panic=$(machine_panic "$n") && { give_up "$n" "$panic"; return 1; }
		(($(seconds_since "$dir/started") < limit)) || { give_up "$n" "not up after $limit s"; return 1; }
		sleep 0.5
	done
	put "$dir/ready" "$(seconds_since "$dir/started")"
	say "node$n: $state after $(get "$dir/ready") s"
}

# node_state N: prints "running", or "degraded (UNITS)", when the machine's boot is finished; else 1.
node_state() {
	local out
	# shellcheck disable=SC2016 # runs over there
	out=$(LAB_SSH_CONNECT=3 LAB_SSH_LIMIT=120 ssh_to "$1" 'systemctl is-system-running --wait; systemctl --failed --plain --no-legend | cut -d " " -f 1 | paste -s -d " "' 2>/dev/null)
	case $out in
	running*) echo running ;;
	degraded*) echo "degraded (${out#*$'\n'})" ;;
	*) return 1 ;;
	esac
}

# wait_install N SECONDS: follows the console of the installing machine: passes the installer's lines through until it is done
# and the machine serves the cluster (0), or has failed, or the machine or the time is gone (1 and a message).
wait_install() {
	local n=$1 deadline=$((SECONDS + $2)) line rc
	while :; do
		IFS= read -r -t $((deadline - SECONDS > 0 ? deadline - SECONDS : 1)) line
		rc=$?
		((rc <= 128)) || { give_up "$n" "the installation is not done after $2 s"; return 1; }
		((rc == 0)) || { give_up "$n" "it went off before the installation was done"; return 1; }
		install_line "$n" "$line" || return $(($? - 1))
	done < <(follow_console "$n")
}

# install_line N LINE: one line of its console. 0 go on, 1 all is well, 2 it has failed (and a message).
install_line() {
	case $2 in
	*'byre-install: failed'*) warn "node$1: byre-install: ${2##*byre-install: }"; return 2 ;;
	*'byre-live: installed, but'*) give_up "$1" "${2##*byre-live: }"; return 2 ;;
	*'Kernel panic'*) give_up "$1" "$2"; return 2 ;;
	*'byre-live: this machine serves'*) say "node$1: ${2##*byre-live: }"; return 1 ;;
	*'byre-install: '*) say "node$1: ${2##*byre-install: }" ;;
	*'] byre: '*) say "node$1: ${2##*] byre: }" ;;
	esac
	return 0
}

# follow_console N: the console's lines since the machine was switched on, and on, until it goes off.
follow_console() {
	local dir
	dir=$(machine_dir "$1")
	tail -c "+$(($(get "$dir/offset" 0) + 1))" -s 0.2 --pid="$(proc_pid "$dir/supervisor")" -f "$dir/console.log" | plain
}

# wait_nodes N...: waits for all of them at the same time; 1 when one will not come.
wait_nodes() {
	local n rc=0 pids=()
	for n; do
		wait_node "$n" &
		pids+=($!)
	done
	for n in "${pids[@]}"; do wait "$n" || rc=1; done
	return $rc
}
