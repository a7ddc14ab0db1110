# shellcheck shell=bash
# What the VMs of record.sh say to each other: one function for each sort of traffic.
# Each returns when its last answer has come. Sourced; uses at, $here and $tmp from
# there and the addresses of tenant.sh.

# --- clients ------------------------------------------------------------------

get() { local vm=$1; shift; at "$vm" curl -sSf --noproxy '*' --max-time 15 -o /dev/null "$@" 2>>"$tmp/curl.log"; }
ask() { local vm=$1; shift; at "$vm" dig +tries=1 +timeout=2 "$@" >>"$tmp/dig.log"; }
echoes() { local vm=$1; shift; at "$vm" ping -q -i 0.05 -W 2 "$@" >>"$tmp/ping.log"; }
# exits STATUS COMMAND...: the command must fail in exactly this way.
exits() {
  local want=$1 got=0; shift
  "$@" >/dev/null 2>&1 || got=$?
  [ "$got" = "$want" ] || { echo "record.sh: exit $got, not $want: $*" >&2; return 1; }
}

# --- the traffic --------------------------------------------------------------

name_service() {
  local name
  for name in web web-1 web-2; do
    ask client-1 @$dns_vip $name.tenant.internal A
    ask client-1 @$dns_vip $name.tenant.internal AAAA
    ask client-2 @$dns $name.tenant.internal A
    ask client-2 @$dns_6 $name.tenant.internal AAAA
  done
  ask web-1 @$dns web-2.tenant.internal A
  ask client-1 @$dns_vip nowhere.tenant.internal A
  ask client-2 @$dns_6 nowhere.tenant.internal AAAA
  ask client-1 @$dns_vip web.tenant.internal A +tcp
  ask client-2 @$dns_6 web.tenant.internal AAAA +tcp
  # Answers of more than one fragment, one of them through the load balancer.
  ask client-1 @$dns_vip long.tenant.internal TXT +bufsize=4096
  ask client-2 @$dns long.tenant.internal TXT +bufsize=4096
  ask client-2 @$dns_6 long.tenant.internal TXT +bufsize=4096
  # A truncated answer makes dig come again over TCP.
  ask client-1 @$dns_vip long.tenant.internal TXT +bufsize=1232
  at client-1 python3 "$here/odd_sockets.py" no-checksum $dns_vip
  at client-2 python3 "$here/odd_sockets.py" extension-headers $dns_6
}

echo_requests() {
  echoes client-1 -c 10 $web1
  echoes client-2 -c 5 -Q 0xb8 $web2            # DSCP EF
  echoes client-1 -c 5 -s 3000 $web2            # fragments: 1480 + 1480 + 48
  echoes web-1 -c 3 -s 1473 $dns                # one byte too long
  echoes client-2 -c 10 $web2_6
  echoes client-2 -c 5 -s 3000 $web1_6
  echoes client-1 -c 3 -R $web1                 # IP option 7, record route
  echoes client-2 -c 3 -T tsonly $web2          # IP option 68, timestamps
}

web() {
  # Many requests over one connection, from two clients at once.
  get client-1 "http://$vip/small.txt?[1-100]" & local a=$!
  get client-2 "http://$vip/small.txt?[1-100]" & local b=$!
  get stranger "http://$vip/small.txt?[1-3]" & local c=$!
  wait $a; wait $b; wait $c
  # Many connections at once.
  get client-1 -Z --parallel-immediate --parallel-max 8 "http://$vip/medium.txt?[1-8]" & a=$!
  get client-2 -Z --parallel-immediate --parallel-max 8 "http://$vip/medium.txt?[1-8]" & b=$!
  wait $a; wait $b
  get client-1 "http://$vip/large.txt"
  get client-2 "http://$vip/large.txt?[1-2]"
  get client-2 --data-binary "@$tmp/www/medium.txt" "http://$vip/upload"
  # IPv6, direct and through the load balancer.
  get client-2 "http://[$web1_6]/small.txt?[1-20]"
  get client-2 "http://[$web1_6]/large.txt"
  get client-1 "http://[$vip_6]/small.txt?[1-10]"
  get client-2 "http://[$vip_6]/medium.txt"
  # ECN-capable transport, for tunnels to carry inwards and outwards.
  at client-1 sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_ecn'
  get client-1 "http://$vip/medium.txt"
  get client-1 --data-binary "@$tmp/www/medium.txt" "http://$vip/upload"
  at client-1 sh -c 'echo 2 >/proc/sys/net/ipv4/tcp_ecn'
  # Two ends other than FIN: refused (the VIP's port 443 has no server), and reset half-way.
  exits 7 get client-1 "http://$vip:443/"
  at client-1 python3 "$here/odd_sockets.py" abort $vip 80
}

lossy_web() {
  get client-2 --local-port $port_syn_lost "http://$vip/small.txt" & local a=$!
  get client-1 --local-port $port_data_lost "http://$vip/large.txt" & local b=$!
  get client-1 --local-port $port_data_lost_6 "http://[$web2_6]/large.txt" & local c=$!
  wait $a; wait $b; wait $c
}

streams() {
  at client-2 iperf3 --client $web2 --bytes 96K --length 8K >>"$tmp/iperf3.client.log" 2>&1
  at client-1 iperf3 --client $web2 --udp --bytes 40K --length 200 --bitrate 500K >>"$tmp/iperf3.client.log" 2>&1
  at client-1 iperf3 --client $web2 --udp --bytes 24K --length 4000 --bitrate 2M >>"$tmp/iperf3.client.log" 2>&1
}

# dig exits 9 when nobody answers; the ICMP error ends it early.
closed_ports() {
  exits 9 ask client-1 @$web1 -p 9053 web.tenant.internal A
  exits 9 ask client-2 @$web2_6 -p 9053 web.tenant.internal A
  exits 9 ask client-1 @$vip -p 443 web.tenant.internal A # the error quotes the DIP, the client must see the VIP
}

# The host lets these through (but for one); a policy should not.
forbidden() {
  exits 28 get stranger --connect-timeout 2 "http://$web1:22/" & local a=$! # lost: SYN, SYN again
  get client-2 "http://$web1:8081/"
  exits 7 get client-2 "http://$web1:22/"
  ask stranger @$dns web.tenant.internal A
  ask stranger @$dns_6 web.tenant.internal AAAA
  get stranger "http://$web2:8080/small.txt"
  wait $a
}
