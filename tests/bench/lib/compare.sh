# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# From the kernel's start to the first program of the real root, on the kernel's own clock, with each of the initrds: the same
# machine, kernel, SAN and console; the kernel and the initrd are loaded by QEMU, so that firmware and PXE are not in it.
# byre's find node 2's volume in the cluster of step `install`. Debian's mount a plain file system on a LUN of its own: no image,
# no volumes over it, and their own check of the file system is left out.

COMPARE_PORTAL=192.168.0.250
COMPARE_IQN=iqn.2026-11.org.byre.lab:san
COMPARE_INITIATOR=iqn.2026-11.org.byre.lab:bench

compare_lab() { case $1 in byre*) echo bench ;; *) echo bench-debian ;; esac; }

# compare_append VARIANT: its kernel command line.
compare_append() {
	local all="console=tty0 console=ttyS0,115200 quiet net.ifnames=0 init=/usr/local/sbin/bench-init"
	local plain="root=UUID=$INITRDS_UUID ro rootfstype=ext4 fsck.mode=skip"
	case $1 in
	byre*) echo "$(jq -r .cmdline "$BENCH_OUT/install.json" | tr ' ' '\n' | grep -v -E '^(BOOT_IMAGE=|initrd=|console=|quiet|net.ifnames=|---)' | paste -s -d ' ') $all" ;;
	initramfs-tools*)
		echo "$plain ip=192.168.0.2:::255.255.255.0::eth0:off iscsi_initiator=$COMPARE_INITIATOR iscsi_target_name=$COMPARE_IQN \
iscsi_target_ip=$COMPARE_PORTAL iscsi_target_port=3260 $all" ;;
	dracut*)
		echo "$plain ip=192.168.0.2:::255.255.255.0::eth0:none rd.neednet=1 netroot=iscsi:$COMPARE_PORTAL::3260:1:$COMPARE_IQN \
rd.iscsi.initiator=$COMPARE_INITIATOR $all" ;;
	esac
}

# compare_prepare: the cluster's machines are off; the second lab has the plain root on its LUN.
compare_prepare() {
	local n
	for n in 2 1; do lab bench node $n stop || lab bench node $n kill; done
	lab bench-debian status --json | jq -e '.state == "up"' >/dev/null && return
	lab bench-debian down && LAB_LUN_SIZE=2G lab bench-debian up --bare && lab bench-debian san stop &&
		cp --sparse=always "$INITRDS/plain.ext4" "$(lab_dir bench-debian)/lun" && lab bench-debian san start
}

# compare_seconds LAB: waits until machine 2 of it says that the root's init runs; prints the kernel's clock then.
compare_seconds() {
	local deadline=$((SECONDS + 180)) up
	while ((SECONDS < deadline)); do
		up=$(lab "$1" shot 2 | sed -n "s/.*bench: the root's init runs at \([0-9.]*\).*/\1/p" | head -n 1)
		[ -z "$up" ] || { echo "$up"; return 0; }
		sleep 0.5
	done
	echo "bench: the root's init did not run within 180 s; the console ends with:" >&2
	lab "$1" shot 2 | tail -n 15 >&2
	return 1
}

# compare_off LAB: lets machine 2 go on, to its switching off.
compare_off() {
	local i
	echo | lab "$1" node 2 console >/dev/null 2>&1
	for ((i = 0; i < 40; i++)); do
		lab "$1" status --json | jq -e '.machines[] | select(.number == 2).power == "off"' >/dev/null && return
		sleep 0.3
	done
	lab "$1" node 2 kill
}

# compare_boot VARIANT ROUND: one boot, as a line of JSON.
compare_boot() {
	local lab before bytes seconds
	lab=$(compare_lab "$1")
	before=$(san "$lab")
	lab "$lab" node 2 start --kernel "$INITRDS/vmlinuz" --initrd "$INITRDS/$1" --append "$(compare_append "$1")" --mem "$BENCH_MEM" || return 1
	seconds=$(compare_seconds "$lab") || { lab "$lab" node 2 kill; return 1; }
	bytes=$(minus "$(san "$lab")" "$before")
	compare_off "$lab"
	say "round $2: $1: $seconds s, ${bytes% *} bytes read" >&2
	jq -cn --arg name "$1" --argjson round "$2" --argjson seconds "$seconds" --argjson read "${bytes% *}" --argjson written "${bytes#* }" \
		'{name: $name, round: $round, seconds: $seconds, read_bytes: $read, written_bytes: $written}'
}

# compare_round R: each variant once, beginning with another one in each round.
compare_round() {
	local i n=${#BENCH_VARIANTS[@]}
	for ((i = 0; i < n; i++)); do
		compare_boot "${BENCH_VARIANTS[(i + $1) % n]}" "$1" >>"$BENCH_OUT/rounds" || say "round $1: ${BENCH_VARIANTS[(i + $1) % n]}: does not boot"
	done
	grep -q '"name":"byre"' "$BENCH_OUT/rounds"
}

step_compare() {
	local r
	: >"$BENCH_OUT/rounds"
	with_lock compare_prepare || return 1
	for ((r = 1; r <= BENCH_ROUNDS; r++)); do with_lock compare_round "$r" || return 1; done
	# shellcheck disable=SC2016
	jq -s '
		def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
		group_by(.name) | map({key: .[0].name, value: {
			boots: length, seconds: map(.seconds), median: (map(.seconds) | median), min: (map(.seconds) | min), max: (map(.seconds) | max),
			read_bytes: (map(.read_bytes) | median), written_bytes: (map(.written_bytes) | median)}}) | from_entries
		| .byre.median as $ours | map_values(.ratio = .median / $ours)' "$BENCH_OUT/rounds" | keep compare
}
