#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Images in a machine of its own, without a cluster: every format in, used, captured, compared, removed. TESTS="what ..." picks tests.
# shellcheck source=lib/solo.sh
. "$(dirname "$0")/lib/solo.sh"
SOLO_TOOLS='try-volmgr crash.so' SOLO_MEMORY=${SOLO_MEMORY:-1024} solo images images
