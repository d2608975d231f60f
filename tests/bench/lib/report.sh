# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# All figures in one document, and the tables made of it. A step that has not run is left out.

step_report() {
	report_collect | keep results || return 1
	report_tables | columns
}

report_collect() {
	local name
	for name in initrds compare install boots volumes many members demo; do
		[ -s "$BENCH_OUT/$name.json" ] && jq -c --arg name "$name" '{($name): .}' "$BENCH_OUT/$name.json"
	done | jq -s --arg accel "$(cat "$BENCH_BUILD/lab-accel" 2>/dev/null)" --argjson cpus "$(nproc)" \
		'add // {} | {machine: {cpus: $cpus, accel: $accel}} + .'
}

report_tables() {
	jq -r '
		def mib: . / 1048576 * 10 | round / 10 | tostring | if test("\\.") then . else . + ".0" end | . + " MiB";
		def kib: . / 1024 | round | "\(.) KiB";
		def two: (. * 100 | round) as $n | "\($n / 100 | floor).\($n % 100 + 100 | tostring | .[1:])";
		def x: two + "x";
		def s: two + " s";
		def percent: . * 1000 | round / 10 | "\(.) %";

		"machine: \(.machine.cpus) CPUs, QEMU with \(.machine.accel)",

		(select(.initrds) | .initrds as $i
		| ($i.initrds | map({key: .name, value: .packed_bytes}) | from_entries) as $packed
		| "", "INITRDS for \($i.kernel) (ratios: any machine beside byre, trimmed beside byre-trimmed)",
		(["", "packed", "unpacked", "files", "modules", "packed/byre", "/trimmed"],
		 ($i.initrds[] | [.name, (.packed_bytes | mib), (.unpacked_bytes | mib), .files, .modules,
			(if .name | test("trimmed") then "" else .packed_bytes / $packed.byre | x end),
			(if .name | test("trimmed") then .packed_bytes / $packed["byre-trimmed"] | x else "" end)]) | @tsv)),

		(select(.compare) | .compare as $c | "", "KERNEL START TO THE FIRST PROGRAM OF THE ROOT (\($c.byre.boots) boots each, orders rotated)",
		(["", "median", "min", "max", "median/byre", "SAN read", "SAN written"],
		 (.initrds.initrds[].name | $c[.] as $v | select($v)
		 | [., ($v.median | s), ($v.min | s), ($v.max | s), ($v.ratio | x), ($v.read_bytes | mib), ($v.written_bytes | kib)]) | @tsv)),

		(select(.boots) | (.install.container.images[0].bytes // .install.squashfs_bytes) as $image
		| "", "WHOLE BOOTS OF A NODE BY PXE, to all of its services (image: \($image | mib))",
		(["", "SAN read", "of image", "SAN written", "server reads", "login", "switch_root"],
		 (.install.first_boot | ["first boot", (.read_bytes | mib), (.read_bytes / $image | percent), (.written_bytes | mib), "", "", ""]),
		 (.boots | to_entries[] | .key as $k | .value | ["boot \($k + 2)", (.read_bytes | mib), (.read_bytes / $image | percent),
			(.written_bytes | mib), (.server_read_bytes | mib), "\(.seconds_to_login) s", (.switch_root_ms / 1000 | s)]) | @tsv),
		"", "PHASES OF THE LAST OF THEM (from the kernel'"'"'s start)",
		(["", "begins", "takes"], (.boots[-1].phases[] | [.name, (.start_ms / 1000 | s), (.ms / 1000 | s)]) | @tsv),
		.boots[-1].systemd_analyze),

		(select(.volumes) | .volumes | to_entries[] | .key as $san | .value as $tests
		| ["raw", "composed", "t64", "t128", "t256", "s4", "s16"] as $names
		| "", "VOLUMES, speed beside a linear device (median of \($tests[0].engines[0].ratios | length) rounds; the disk is \(
			if $san == "paced" then "bounded as one gigabit link, 5,000 requests/s" else "unbounded: emulated CPU only" end))",
		(["", ($names[1:] | .[]), "least..most, composed"],
		 ($tests[] | .test as $t | (.engines | map({key: .engine, value: .}) | from_entries) as $e
		 | [$t, ($names[1:][] | $e[.].ratio // 0 | two), "\($e.composed.min | two)..\($e.composed.max | two)"]) | @tsv),
		"", "VOLUMES, bytes at the disk per byte written, and requests at the disk of what was read",
		([""] + $names, ($tests[] | (.engines | map({key: .engine, value: .}) | from_entries) as $e
		 | [.test, (.test as $t | $names[] | if $t | startswith("read") then $e[.].reads else $e[.].written_per_byte | two end)]) | @tsv)),

		(select(.many) | "", "MANY VOLUMES AT ONCE (one disk, nothing else on it)",
		(["", "", "n", "LVM commits", "state writes", "dm ioctls", "writes", "written", "seconds"],
		 (.many[] | if .untried then [.method, .action, .n, "not run", "", "", "", "", ""] else [.method, .action, .n, .commits, (if .method == "byre" then .generations else "" end), .ioctls, .writes, (.bytes | kib),
			(.ms / 1000 | s)] end) | @tsv)),

		(select(.members) | "", "MEMBERSHIP, simulated at 5 % loss; packets a node and interval; times in intervals",
			(["nodes", "packets", "bytes", "joined", "death first", "death last", "healed", "false"],
			(.members[] | [.nodes, .packets, .bytes, .joined, .death_first, .death_last, .healed, .false]) | @tsv)),
		(select(.demo) | .demo | "", "THE DEMO, seconds (from \(.from))", (["cold", "warm"], [.cold // "-", .warm // "-"] | @tsv))
		' "$BENCH_OUT/results.json"
}
