#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The lease between machines that are killed, stopped and cut off. TESTS="what ..." picks tests, RACE_SECONDS and RACE_SEED make the race another one.
# shellcheck source=lib/solo.sh
. "$(dirname "$0")/lib/solo.sh"
made=$(mktemp -d)
printf 'seconds=%q\nRANDOM=%q\n' "${RACE_SECONDS:-60}" "${RACE_SEED:-7}" >"$made/race"
SOLO_TOOLS=try-change
SOLO_FILES="$made/race $LAB_HERE/inside/race-check.awk $LAB_TREE/tests/unit/data/three-nodes.json"
solo lease lease
status=$?
rm -rf "$made"
exit $status
