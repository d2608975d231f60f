#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Stores that grow under a writer, wait when they cannot, and go on. TESTS="what ..." picks tests; FULL=600: ten minutes without space; LARGE=MiB: the volume whose metadata are counted.
# shellcheck source=lib/solo.sh
. "$(dirname "$0")/lib/solo.sh"
SOLO_TOOLS='try-volmgr try-growth try-change' SOLO_DISKS=8G SOLO_EXPORT='FULL LARGE' SOLO_LIMIT=$((1200 + ${FULL:-0} + ${LARGE:-0})) solo growth growth
