#!/usr/bin/env bash
# Records tenant.pcapng: the traffic of one tenant's six VMs, as each VM sends it.
#
#   record.sh [OUTPUT]      default: tenant.pcapng beside this script
#
# Every VM is a network namespace with one veth to a namespace that plays the
# physical host (tenant.sh). The host routes, load-balances (VIP -> DIP) and loses a
# few frames, while real servers and clients talk (traffic.sh). Only what *enters* the
# host from a VM is recorded, so each frame is in the file once, with the addresses and
# checksums its sender gave it: the frame a replay hands to that VM's port.
#
# Needs root. Nothing leaves the namespaces; all of them, and every process
# started here, are gone when the script ends, however it ends.
#
# Exit status: 0 recorded and verified; 2 not root; 3 a Debian package is missing (it
# says which); anything else: something did not happen as planned, and the logs say what.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-$here/tenant.pcapng}

. "$here/tenant.sh"
. "$here/traffic.sh"

# --- preconditions ------------------------------------------------------------

packages='bind9-dnsutils curl dnsmasq-base ethtool iperf3 iproute2 iputils-ping nftables nginx python3 tshark wireshark-common'
missing=
need() { command -v "$1" >/dev/null || case " $missing " in *" $2 "*) ;; *) missing="$missing $2" ;; esac; }
PATH=$PATH:/usr/sbin:/sbin
need dig bind9-dnsutils; need curl curl; need dnsmasq dnsmasq-base; need ethtool ethtool
need iperf3 iperf3; need ip iproute2; need ss iproute2; need ping iputils-ping; need nft nftables
need nginx nginx; need python3 python3; need tshark tshark
need dumpcap wireshark-common; need reordercap wireshark-common
if [ -n "$missing" ]; then
  echo "record.sh: missing Debian packages:$missing" >&2
  echo "  apt-get install -y --no-install-recommends $packages" >&2
  exit 3
fi
[ "$(id -u)" = 0 ] || { echo 'record.sh: network namespaces need root' >&2; exit 2; }

# --- cleaning up --------------------------------------------------------------

id=vfp$$
host=$id-host
tmp=$(mktemp -d)

namespaces() { ip netns list | awk -v id="$id-" 'index($1, id) == 1 { print $1 }'; }
# Whoever lives in the namespaces was started here, also as a child of a child.
inhabitants() { local ns; for ns in $(namespaces); do ip netns pids "$ns"; done; }

cleanup() {
  local status=$? signal i ns
  trap - EXIT INT TERM
  # Background parts of this script first, lest they start more.
  for i in $(jobs -p); do kill "$i" 2>/dev/null || true; done
  for signal in TERM KILL; do
    for i in $(inhabitants); do kill -$signal "$i" 2>/dev/null || true; done
    for ((i = 0; i < 40; i++)); do [ -n "$(inhabitants)" ] || break; sleep 0.05; done
  done
  for ns in $(namespaces); do ip netns del "$ns"; done
  case $status in 0 | 130 | 143) ;; *) tail -n 5 "$tmp"/*.log >&2 2>/dev/null || true ;; esac
  rm -rf "$tmp"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- small words --------------------------------------------------------------

say() { printf '%3d s  %s\n' "$SECONDS" "$*" >&2; }
at() { local vm=$1; shift; ip netns exec "$id-$vm" "$@"; }
# each_vm COMMAND: calls COMMAND NAME IPV4 IPV6 MAC.
each_vm() {
  local name ip4 ip6 mac
  while read -r name ip4 ip6 mac; do [ -z "$name" ] || "$1" "$name" "$ip4" "$ip6" "$mac"; done <<<"$vms"
}
# serve VM LOG COMMAND...: in the background until the end. `ip netns exec` becomes the
# command, so $! is its pid.
serve() { local vm=$1 log=$2; shift 2; ip netns exec "$id-$vm" "$@" >"$tmp/$log.log" 2>&1 </dev/null & }
# wait_for WHAT COMMAND...: at most 100 tries, 0.05 s apart.
wait_for() {
  local what=$1 i; shift
  for ((i = 0; i < 100; i++)); do if "$@" >/dev/null 2>&1; then return 0; fi; sleep 0.05; done
  echo "record.sh: waited in vain for $what" >&2; return 1
}
listens() { [ -n "$(at "$1" ss -H -ln"$2" "sport = :$3")" ]; }

# --- the recording ------------------------------------------------------------

capture_arguments() { capture+=(-i "$1" -f inbound); }
capturing() { grep -q '^File:' "$tmp/dumpcap.log"; }
# Frames wait in a ring before they are written; the file is complete when it stops growing.
written=
drained() { local was=$written; sleep 0.4; written=$(stat -c %s "$tmp/raw.pcapng"); [ "$was" = "$written" ]; }

say "making the namespaces $id-*"
add_host
each_vm add_vm
add_load_balancer
add_losses

# dumpcap calls an interface by its name, and the host calls each veth like the VM behind it.
capture=(dumpcap -q -s 65535 -w "$tmp/raw.pcapng")
each_vm capture_arguments
serve host dumpcap "${capture[@]}"
recorder=$!
wait_for 'the recording to start' capturing

say 'VMs come up'
each_vm plug_in
each_vm wait_settled
each_vm announce
add_web
add_dns

say 'traffic'
forbidden & background=$!
name_service
echo_requests
web
lossy_web
streams
closed_ports
wait $background
wait_for 'the last frames' drained

kill -INT "$recorder"
wait "$recorder" || true
if grep -E "received/dropped" "$tmp/dumpcap.log" | grep -vqE "[0-9]+/0 "; then
  echo 'record.sh: the recorder lost frames' >&2; exit 1
fi

# Interfaces are read one after another, so frames need sorting by time.
reordercap "$tmp/raw.pcapng" "$tmp/sorted.pcapng" >/dev/null
python3 "$here/forget_machine.py" "$tmp/sorted.pcapng" "$tmp/tenant.pcapng"

say 'verifying'
"$here/verify.sh" "$tmp/tenant.pcapng"
cp "$tmp/tenant.pcapng" "$out"
say "written: $out"
