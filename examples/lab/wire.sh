# shellcheck shell=bash
# What was on the wire between the hosts, as tshark reads it.
# Sourced by lab.sh; uses serve, wait_for, ok, failed, $here, $tmp.

start_capture() {
  rm -f "$tmp/dumpcap.log"
  serve host-a dumpcap dumpcap -q -s 65535 -B 64 -i under0 -w "$tmp/$1.pcapng"
  recorder=$!
  wait_for 'the recording to start' grep -q '^File:' "$tmp/dumpcap.log"
}

stop_capture() {
  kill -INT "$recorder"
  wait "$recorder" || true
}

# check_wire ROUND TUNNEL
check_wire() {
  local file=$tmp/$1.pcapng name value
  local -A seen=()
  patiently python3 "$here/read_wire.py" "$file" "$2" "$vip" "$vip_6" >"$tmp/wire.txt" || true
  while read -r name value; do seen[$name]=$value; done <"$tmp/wire.txt"
  if [ "${seen[frames]:-0}" -gt 100 ] && [ -z "${seen[bad]}" ]; then ok "wire: ${seen[frames]} frames, none malformed, no bad checksum"
  else failed "wire: of ${seen[frames]:-0} frames these are bad: ${seen[bad]:-}"; fi
  if [ "${seen[vnis]:-}" = '5001 7001' ]; then ok "wire: $2 of 5001 and 7001 alone"; else failed "wire: VNIs in $2: ${seen[vnis]:-}"; fi
  if [ -z "${seen[strangers]:-}" ]; then ok 'wire: nothing else but neighbours found'; else failed "wire: ${seen[strangers]}"; fi
  # Direct return: what the server sends to the client has the VIP as its source when it leaves the server's host.
  if [ "${seen[returned]:-0}" -gt 0 ]; then ok "wire: direct return, ${seen[returned]} frames from the VIP"; else failed 'wire: no frame from the VIP'; fi
}
