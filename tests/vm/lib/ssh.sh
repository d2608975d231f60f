# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Commands on a machine, as root, with the lab's own key. Nothing of the caller's ssh configuration is used.

# ssh_to N [OPTIONS] [COMMAND]: ssh's exit code, 255 when the machine cannot be reached, 124 after LAB_SSH_LIMIT seconds.
ssh_to() {
	local n=$1
	shift
	in_net timeout --foreground "${LAB_SSH_LIMIT:-0}" ssh -F none -i "$LAB_DIR/ssh/id" -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout="${LAB_SSH_CONNECT:-10}" \
		-o ServerAliveInterval=15 -o ServerAliveCountMax=12 -o PreferredAuthentications=publickey \
		"root@$(machine_ip "$n")" "$@"
}

cmd_ssh() {
	local n=${1-}
	[ $# -ge 1 ] || die_usage "usage: lab ssh N [--] [COMMAND]"
	check_machine "$n"
	shift
	[ "${1-}" = -- ] && shift
	need_lab
	machine_on "$n" || die "machine $n is off: switch it on with 'lab node $n start'"
	ssh_to "$n" "$@"
}
