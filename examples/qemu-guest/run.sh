#!/usr/bin/env bash
# Two Linux guests in QEMU on one switch: one serves a file, the other pings it and fetches the file, twice, as it is started again.
#
#   bash examples/qemu-guest/run.sh [DIRECTORY FOR KERNEL AND INITRAMFS]
#
# Ends with 0 only if the pings were answered over IPv4 and IPv6, the file came as it is, what the policy denies did not, and the
# second boot of the client went like the first. Needs no privileges; QEMU, busybox-static and cpio of Debian, and the examples built.
set -euo pipefail
cd "$(dirname "$0")/../.."
cache=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/vfp-ts/qemu-guest}
for program in qemu-system-x86_64 busybox cpio; do
  command -v "$program" >/dev/null || { echo "$program is missing: apt-get install qemu-system-x86 busybox-static cpio" >&2; exit 2; }
done

work=$(mktemp -d)
children=()
cleanup() {
  local status=$?
  if [ ${#children[@]} -gt 0 ]; then
    kill "${children[@]}" 2>/dev/null || true
    wait "${children[@]}" 2>/dev/null || true
  fi
  if [ $status -ne 0 ]; then tail -n 40 "$work"/*.log >&2 || true; fi
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

bash examples/qemu-guest/make-initramfs.sh "$cache"

# expect FILE PATTERN SECONDS: waits for a line.
expect() {
  local end=$((SECONDS + $3))
  until grep -q "$2" "$1" 2>/dev/null; do
    [ $SECONDS -lt $end ] || { echo "no '$2' in $3 s" >&2; return 1; }
    sleep 0.05
  done
}

# guest NAME ROLE MAC 4-ADDRESS 6-ADDRESS 4-PEER 6-PEER: boots one in the background; its console is NAME.log.
guest() {
  timeout 300 qemu-system-x86_64 -accel tcg -m 256 -no-reboot -nodefaults -display none -serial "file:$work/$1.log" \
    -kernel "$cache/vmlinuz" -initrd "$cache/initramfs" \
    -append "console=ttyS0 quiet panic=-1 guest.role=$2 guest.mtu=1500 guest.ip4=$4 guest.ip6=$5 guest.peer4=$6 guest.peer6=$7" \
    -netdev "stream,id=n0,server=off,addr.type=unix,addr.path=$work/$2.sock" -device "virtio-net-pci,netdev=n0,mac=$3" 2>"$work/$1.qemu.log" &
  children+=($!)
  started=$!
}

node examples/dist/qemu-guest/main.js "$work" >"$work/switch.log" 2>"$work/switch.err.log" &
children+=($!)
switch=$!
expect "$work/switch.log" '^ready$' 20

began=$SECONDS
guest server server 00:15:5d:00:00:05 10.0.0.5 fd00::5 10.0.0.4 fd00::4
server=$started
for boot in first second; do
  guest "$boot" client 00:15:5d:00:00:04 10.0.0.4 fd00::4 10.0.0.5 fd00::5
  expect "$work/$boot.log" '^guest: \(done\|failed\)' 280
  wait "$started" || true
  tr -d '\r' <"$work/$boot.log" | grep -q '^guest: done$' || { echo "the client's $boot boot failed" >&2; exit 1; }
  served=$(tr -d '\r' <"$work/server.log" | sed -n 's/^guest: serves //p')
  for what in fetched fetched6; do
    came=$(tr -d '\r' <"$work/$boot.log" | sed -n "s/^guest: $what //p")
    [ -n "$served" ] && [ "$served" = "$came" ] || { echo "the file is $served, but $came came ($what)" >&2; exit 1; }
  done
  echo "$boot boot of the client: pinged and fetched over IPv4 and IPv6, after $((SECONDS - began)) s"
done

kill "$server" && wait "$server" || true
kill "$switch" && wait "$switch"
children=()
grep -v '^ready$' "$work/switch.log"
grep -q '^server: .*"Denied"' "$work/switch.log" || { echo 'the policy denied nothing' >&2; exit 1; }
