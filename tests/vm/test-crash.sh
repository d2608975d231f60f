#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Changes are killed at points picked by a seed (CRASH_SEED, the day's by default); CRASH_POINTS=all takes every one: see inside/crash.sh.
# shellcheck source=lib/solo.sh
. "$(dirname "$0")/lib/solo.sh"
set -- "$(mktemp -d)"
trap 'rm -rf "$1"' EXIT
printf 'export CRASH_POINTS=%q CRASH_SEED=%q\n' "${CRASH_POINTS:-1}" "${CRASH_SEED:-$(date +%Y%m%d)}" >"$1/crash.conf"
# It reads documents with jq; a tree that was made before that came may lack it.
SOLO_FILES="$1/crash.conf $(command -v jq) $(ldd "$(command -v jq)" | awk '/libjq|libonig/ { print $3 }' | tr '\n' ' ')"
SOLO_TOOLS='try-volmgr try-check crash.so'
SOLO_DISKS='3G 1G'
SOLO_LIMIT=${SOLO_LIMIT:-7200}
solo crash crash
