# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The lab's network: one namespace, one bridge (the switch), one tap per machine (the cables), counters on the target's port.

# net_owner: the LAB_DIR of the lab that has this name on this machine, or nothing.
net_owner() { get "$LAB_RUN/owner"; }

# net_claim: takes the lab's name on this machine, and writes down what is going to be made BEFORE any of it is made.
# Exit 1 when the name or the folder is somebody else's.
net_claim() {
	local owner
	owner=$(net_owner)
	[ -z "$owner" ] || [ "$owner" = "$LAB_DIR" ] || die "the lab '$LAB' belongs to $owner: choose another name with LAB=..."
	if [ -z "$owner" ]; then
		[ ! -e "/run/netns/$LAB_NS" ] || die "there is a network namespace $LAB_NS that no lab made: choose another name with LAB=..."
		[ -z "$(ls -A "$LAB_DIR" 2>/dev/null)" ] || die "$LAB_DIR is not empty and no lab's folder: choose another with LAB_DIR=..."
	fi
	mkdir -p "$LAB_RUN" && put "$LAB_RUN/owner" "$LAB_DIR" && mkdir -p "$LAB_DIR" &&
		put "$LAB_DIR/made" "netns $LAB_NS, sockets $LAB_RUN, files $LAB_DIR" || die "cannot write to $LAB_RUN and $LAB_DIR"
}

# net_up: makes namespace, bridge and counters.
net_up() {
	ip netns add "$LAB_NS" || die "cannot make the network namespace $LAB_NS"
	in_net ip link set lo up
	in_net ip link add lan type bridge stp_state 0 forward_delay 0 mcast_snooping 0 || die "cannot make a bridge in $LAB_NS"
	san_is_lio || in_net ip addr add "$LAB_SAN_IP/24" dev lan
	in_net ip addr add "$LAB_SAN_IP2/24" dev lan
	in_net ip addr add "$LAB_HOST_IP/24" dev lan
	# The firmware waits for an IPv6 router; the nodes' dnsmasq advertises fd77::/64.
	in_net ip addr add fd77::250/64 dev lan nodad
	in_net ip link set lan up
	net_count || warn "no counters on the SAN's port: nft failed"
}

# net_count: counts, per machine, the packets and bytes of the target's port in both directions; `cut` drops them all.
net_count() {
	in_net nft -f - <<-EOF
		table inet lab {
			set read { type ipv4_addr; size 4096; flags dynamic; counter; }
			set written { type ipv4_addr; size 4096; flags dynamic; counter; }
			chain cut_in { type filter hook input priority -10; }
			chain in { type filter hook input priority 0; ip daddr $LAB_SAN_IP tcp dport $LAB_SAN_PORT add @written { ip saddr }; }
			chain out { type filter hook output priority 0; ip saddr $LAB_SAN_IP tcp sport $LAB_SAN_PORT add @read { ip daddr }; }
		}
	EOF
}

# net_plug N: the machine's tap, plugged into the bridge; keeps what is there already.
net_plug() {
	in_net ip link show "tap$1" >/dev/null 2>&1 && return 0
	in_net ip tuntap add dev "tap$1" mode tap && in_net ip link set "tap$1" master lan up ||
		die "cannot make the tap of machine $1"
}

net_cut_machine() {
	in_net ip link set "tap$1" nomaster || die "machine $1 has no cable yet: start it first"
}

net_heal_machine() {
	in_net ip link set "tap$1" master lan || die "machine $1 has no cable yet: start it first"
}

# is_cut N: machine N's cable is pulled.
is_cut() {
	in_net ip link show "tap$1" >/dev/null 2>&1 && ! in_net ip -o link show "tap$1" | grep -q ' master lan '
}

# The SAN's cable: its packets vanish, no connection is refused or reset. WHAT: san, the first portal's, or san2, the second one's.
net_portal() { if [ "$1" = san2 ]; then echo "$LAB_SAN_IP2"; else echo "$LAB_SAN_IP"; fi; }
net_cut_san() {
	san_is_lio && { net_cut_machine san; return; }
	net_heal_san "$1"
	in_net nft "add rule inet lab cut_in ip daddr $(net_portal "$1") tcp dport $LAB_SAN_PORT drop"
}
net_heal_san() {
	local handle
	san_is_lio && { net_heal_machine san; return; }
	for handle in $(in_net nft -a list chain inet lab cut_in | sed -n "s/.* daddr $(net_portal "$1") .* # handle //p"); do
		in_net nft delete rule inet lab cut_in handle "$handle"
	done
}

cmd_net() {
	local verb=${1-} what=${2-}
	[ $# = 2 ] || die_usage "usage: lab net cut|heal N"
	need_lab
	[[ $what =~ ^san2?$ ]] || check_machine "$what"
	case $verb in
	cut) if [[ $what = san* ]]; then net_cut_san "$what"; else net_cut_machine "$what"; fi ;;
	heal) if [[ $what = san* ]]; then net_heal_san "$what"; else net_heal_machine "$what"; fi ;;
	*) die_usage "unknown verb 'net $verb'" ;;
	esac
}
