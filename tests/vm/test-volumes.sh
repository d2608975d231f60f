#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Volumes made, reset, taken and removed in a machine of its own. TESTS="what ..." picks tests.
SOLO_TOOLS='try-volmgr try-lvm'
# shellcheck source=lib/solo.sh
. "$(dirname "$0")/lib/solo.sh"
solo volumes volumes
