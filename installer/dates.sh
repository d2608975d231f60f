# SPDX-License-Identifier: GPL-2.0-or-later
# Dates of what is built; sourced by mkbase and mkroot, which set $here.

# $1...: files.  The date given, or that of their newest commit; outside git, of the newest of them.
date_of() {
	if [ -n "${SOURCE_DATE_EPOCH-}" ]; then echo "$SOURCE_DATE_EPOCH"; return; fi
	git -C "$here" log -1 --format=%ct -- "$@" 2>/dev/null | grep . ||
		stat -c %Y "$@" | sort -n | tail -n 1
}

# What is newer than LIMIT in the tree DIR gets the date DATE.
set_times() { # DIR LIMIT DATE
	find "$1" -xdev -newermt "@$2" -exec touch -h -d "@$3" {} +
}
