#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Changes are killed, and their power is cut, at points picked by a seed (CRASH_SEED, the day's by default), CRASH_POINTS of CRASH_OPERATIONS operations;
# CRASH_POINTS=all takes every one of all: see inside/crash.sh and inside/power.sh.
# shellcheck source=lib/solo.sh
. "$(dirname "$0")/lib/solo.sh"
set -- "$(mktemp -d)"
trap 'rm -rf "$1"' EXIT
printf 'export CRASH_POINTS=%q CRASH_OPERATIONS=%q CRASH_SEED=%q\n' "${CRASH_POINTS:-2}" "${CRASH_OPERATIONS:-2}" "${CRASH_SEED:-$(date +%Y%m%d)}" >"$1/crash.conf"
# It reads documents with jq; a tree that was made before that came may lack it.
SOLO_FILES="$1/crash.conf $LAB_HERE/inside/crashed.sh $(command -v jq) $(ldd "$(command -v jq)" | awk '/libjq|libonig/ { print $3 }' | tr '\n' ' ')"
SOLO_TOOLS='try-volmgr try-check logged replay crash.so' SOLO_DISKS='3G 1G 4G' SOLO_MEMORY=1024
SOLO_LIMIT=${SOLO_LIMIT:-7200}
# shellcheck disable=SC2086 # words
solo crash ${CRASH_SUITES:-crash power}
