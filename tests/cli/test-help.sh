#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For every program: --help, --version and wrong usage behave alike; and where it has a manual page or a completion, these know exactly
# the options that --help tells.
. "$(dirname "$0")/lib.sh"

# long_options: the options that a help text on standard input tells, one a line.
long_options() { grep -oE '^  +(-[a-zA-Z], )? *--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+' | sort -u; }

# commands PROGRAM: its sub-commands, from the list in its help. They may have two words.
commands() {
  "$1" --help | awk '/^Commands:/ { on = 1; next } on && /^$/ { exit } on' | grep -oE '^  [a-z0-9-]+( [a-z0-9-]+)?' | sed 's/^  //'
}

# all_options PROGRAM: its own and those of all its sub-commands.
all_options() {
  local command
  {
    "$1" --help
    # shellcheck disable=SC2086 # two words
    commands "$1" | while read -r command; do "$1" $command --help </dev/null; done
  } | long_options
}

helps() {
  run "$1" --help
  expect_status 0
  expect_no_stderr
  [[ $(head -n 1 "$WORK/out") == "Usage: ${1##*/} "* ]] || problem "the first line is no 'Usage: ${1##*/} ...'"
}

versions() {
  run "$1" --version
  expect_status 0
  expect_no_stderr
  expect_stdout "${1##*/} (byre) "
}

refuses_wrong_usage() {
  run "$1" --no-such-option
  expect_status 2
  expect_no_stdout
  expect_stderr_line "Try '${1##*/} --help'"
}

commands_help() {
  local command
  while read -r command; do
    # shellcheck disable=SC2086 # two words
    run "$1" $command --help
    expect_status 0
    [ -s "$WORK/out" ] || problem 'no help'
    # shellcheck disable=SC2086
    run "$1" $command --no-such-option
    expect_status 2
    expect_stderr_line "Try '${1##*/}"
  done < <(commands "$1")
}

# same WHAT FILE-OF-NAMES: the names in it are those of $WORK/known.
same() {
  local missing extra
  missing=$(comm -23 "$WORK/known" "$2" | paste -sd' ')
  extra=$(comm -13 "$WORK/known" "$2" | paste -sd' ')
  [ -z "$missing" ] || problem "$1 lacks: $missing"
  [ -z "$extra" ] || problem "$1 has what the program has not: $extra"
}

manual_agrees() {
  local page=$TOP/docs/man/${1##*/}.8 command
  COMMAND=$page
  all_options "$1" >"$WORK/known"
  # Options as headings: .TP with the option in the next line.
  sed 's/\\-/-/g; s/\\fR\|\\fB\|\\fI\|\\fP//g' "$page" | grep -A1 '^\.TP' | grep -oE -- '--[a-z0-9-]+' | sort -u >"$WORK/page"
  same 'the manual page' "$WORK/page"
  while read -r command; do
    sed 's/\\-/-/g; s/\\fR\|\\fB\|\\fI\|\\fP//g; s/"//g' "$page" | grep -qE "^(\.[A-Z]+ )?.*\b$command\b" || problem "the manual page lacks the command '$command'"
  done < <(commands "$1")
}

page_is_sound() {
  command -v groff >/dev/null || { skip 'no groff'; return; }
  run groff -man -Tascii -ww -z "$TOP/docs/man/$1.8"
  expect_status 0
  expect_no_stderr
}

# complete_words PROGRAM WORD...: what the completion offers for the last word.
complete_words() {
  local program=$1 function
  shift
  # shellcheck disable=SC1090
  . "$TOP/docs/completion/${program##*/}"
  function=$(complete -p "${program##*/}" | sed -E 's/.* -F ([^ ]+) .*/\1/')
  COMP_WORDS=("${program##*/}" "$@") COMP_CWORD=$#
  "$function" 2>/dev/null
  printf '%s\n' "${COMPREPLY[@]}"
}

completion_agrees() {
  local command
  COMMAND=docs/completion/${1##*/}
  "$1" --help | long_options >"$WORK/known"
  complete_words "$1" -- | grep -E '^--' | sort -u >"$WORK/offered"
  same 'the completion' "$WORK/offered"
  while read -r command; do
    complete_words "$1" '' | grep -qx -- "${command%% *}" || problem "the completion lacks the command '$command'"
  done < <(commands "$1")
}

keys_agree() {
  command -v jq >/dev/null || { skip 'no jq'; return; }
  COMMAND=docs/man/byre-install.8
  "$TOP/build-aux/man-keys" "$BIN/byre-install" >"$WORK/known"
  sed '1,/^\.\\" keys:/d; /^\.\\" end of keys/,$d' "$TOP/docs/man/byre-install.8" >"$WORK/page"
  diff "$WORK/known" "$WORK/page" >"$WORK/err" || problem 'its keys are not those of the program: see build-aux/man-keys'
}

for program in "$BIN"/*; do
  if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
  name=${program##*/}
  case $name in init | *.so) continue ;; esac # no command line: PID 1 of the initrd, a library
  test_case "$name --help" helps "$program"
  test_case "$name --version" versions "$program"
  test_case "$name: wrong usage" refuses_wrong_usage "$program"
  if [ -n "$(commands "$program")" ]; then test_case "$name: its commands" commands_help "$program"; fi
  if [ -f "$TOP/docs/man/$name.8" ]; then
    test_case "$name: manual page" manual_agrees "$program"
    test_case "$name: manual page's form" page_is_sound "$name"
  fi
  if [ -f "$TOP/docs/completion/$name" ]; then test_case "$name: completion" completion_agrees "$program"; fi
done
[ ! -x "$BIN/byre-install" ] || test_case 'byre-install: keys in the manual' keys_agree
