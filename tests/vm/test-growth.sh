#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Stores that grow under a writer, wait when they cannot, and go on. TESTS="what ..." picks tests; FULL=600: ten minutes without space; LARGE=MiB: the volume whose metadata are counted.
# shellcheck source=lib/solo.sh
. "$(dirname "$0")/lib/solo.sh"
kit=$(mktemp -d)
trap 'rm -rf "$kit"' EXIT
fio_tar "$kit/fio.tar" || { echo 'FAIL growth: no fio: make deps'; exit 1; }
SOLO_FILES=$kit/fio.tar SOLO_TOOLS='try-volmgr try-growth try-change' SOLO_DISKS=8G SOLO_EXPORT='FULL LARGE CREEP' SOLO_LIMIT=$((1200 + ${FULL:-0} + ${LARGE:-0} + ${CREEP:-0})) solo growth growth
