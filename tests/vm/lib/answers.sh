# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The installer's answers: INSTALL.info for this lab's machines, and the small ISO that carries it.

# ssh_key: the lab's own key pair, made once.
ssh_key() {
	[ -s "$LAB_DIR/ssh/id.pub" ] && return 0
	rm -rf "$LAB_DIR/ssh"
	mkdir -m 0700 "$LAB_DIR/ssh" && ssh-keygen -q -t ed25519 -N '' -C "lab $LAB" -f "$LAB_DIR/ssh/id" || die "cannot make an ssh key"
}

# answers_text NODES: prints INSTALL.info for machines 1 to NODES; flat `key = value` lines, # comments. Lines of LAB_ANSWERS stand for ours.
answers_text() {
	answers_ours "$1" | awk -F ' *= *' '
		NR == FNR { more[$1]; print; next }
		!($1 in more)' <(printf '%s\n' "${LAB_ANSWERS-}"; answers_chap) -
}

answers_chap() {
	local user secret
	read -r user secret 2>/dev/null <"$LAB_DIR/chap" && printf 'chap-user = %s\nchap-secret = %s\n' "$user" "$secret"
}

# answers_ours NODES
answers_ours() {
	local i
	cat <<-EOF
		# INSTALL.info of the lab '$LAB'
		base-distribution = debian12
		storage-ip = $LAB_SAN_IP
		storage-port = $LAB_SAN_PORT
		storage-netmask = 255.255.255.0
		meta-master-ip = $LAB_LIVE_IP
		connection-kind = ethernet
		number-of-nodes = $1
		iscsi-target = $LAB_SAN_IQN
		volume-size = 5120
		swap-size = 256
		shared-size = 1024
		store-size = 1024
		free-space-allocation = largest
		container-name = debian12
		shared-fs-id = sharedfs
		primary-gateway-local-ip = $LAB_NET.1
		backup-gateway-local-ip = $LAB_NET.2
		spare-local-ip = $LAB_NET.253
		domain = byre.lab
		first-node-ip-netboot-netstorage = $LAB_NET.1
		cluster-hostname = node
		mac-gather-procedure = manual
	EOF
	for ((i = 1; i <= $1; i++)); do echo "mac.$i = $(machine_mac "$i")"; done
	echo "root-password-hash = $(openssl passwd -6 byre)"
	echo "ssh-key = $(cat "$LAB_DIR/ssh/id.pub")"
	echo "unattended = yes"
}

# answers_iso INFO: makes $LAB_DIR/answers.iso, labelled BYRE-ANSWERS, of that file.
answers_iso() {
	xorriso -as mkisofs -quiet -V BYRE-ANSWERS -J -r -o "$LAB_DIR/answers.iso" -graft-points "INSTALL.info=$1" >"$LAB_DIR/xorriso.log" 2>&1 ||
		die "cannot make the answers medium: $(tail -n 1 "$LAB_DIR/xorriso.log")"
}
