# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A machine's firmware that has iSCSI settings: it hands CHAP's user and secret to the system in the ACPI table iBFT (iSCSI Boot Firmware Table, IBM, 1.03).

# ibft_args N: QEMU's arguments for machine N's table, one per line; nothing when the firmware has no settings ("-"). A DVD is booted without any.
ibft_args() {
	local dir chap
	dir=$(machine_dir "$1")
	chap=$(get "$dir/chap")
	[ -n "$chap" ] && chap="${chap%%:*} ${chap#*:}"
	[ -n "$chap" ] || [ "$(machine_boot "$1")" = iso ] || chap=$(get "$LAB_DIR/chap")
	[[ -n $chap && $chap != -* ]] || return 0
	(umask 077; ibft_table "$(machine_mac "$1")" "${chap%% *}" "${chap#* }" >"$dir/ibft")
	printf '%s\n' -acpitable "sig=iBFT,rev=1,data=$dir/ibft"
}

# le16 N: two bytes.
le16() { printf '%b' "$(printf '\\x%02x\\x%02x' $(($1 & 255)) $(($1 >> 8)))"; }
zeros() { head -c "$1" /dev/zero; }

# ibft_table MAC USER SECRET: the table without ACPI's header of 36 bytes: control, initiator and target structures, then the texts; offsets count from
# the header's start.
ibft_table() {
	local initiator=iqn.2026-11.org.byre:${1//:/} target=$LAB_SAN_IQN user=$2 secret=$3 text ip
	local at_initiator=68 at_target=144 at=200
	IFS=. read -ra ip <<<"$LAB_SAN_IP"
	zeros 12
	printf '\1\1'; le16 18; printf '\0\0'; le16 0; le16 $at_initiator; le16 0; le16 $at_target; le16 0; le16 0
	zeros $((at_initiator - 66))
	printf '\2\1'; le16 74; printf '\0\3'; zeros 64; le16 ${#initiator}; le16 $at
	at=$((at + ${#initiator} + 1))
	zeros $((at_target - at_initiator - 74))
	printf '\4\1'; le16 54; printf '\0\3'; zeros 10; printf '\377\377%b' "$(printf '\\x%02x' "${ip[@]}")"; le16 "$LAB_SAN_PORT"; zeros 8; printf '\1\0'
	for text in "$target" "$user" "$secret"; do
		le16 ${#text}; le16 $at
		at=$((at + ${#text} + 1))
	done
	zeros 10 # nothing that the SAN would have to prove
	printf '%s\0' "$initiator" "$target" "$user" "$secret"
}
