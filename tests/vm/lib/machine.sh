# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One machine: its state files, QEMU's arguments, and the supervisor that keeps it running from power on to power off.
#
# State, in $LAB_DIR/machine/N, one value per file:
#   mac  mem  chap                as configured
#   boot                          net, iso or kernel; iso, answers, kernel, initrd, append: what it boots
#   supervisor  qemu              processes (pid and start time)
#   started  offset  ready        since the last power on or reboot: seconds since the epoch, size of console.log then,
#                                 seconds it took until the machine was up (absent while it boots)
#   console.log  qemu.log  events everything the console, QEMU and its event channel said

machine_dir() { echo "$LAB_DIR/machine/$1"; }

# machine_mac N: the MAC that it has, or would get: 52:54:00:<the lab's byte>:00:<N>.
machine_mac() {
	local lab_byte
	lab_byte=$(($(cksum <<<"$LAB" | cut -d ' ' -f 1) % 256))
	get "$(machine_dir "$1")/mac" "$(printf '52:54:00:%02x:00:%02x' "$lab_byte" "$1")"
}

# machine_ip N: where it answers: the live system has the meta-master's address, a node its own.
machine_ip() {
	if [ "$(machine_boot "$1")" = iso ]; then echo "$LAB_LIVE_IP"; else echo "$LAB_NET.$1"; fi
}

machine_boot() { get "$(machine_dir "$1")/boot" net; }
machine_on() { proc_alive "$(machine_dir "$1")/supervisor"; }
machine_list() { find "$LAB_DIR/machine" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -n; }
machine_name() { echo "byre-$LAB-node$1"; }

# machine_define N: makes its folder and plugs its cable; keeps what is there.
machine_define() {
	mkdir -p "$(machine_dir "$1")" || exit 1
	net_plug "$1"
}

# machine_media N: QEMU's arguments for what it boots, one per line.
machine_media() {
	local dir initrd
	dir=$(machine_dir "$1")
	case $(machine_boot "$1") in
	iso)
		printf '%s\n' -drive "if=none,id=dvd,media=cdrom,readonly=on,format=raw,file=$(get "$dir/iso")" -device ide-cd,drive=dvd,bus=ide.0,bootindex=0
		[ -e "$dir/answers" ] &&
			printf '%s\n' -drive "if=none,id=answers,media=cdrom,readonly=on,format=raw,file=$(get "$dir/answers")" -device ide-cd,drive=answers,bus=ide.1
		;;
	kernel)
		initrd=$(get "$dir/initrd")
		printf '%s\n' -kernel "$(get "$dir/kernel")" -append "$(get "$dir/append")"
		[ -n "$initrd" ] && printf '%s\n' -initrd "$initrd"
		;;
	esac
	return 0
}

# machine_mem N: MiB.
machine_mem() {
	local default=${LAB_MEM:-512}
	[ "$(machine_boot "$1")" = iso ] && default=${LAB_DVD_MEM:-1024}
	get "$(machine_dir "$1")/mem" "$default"
}

# machine_args N: all of QEMU's arguments, one per line. A reset of the guest ends QEMU (a fresh one boots faster), its event
# channel is on stdin and stdout, and firmware and boot loaders speak on the serial console.
machine_args() {
	local dir run=$LAB_RUN/$1
	dir=$(machine_dir "$1")
	accel_args
	printf '%s\n' -name "$(machine_name "$1")" -machine pc,graphics=off -m "$(machine_mem "$1")" -smp "${LAB_SMP:-1}" \
		-nodefaults -display none -vga none -no-user-config -no-reboot -boot reboot-timeout=3000 \
		-netdev "tap,id=lan,ifname=tap$1,script=no,downscript=no" \
		-device "virtio-net-pci,netdev=lan,mac=$(machine_mac "$1"),bootindex=1" -device virtio-rng-pci \
		-chardev "socket,id=console,path=$run.console,server=on,wait=off,logfile=$dir/console.log,logappend=on" -serial chardev:console \
		-chardev "socket,id=control,path=$run.qmp,server=on,wait=off" -mon chardev=control,mode=control \
		-chardev stdio,id=events,signal=off -mon chardev=events,mode=control
	machine_media "$1"
	ibft_args "$1"
}

# machine_run N: one QEMU from power on to its end. Runs in the namespace, in the supervisor.
machine_run() {
	local dir args channel events=$LAB_RUN/$1.events
	dir=$(machine_dir "$1")
	mapfile -t args < <(machine_args "$1")
	rm -f "$events" "$dir/ready"
	mkfifo "$events" || return 1
	put "$dir/offset" "$(stat -c %s "$dir/console.log" 2>/dev/null || echo 0)"
	put "$dir/started" "$(date +%s.%N)"
	: >"$dir/events"
	exec {channel}<>"$events"
	echo '{"execute":"qmp_capabilities"}' >&"$channel"
	qemu-system-x86_64 "${args[@]}" <&"$channel" >>"$dir/events" 2>>"$dir/qemu.log" {channel}>&- &
	proc_record "$dir/qemu" $!
	wait $!
	exec {channel}>&-
	rm -f "$dir/qemu"
}

# machine_asked_reboot N: the guest of the QEMU that just ended wanted a reboot (not to be switched off, and no power cut).
machine_asked_reboot() {
	[ "$(jq -rs 'map(select(.event? == "SHUTDOWN")) | last | .data.reason? // "none"' "$(machine_dir "$1")/events" 2>/dev/null)" = guest-reset ]
}

# machine_supervise N (`lab --supervise N`): runs the machine until it is switched off. The boot source is read anew at each
# reboot. A guest that resets at once over and over gets a second between two tries.
machine_supervise() {
	local dir began
	dir=$(machine_dir "$1")
	while [ -d "$dir" ]; do
		began=$SECONDS
		machine_run "$1"
		machine_asked_reboot "$1" || break
		((SECONDS - began > 2)) || sleep 1
	done
	rm -f "$dir/supervisor"
}

# machine_start N: switches it on; 1 when it is on already.
machine_start() {
	local dir pid i
	dir=$(machine_dir "$1")
	machine_on "$1" && return 1
	machine_define "$1"
	accel >/dev/null
	rm -f "$dir/ready" "$dir/started"
	pid=$(spawn "$dir/qemu.log" "$LAB_HERE/lab" --supervise "$1")
	proc_record "$dir/supervisor" "$pid"
	for ((i = 0; i < 200; i++)); do
		[ -S "$LAB_RUN/$1.qmp" ] && proc_alive "$dir/qemu" && return 0
		machine_on "$1" || break
		sleep 0.05
	done
	die "machine $1 did not start: $(tail -n 1 "$dir/qemu.log")"
}

# machine_qemus N: the pids of its emulators, found by name in the namespace (also those nobody had time to record).
machine_qemus() {
	local pid name
	name=$(machine_name "$1")
	for pid in $(net_pids); do
		tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF -e "$name" && echo "$pid"
	done
}

# machine_kill N: the power cut.
machine_kill() {
	local dir pid
	dir=$(machine_dir "$1")
	pid=$(proc_pid "$dir/supervisor") && kill -9 "$pid" 2>/dev/null
	for pid in $(machine_qemus "$1"); do
		kill -9 "$pid" 2>/dev/null
		proc_wait "$pid" 10
	done
	rm -f "$dir/supervisor" "$dir/qemu" "$dir/ready" "$LAB_RUN/$1".*
}

# machine_qmp N COMMAND: one command on the machine's control channel; prints QEMU's answer.
machine_qmp() {
	printf '{"execute":"qmp_capabilities"}\n{"execute":"%s"}\n' "$2" | in_net socat -t 2 - "UNIX-CONNECT:$LAB_RUN/$1.qmp" | tail -n 1
}

# machine_console N: the console's text since the machine was switched on, without control sequences.
machine_console() {
	local dir
	dir=$(machine_dir "$1")
	tail -c "+$(($(get "$dir/offset" 0) + 1))" "$dir/console.log" 2>/dev/null | plain
}

# plain: a filter: terminal output as lines of text; where the terminal would be cleared or the cursor moved a line ends.
plain() {
	LC_ALL=C sed -u -E -e 's/\x1bc|\x1b\[[0-9;]*[HJ]/\n/g' -e 's|\x1b\[[0-9;?]*[ -/]*[@-~]||g' -e 's/\x1b[()][A-Z0-9]//g' \
		-e 's/\x1b[=>78DEM]//g' -e 's/\r*$//' -e 's/\r/\n/g' -e 's/[\x00-\x08\x0b-\x1f]//g'
}
