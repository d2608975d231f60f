#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The volume manager in a machine of its own, without a cluster. TESTS="what ..." picks tests.
# shellcheck source=lib/solo.sh
. "$(dirname "$0")/lib/solo.sh"
solo volmgr volmgr
