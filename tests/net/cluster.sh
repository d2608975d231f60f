# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A cluster of namespaces: NODES machines (192.168.0.N/24 on eth0) and a client on one switch, each machine with a metamaster of its own; they share a
# state area. Everything has this shell's process id in its name and is gone when the shell ends.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
NODES=${NODES:-5}
SWITCH=byre-w-$$

ns() { echo "byre-$1-$$"; }
on() { local n=$1; shift; ip netns exec "$(ns "$n")" "$@"; }

cluster_down() {
  local n ns
  for n in $(seq "$NODES"); do
    ns=$(ns "$n")
    # shellcheck disable=SC2046 # a list of numbers
    kill -KILL $(ip netns pids "$ns" 2>/dev/null) 2>/dev/null
    ip netns del "$ns" 2>/dev/null
  done
  ip netns del "$SWITCH" 2>/dev/null
  net_down
}
trap cluster_down EXIT

# plug NS PORT ADDRESS: a machine on the switch.
plug() {
  ip netns add "$1"
  ip -n "$1" link set lo up
  ip -n "$SWITCH" link add "$2" type veth peer name eth0 netns "$1"
  ip -n "$SWITCH" link set "$2" master br0 up
  [ -z "$3" ] || ip -n "$1" address add "$3" dev eth0
  ip -n "$1" link set eth0 up
}

cluster_up() {
  local n
  ip netns add "$SWITCH"
  ip -n "$SWITCH" link add br0 type bridge
  ip -n "$SWITCH" link set br0 up
  plug "$CLIENT" client ''
  for n in $(seq "$NODES"); do plug "$(ns "$n")" "v$n" "192.168.0.$n/24"; done
}

# The machine's own link stays up.
cut_off() { ip -n "$SWITCH" link set "v$1" nomaster; }
heal() { ip -n "$SWITCH" link set "v$1" master br0; }

# with_nodes N [JQ-FILTER]: the sample with N nodes, each with a small root and no swap, becomes the next generation.
with_nodes() {
  publish "def two: \"0\" * (2 - (tostring | length)) + tostring;
    [range(1; $1 + 1)] as \$numbers
    | .nodes = [\$numbers[] | {number: ., name: \"node\(.)\", mac: \"52:54:00:00:00:\(two)\", boot_ip: \"192.168.0.\(.)\", storage_ip: \"192.168.0.\(.)\",
        machine_id: (\"0\" * 30 + two), image: \"debian12@1\"}]
    | .volumes[1] as \$root
    | .volumes = [\$numbers[] | \$root + {name: \"node\(.).root\", node: ., metadata: [[0, 1000 + . * 16, 2]], data: [[0, 1002 + . * 16, 14]]}]
    | .settings.\"number-of-nodes\" = \"$1\" | ${2:-.}"
}

# The capabilities that the service leaves, as setpriv wants them: a set that is too small shows here.
BOUNDS=-all$(sed -n 's/^CapabilityBoundingSet=//p' "$TOP/metamaster/metamaster.service" | tr 'A-Z' 'a-z' | sed 's/\(^\| *\)cap_/,+/g')

# meta_up N...: metamaster runs on these, within the bounds of its service. Its log is in $WORK/N/log.
meta_up() {
  local n
  for n in "$@"; do
    mkdir -p "$WORK/$n"
    ip netns exec "$(ns "$n")" setpriv --bounding-set="$BOUNDS" --no-new-privs "$BIN/metamaster" --node "$n" --state "$WORK/area" --image-dir "$WORK/images" --byre-dir "$WORK/$n/byre" --run-dir "$WORK/$n/run" \
      --http "$BIN/metamaster-http" --member "$BIN/metamaster-member" --interval "${INTERVAL:-100}" 2>>"$WORK/$n/log" &
    echo $! >"$WORK/$n/pid"
    disown $!
  done
}

# machine_dies N: everything that runs on it ends at once.
machine_dies() {
  # shellcheck disable=SC2046 # a list of numbers
  kill -KILL $(ip netns pids "$(ns "$1")")
  rm -rf "$WORK/$1/run"
}

# sees N COUNT: node N takes so many to be alive.
sees() { [ "$(grep -o "[0-9]* of the cluster's nodes live" "$WORK/$1/log" | tail -n 1 | cut -d' ' -f1)" = "$2" ]; }
# all_see COUNT NODE...
all_see() {
  local n count=$1
  shift
  for n in "$@"; do sees "$n" "$count" || return 1; done
}
# answering MAC NODE...: those of the nodes that answer it.
answering() {
  local mac=$1 n
  shift
  for n in "$@"; do ! grep -q "^$mac," "$WORK/$n/run/dhcp-hosts" || echo "$n"; done
}
