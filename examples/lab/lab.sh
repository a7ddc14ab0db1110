#!/usr/bin/env bash
# A laboratory: two hosts, four VMs of two tenants, and what passes between them.
#
#   lab.sh [--short] [--keep FOLDER]
#
# Hosts and VMs are network namespaces (topology.sh). On each host runs one host switch
# (../host-switch) with the configuration that config.sh writes; both read a new one on
# SIGHUP between two rounds. A round is a tunnel and an IP version of the underlay; in each
# the VMs talk (checks.sh), and tshark reads what was on the wire between the hosts (wire.sh).
#
# Each check is a line, `ok …` or `FAILED …`, with a figure. --short takes two rounds
# instead of four and shorter streams. --keep leaves captures, configurations and logs in FOLDER.
#
# Needs root and a built tree (pnpm build). Nothing leaves the namespaces; all of them, every
# process started here and every file are gone when the script ends, also when interrupted.
#
# Exit status: 0 all ok; 1 something FAILED; 2 not root, or a wrong command line; 3 a Debian package or the build is missing.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage() { echo 'usage: lab.sh [--short] [--keep FOLDER]' >&2; exit 2; }
short= keep=
while [ $# -gt 0 ]; do
  case $1 in
    --short) short=yes ;;
    --keep) keep=${2:?--keep needs a folder}; shift ;;
    *) usage ;;
  esac
  shift
done

# --- preconditions ------------------------------------------------------------

PATH=$PATH:/usr/sbin:/sbin
missing=
need() { command -v "$1" >/dev/null || case " $missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac; }
need dig bind9-dnsutils; need curl curl; need dnsmasq dnsmasq-base; need iperf3 iperf3; need ip iproute2; need ss iproute2
need ping iputils-ping; need python3 python3; need tshark tshark; need dumpcap wireshark-common
if [ -n "$missing" ]; then
  echo "lab.sh: missing Debian packages:$missing" >&2
  exit 3
fi
[ "$(id -u)" = 0 ] || { echo 'lab.sh: network namespaces need root' >&2; exit 2; }
# A build elsewhere may be named.
built=${VFP_EXAMPLES_BUILT:-$here/../dist}
[ -e "$built/host-switch/main.js" ] || { echo 'lab.sh: build first: npx -y pnpm@10.34.9 build' >&2; exit 3; }

# --- cleaning up --------------------------------------------------------------

id=vfplab$$
tmp=$(mktemp -d "${TMPDIR:-/tmp}/vfplab.XXXXXX")

namespaces() { ip netns list | awk -v id="$id-" 'index($1, id) == 1 { print $1 }'; }
# Whoever lives in the namespaces was started here, also as a child of a child.
inhabitants() { local ns; for ns in $(namespaces); do ip netns pids "$ns"; done; }

cleanup() {
  local status=$? signal i ns
  trap '' INT TERM HUP
  trap - EXIT
  # Background parts of this script first, lest they start more.
  for i in $(jobs -p); do kill "$i" 2>/dev/null || true; done
  for signal in TERM KILL; do
    for i in $(inhabitants); do kill -$signal "$i" 2>/dev/null || true; done
    for ((i = 0; i < 60; i++)); do [ -n "$(inhabitants)" ] || break; sleep 0.05; done
  done
  for ns in $(namespaces); do ip netns del "$ns"; done
  # What went wrong stands at the end of a log, unless it was told already.
  case $status$told in 0 | 130 | 143 | *told) ;; *) tail -n 5 "$tmp"/*.log >&2 2>/dev/null || true ;; esac
  if [ -n "$keep" ]; then mkdir -p "$keep"; cp "$tmp"/*.json "$tmp"/*.log "$tmp"/*.pcapng "$keep" 2>/dev/null || true; fi
  rm -rf "$tmp"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# --- small words --------------------------------------------------------------

failures=0 told=
ok() { printf 'ok      %s\n' "$*"; }
failed() { printf 'FAILED  %s\n' "$*"; failures=$((failures + 1)); }
# patiently COMMAND...: for what takes long; a signal ends the script at once, not when the command has ended.
patiently() { "$@" & wait $!; }
at() { local where=$1; shift; ip netns exec "$id-$where" "$@"; }
# serve WHERE LOG COMMAND...: in the background until the end; `ip netns exec` becomes the command, so $! is its pid.
serve() { local where=$1 log=$2; shift 2; ip netns exec "$id-$where" "$@" >"$tmp/$log.log" 2>&1 </dev/null & }
# wait_for WHAT COMMAND...: at most 400 tries, 0.05 s apart.
wait_for() {
  local what=$1 i; shift
  for ((i = 0; i < 400; i++)); do if "$@" >/dev/null 2>&1; then return 0; fi; sleep 0.05; done
  echo "lab.sh: waited in vain for $what" >&2; return 1
}
listens() { [ -n "$(at "$1" ss -H -ln"$2" "sport = :$3")" ]; }
# status HOST EXPRESSION: what a Python expression makes of the host's status, `s`.
status() { node "$built/host-switch/status.js" "$tmp/$1.sock" | python3 -c "import json, sys; s = json.load(sys.stdin); print($2)"; }

. "$here/topology.sh"
. "$here/config.sh"
. "$here/checks.sh"
. "$here/wire.sh"

# --- the hosts' switches ------------------------------------------------------

# One that ends instead has said why in its log.
ready_or_gone() { grep -q 'is ready' "$tmp/$1.log" || ! kill -0 "$2"; }
start_host() {
  serve "$1" "$1" node "$built/host-switch/main.js" "$tmp/$1.json"
  local pid=$!
  eval "pid_${1//-/_}=$pid"
  wait_for "the switch of $1" ready_or_gone "$1" "$pid"
  grep -q 'is ready' "$tmp/$1.log" || { echo "lab.sh: the switch of $1 did not start:" >&2; cat "$tmp/$1.log" >&2; told=told; return 1; }
}
taken() { [ "$(status "$1" 's["configurations"]["taken"]')" = "$2" ]; }
# reread NUMBER: both hosts go over to the configurations that lie there, the NUMBERth.
reread() {
  kill -HUP "$pid_host_a" "$pid_host_b"
  wait_for 'host-a to read again' taken host-a "$1"
  wait_for 'host-b to read again' taken host-b "$1"
}

# --- the run ------------------------------------------------------------------

rounds='vxlan-4 geneve-4 vxlan-6 geneve-6'
[ -z "$short" ] || rounds='vxlan-4 geneve-6'

add_topology
add_servers
number=0
echo 'Tenants red and blue, with the same addresses; of each one VM on host-a and one on host-b.'
for round in $rounds; do
  tunnel=${round%-*} version=${round#*-}
  number=$((number + 1))
  write_configs "$tunnel" "$version"
  if [ $number = 1 ]; then start_host host-a; start_host host-b; else reread $number; fi
  printf '# %s over IPv%s\n' "$tunnel" "$version"
  start_capture "$round"
  check_all
  stop_capture
  check_wire "$round" "$tunnel"
  check_streams
done
check_reread $((number + 1))
echo '# vxlan over IPv4 with 1,500 bytes'
network_mtu=1500
write_configs vxlan 4
reread $((number + 2))
check_mtu
check_end

[ "$failures" = 0 ] || { echo "$failures FAILED"; exit 1; }
echo "all ok, $SECONDS s"
