# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A boot network of namespaces: a server with bridge br0 (192.168.0.1/24), in which metamaster runs as node 1, and clients by MAC address.
# Everything has this shell's process id in its name and is gone when the shell ends.
. "$(dirname "${BASH_SOURCE[0]}")/../cli/lib.sh"
SAMPLE=$TOP/tests/unit/data/three-nodes.json
SERVER=byre-s-$$
CLIENT=byre-c-$$
META=0
chmod 755 "$WORK" # dnsmasq rereads its files as its own user

in_server() { ip netns exec "$SERVER" "$@"; }
in_client() { ip netns exec "$CLIENT" "$@"; }

net_down() {
  [ "$META" = 0 ] || kill -KILL "$META" 2>/dev/null
  for ns in $SERVER $CLIENT; do
    # shellcheck disable=SC2046 # a list of numbers
    kill -KILL $(ip netns pids "$ns" 2>/dev/null) 2>/dev/null
    ip netns del "$ns" 2>/dev/null
  done
  rm -rf "$WORK"
}
trap net_down EXIT

net_up() {
  ip netns add "$SERVER" && ip netns add "$CLIENT" || exit 1
  ip -n "$SERVER" link set lo up
  ip -n "$SERVER" link add br0 type bridge
  ip -n "$SERVER" link add v0 type veth peer name eth0 netns "$CLIENT"
  ip -n "$SERVER" link set v0 master br0 up
  ip -n "$SERVER" address add 192.168.0.1/24 dev br0
  ip -n "$SERVER" link set br0 up
}

# client MAC: the client has this MAC address from now on, and no IP address.
client() {
  ip -n "$CLIENT" address flush dev eth0
  ip -n "$CLIENT" link set eth0 down
  ip -n "$CLIENT" link set eth0 address "$1"
  ip -n "$CLIENT" link set eth0 up
  wait_for 5 grep -q 'state UP' <(ip -n "$CLIENT" link show eth0)
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $until ] || return 1
    sleep 0.1
  done
}

# dhcp: asks for an address, takes it, and leaves what the server said in $WORK/lease. Fails when nobody answers.
dhcp() {
  cat >"$WORK/lease.sh" <<END
#!/bin/sh
[ "\$1" = bound ] || exit 0
env -u PATH >"$WORK/lease"
ip address replace "\$ip/\$mask" dev "\$interface"
END
  chmod +x "$WORK/lease.sh"
  rm -f "$WORK/lease"
  in_client env -i PATH="$PATH" busybox udhcpc -i eth0 -n -q -f -t 3 -T 1 -O 210 -s "$WORK/lease.sh" >"$WORK/udhcpc" 2>&1
}

# publish [JQ-FILTER]: the sample, changed so, becomes the next generation.
publish() {
  jq -c "${1:-.}" "$SAMPLE" >"$WORK/document.json" && "$TOP/build/tests/state-file" "$WORK/area" "$WORK/document.json"
}

make_images() {
  mkdir -p "$WORK/images/debian12@1/boot" "$WORK/images/debian12@1/etc"
  head -c 3000000 /dev/urandom >"$WORK/images/debian12@1/boot/vmlinuz-1"
  ln -s vmlinuz-1 "$WORK/images/debian12@1/boot/vmlinuz"
  head -c 500000 /dev/urandom >"$WORK/images/debian12@1/boot/initrd"
  echo secret >"$WORK/images/debian12@1/etc/shadow"
}

# start_metamaster [OPTION...]: in the server's namespace, its log in $WORK/log.
start_metamaster() {
  ip netns exec "$SERVER" "$BIN/metamaster" --node 1 --state "$WORK/area" --image-dir "$WORK/images" --byre-dir "$WORK/byre" \
    --run-dir "$WORK/run" --http "$BIN/metamaster-http" --member "$BIN/metamaster-member" "$@" 2>>"$WORK/log" &
  META=$!
  disown $META
}

stop_metamaster() {
  kill -TERM "$META"
  wait_for 5 test ! -e "/proc/$META" || problem 'metamaster does not stop'
  META=0
}

logged() { grep -qF -- "$1" "$WORK/log"; }
serving() { wait_for "${2:-10}" logged "serving generation $1 "; }
# pid_of NAME: of metamaster's child.
pid_of() { pgrep -P "$META" -x "$(printf %.15s "$1")"; }
