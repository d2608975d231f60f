#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A disk passes between nodes that are killed. TESTS="what ..." picks tests; MOVES, and MOVE_SEED (the day's by default), make the campaign another one.
# shellcheck source=lib/solo.sh
. "$(dirname "$0")/lib/solo.sh"
set -- "$(mktemp -d)"
trap 'rm -rf "$1"' EXIT
printf 'moves=%q seed=%q limit=%q\n' "${MOVES:-60}" "${MOVE_SEED:-$(date +%Y%m%d)}" "${MOVE_LIMIT:-1500}" >"$1/moving.conf"
SOLO_FILES="$1/moving.conf"
SOLO_TOOLS='try-volmgr try-change try-moving as-node.so crash.so'
SOLO_LIMIT=${SOLO_LIMIT:-3600}
solo moving moving
