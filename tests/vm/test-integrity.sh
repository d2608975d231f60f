#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Data integrity under load, judged by a tool of others. TESTS="what ..." picks tests; LOOPS=N writes everything N times.
# shellcheck source=lib/solo.sh
. "$(dirname "$0")/lib/solo.sh"
kit=$(mktemp -d)
trap 'rm -rf "$kit"' EXIT
fio_tar "$kit/fio.tar" || { echo 'FAIL integrity: no fio: make deps'; exit 1; }
echo "LOOPS=${LOOPS:-1}" >"$kit/integrity.conf"
export SOLO_FILES="$kit/fio.tar $kit/integrity.conf"
solo integrity integrity
