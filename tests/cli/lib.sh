# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For tests of the command line with the real binaries. A test file sources this, defines functions and calls 'test_case NAME FUNCTION' for each;
# every expectation that does not hold is told, and the case ends with one line: ok, FAIL or skip.
set -u
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=${BYRE_BIN:-$TOP/build/bin}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
SUITE=$(basename "$0" .sh)
SUITE=${SUITE#test-}

# run COMMAND...: leaves its standard output and error in $WORK/out and $WORK/err, its exit status in $STATUS.
run() {
  COMMAND="$*"
  "$@" >"$WORK/out" 2>"$WORK/err" </dev/null
  STATUS=$?
}

# problem TEXT: the case has failed.
problem() {
  echo "  $COMMAND: $*"
  sed 's/^/  | /' "$WORK/err" | head -n 5
  BAD=1
}

expect_status() { [ "$STATUS" = "$1" ] || problem "exit status $STATUS, expected $1"; }
expect_no_stdout() { [ ! -s "$WORK/out" ] || problem "wrote on standard output: $(head -n 1 "$WORK/out")"; }
expect_no_stderr() { [ ! -s "$WORK/err" ] || problem "wrote on standard error"; }
expect_stdout() { grep -qF -- "$1" "$WORK/out" || problem "standard output lacks '$1'"; }

# expect_stderr_line TEXT: standard error is exactly one line, with TEXT in it and no control bytes.
expect_stderr_line() {
  [ "$(wc -l <"$WORK/err")" = 1 ] || problem "$(wc -l <"$WORK/err") lines on standard error, expected 1"
  grep -qF -- "$1" "$WORK/err" || problem "standard error lacks '$1'"
  if LC_ALL=C tr -d '\n\t\200-\377' <"$WORK/err" | LC_ALL=C grep -q '[[:cntrl:]]'; then problem "control bytes on standard error"; fi
}

# expect_refused TEXT: failed with one line that says TEXT, and nothing on standard output.
expect_refused() {
  expect_status 1
  expect_stderr_line "$1"
  expect_no_stdout
}

skip() {
  SKIPPED=$*
}

test_case() {
  local name=$1
  shift
  BAD=0 SKIPPED='' COMMAND=''
  : >"$WORK/out"
  : >"$WORK/err"
  "$@" >"$WORK/told" 2>&1
  if [ -n "$SKIPPED" ]; then
    echo "skip $SUITE: $name: $SKIPPED"
  elif [ "$BAD" = 0 ]; then
    echo "ok $SUITE: $name"
  else
    echo "FAIL $SUITE: $name"
    cat "$WORK/told"
  fi
}
