# shellcheck shell=bash
# What the VMs do, and what has to come of it: one line a check.
# Sourced by lab.sh; uses at, ok, failed, status, patiently, the addresses of topology.sh.

server=10.0.0.5 server_6=fd00:10::5

check_all() {
  check_ping red 4 $server
  check_ping blue 6 $server_6
  check_ping red 4 $gateway gateway
  check_ping red 6 $gateway_6 gateway
  check_web red 4 "http://$server:8080"
  check_web blue 6 "http://[$server_6]:8080"
  check_dns red 4 $server
  check_dns blue 6 $server_6
  check_overlap
  check_denied
  check_vip 4 "http://$vip"
  check_vip 6 "http://[$vip_6]"
  check_bytes red 4 $server
  check_bytes blue 6 $server_6
}

# check_ping TENANT VERSION ADDRESS [WHAT]
check_ping() {
  local out lost rtt
  out=$(at "$1-1" ping "-$2" -n -c 5 -i 0.05 -W 2 "$3" 2>&1) || true
  lost=$(sed -n 's/.* \([0-9.]*\)% packet loss.*/\1/p' <<<"$out")
  rtt=$(sed -n 's,^rtt .* = [^/]*/\([^/]*\)/.*,\1,p' <<<"$out")
  if [ "$lost" = 0 ]; then ok "ping IPv$2 ${4:-in $1}: 5 of 5, $rtt ms"; else failed "ping IPv$2 ${4:-in $1}: ${lost:-100} % lost"; fi
}

# check_web TENANT VERSION URL: a megabyte that arrives as it was sent.
check_web() {
  local want got speed
  want=$(sha256sum <"$tmp/$1/megabyte")
  speed=$(at "$1-1" curl -sS --max-time 10 -o "$tmp/fetched" -w '%{speed_download}' "$3/megabyte" 2>"$tmp/curl.log") || true
  got=$(sha256sum <"$tmp/fetched" 2>/dev/null) || true
  rm -f "$tmp/fetched"
  if [ "$got" = "$want" ]; then ok "curl IPv$2 in $1: 1,000,000 bytes at $((${speed%.*} * 8 / 1000000)) Mbit/s"
  else failed "curl IPv$2 in $1: $(cat "$tmp/curl.log")"; fi
}

# check_dns TENANT VERSION SERVER
check_dns() {
  local out
  out=$(at "$1-1" dig "-$2" "@$3" +tries=1 +time=3 "web.$1.internal" A 2>&1) || true
  if grep -q "^web\.$1\.internal.*10\.0\.0\.5$" <<<"$out"; then ok "dig IPv$2 in $1: $(sed -n 's/^;; Query time: //p' <<<"$out")"
  else failed "dig IPv$2 in $1: $(tail -n 1 <<<"$out")"; fi
}

# The same address in both tenants, and each finds its own server there.
check_overlap() {
  local red blue
  red=$(at red-1 curl -sS --max-time 5 "http://$server:8080/tenant.txt" 2>&1) || true
  blue=$(at blue-1 curl -sS --max-time 5 "http://$server:8080/tenant.txt" 2>&1) || true
  if [ "$red $blue" = 'red blue' ]; then ok "overlap: $server is red for red and blue for blue"; else failed "overlap: red got '$red', blue got '$blue'"; fi
}

denials() { status host-b 'sum(p["counters"]["drops"].get("Denied", 0) for p in s["ports"])'; }

check_denied() {
  local before after
  before=$(denials)
  if at red-1 curl -sS --max-time 1 "http://$server:8081/tenant.txt" >/dev/null 2>&1; then failed 'acl: port 8081 answered'; return; fi
  after=$(denials)
  if [ "$after" -gt "$before" ]; then ok "acl: port 8081 denied, counted: $((after - before))"; else failed 'acl: nothing was counted as Denied'; fi
}

# check_vip VERSION URL: the server answers, and by itself: wire.sh looks for the VIP as a source on the wire.
check_vip() {
  local out
  out=$(at red-1 curl -sS --max-time 5 "$2/tenant.txt" 2>&1) || true
  if [ "$out" = red ]; then ok "load balancer IPv$1: the VIP answers"; else failed "load balancer IPv$1: $out"; fi
}

# check_bytes TENANT VERSION SERVER: a stream each way that is short enough to be looked at frame by frame.
check_bytes() {
  local way
  for way in '' --reverse; do stream "$1" "$2" "$3" "$way" "-n 4M"; done
}

# check_streams: longer ones, after the capture.
check_streams() {
  local seconds=5
  [ -z "$short" ] || seconds=1
  stream red 4 $server '' "-t $seconds"
  stream red 4 $server --reverse "-t $seconds"
  stream red 6 $server_6 '' "-t $seconds"
}

# check_reread NUMBER: a stream does not stop while every firewall is changed.
check_reread() {
  local client least
  at red-1 iperf3 -4 -c $server -t 3 -i 0.5 --json >"$tmp/iperf3.json" 2>"$tmp/iperf3.log" & client=$!
  wait_for 'the stream' established red-1
  more_ports=', 9999'
  write_configs "$tunnel" "$version"
  reread "$1"
  wait $client || true
  least=$(python3 -c 'import json, sys; print(min(int(i["sum"]["bits_per_second"] / 1e6) for i in json.load(sys.stdin)["intervals"]))' \
    <"$tmp/iperf3.json" 2>/dev/null) || least=0
  if [ "$least" -gt 0 ]; then ok "reread: a stream goes on while policies change, at $least Mbit/s or more"
  else failed 'reread: a stream stops while policies change'; fi
}
established() { [ -n "$(at "$1" ss -H -tn state established "dport = :5201")" ]; }

# stream TENANT VERSION SERVER WAY AMOUNT
stream() {
  local mbits
  # shellcheck disable=SC2086
  patiently at "$1-1" iperf3 "-$2" -c "$3" $4 $5 --json >"$tmp/iperf3.json" 2>"$tmp/iperf3.log" || true
  mbits=$(python3 -c 'import json, sys; print(int(json.load(sys.stdin)["end"]["sum_received"]["bits_per_second"] / 1e6))' <"$tmp/iperf3.json" 2>/dev/null) || mbits=0
  if [ "$mbits" -gt 0 ]; then ok "iperf3 IPv$2 in $1${4:+, $4} ($5): $mbits Mbit/s"
  else failed "iperf3 IPv$2 in $1${4:+, $4} ($5): $(tr '\n' ' ' <"$tmp/iperf3.json" | grep -o '"error":.*' || cat "$tmp/iperf3.log")"; fi
}

# check_mtu: on an underlay of 1,500 bytes VMs that believe in 1,500 are told of less: TCP by its MSS, others by ICMP.
check_mtu() {
  local out longest
  start_capture mtu
  check_web red 4 "http://$server:8080"
  check_web blue 6 "http://[$server_6]:8080"
  out=$(at red-1 ping -4 -n -c 1 -W 2 -M do -s 1472 $server 2>&1) || true
  if grep -q 'mtu *= *1450' <<<"$out"; then ok 'mtu: a ping of 1,500 bytes is answered with 1450'; else failed "mtu: $out"; fi
  out=$(at red-1 ping -4 -n -c 1 -W 2 -M do -s 1422 $server 2>&1) || true
  if grep -q ' 0% packet loss' <<<"$out"; then ok 'mtu: a ping of 1,450 bytes passes'; else failed "mtu: $out"; fi
  stop_capture
  longest=$(tshark -n -r "$tmp/mtu.pcapng" -T fields -e frame.len 2>/dev/null | sort -n | tail -n 1)
  if [ "${longest:-0}" -gt 1400 ] && [ "$longest" -le 1514 ]; then ok "mtu: the longest frame on the wire has $longest bytes"
  else failed "mtu: the longest frame on the wire has ${longest:-no} bytes"; fi
}

# A switch that is told to end does so with 0 and leaves no socket.
check_end() {
  local host pid code
  for host in host-a host-b; do
    pid=pid_${host//-/_}
    kill -TERM "${!pid}"
    code=0; wait "${!pid}" || code=$?
    if [ "$code" = 0 ] && [ ! -e "$tmp/$host.sock" ]; then ok "$host ends: exit status 0"; else failed "$host ends: exit status $code"; fi
  done
}
