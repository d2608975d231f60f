#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every fault of a container, and docs/recover-by-hand.md command by command: inside/check.sh, inside/recover.sh.
# shellcheck source=lib/solo.sh
. "$(dirname "$0")/lib/solo.sh"
# jq is what the page wants, and it edits documents; a tree that was made before it came may lack it.
SOLO_FILES="$LAB_TREE/docs/recover-by-hand.md $(command -v jq) $(ldd "$(command -v jq)" | awk '/libjq|libonig/ { print $3 }' | tr '\n' ' ')"
SOLO_TOOLS='try-volmgr try-check'
solo check recover check
