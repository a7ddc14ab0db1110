# shellcheck shell=bash
# The tenant of record.sh: who its VMs are, how the host joins them, what they serve.
# Sourced; uses at, serve, wait_for, listens, $id, $host and $tmp from there.

# --- the tenant ---------------------------------------------------------------

# name      IPv4       IPv6              MAC
vms='
client-1    10.0.0.4   fd00:10::4        00:15:5d:00:00:04
client-2    10.0.0.5   fd00:10::5        00:15:5d:00:00:05
web-1       10.0.1.4   fd00:10:0:1::4    00:15:5d:00:01:04
web-2       10.0.1.5   fd00:10:0:1::5    00:15:5d:00:01:05
dns         10.0.1.53  fd00:10:0:1::53   00:15:5d:00:01:53
stranger    10.0.2.6   fd00:10:0:2::6    00:15:5d:00:02:06
'
web1=10.0.1.4 web2=10.0.1.5 dns=10.0.1.53
web1_6=fd00:10:0:1::4 web2_6=fd00:10:0:1::5 dns_6=fd00:10:0:1::53
vip=10.0.9.80 vip_6=fd00:10:0:9::80 # web: 80 -> 8080, 443 -> 8443 (nothing listens there)
dns_vip=10.0.9.53

# The next hop of every VM, and the only MAC any of them sends unicast to.
router=169.254.1.1 router_6=fe80::1 router_mac=12:34:56:78:9a:bc

# Connections that the host treats badly are known by the client's port.
port_syn_lost=40001 port_data_lost=40002 port_data_lost_6=40003

# --- the wires ----------------------------------------------------------------

add_host() {
  ip netns add "$host"
  ip netns exec "$host" sh -c '
    echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6
    echo 1 >/proc/sys/net/ipv4/ip_forward
    echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
    echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
    echo 1 >/proc/sys/net/ipv6/conf/default/addr_gen_mode
    ip link set lo up'
}

# The VM's end stays down until the recording runs: its first words (neighbour
# and listener discovery, gratuitous ARP) belong into the file.
add_vm() {
  local name=$1 ip4=$2 ip6=$3 mac=$4
  ip netns add "$id-$name"
  ip -n "$id-$name" link set lo up
  ip -n "$host" link add "$name" address "$router_mac" type veth peer name eth0 address "$mac" netns "$id-$name"
  # Otherwise checksums are left to a NIC that isn't there, and frames are 64 KB long.
  at host ethtool -K "$name" tx off rx off tso off gso off gro off >/dev/null
  at "$name" ethtool -K eth0 tx off rx off tso off gso off gro off >/dev/null
  at "$name" sh -c '
    echo 0 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6
    echo 1 >/proc/sys/net/ipv4/conf/eth0/arp_notify
    echo 1 >/proc/sys/net/ipv6/conf/eth0/ndisc_notify
    echo 0 >/proc/sys/net/ipv6/conf/eth0/addr_gen_mode
    echo 2 >/proc/sys/net/ipv4/tcp_ecn
    echo reno >/proc/sys/net/ipv4/tcp_congestion_control'
  ip -n "$host" link set "$name" up
  ip -n "$host" addr add "$router/32" dev "$name"
  ip -n "$host" addr add "$router_6/64" dev "$name"
  ip -n "$host" route add "$ip4/32" dev "$name"
  ip -n "$host" route add "$ip6/128" dev "$name"
  ip -n "$id-$name" addr add "$ip4/32" dev eth0
  ip -n "$id-$name" addr add "$ip6/128" dev eth0
}

plug_in() {
  ip -n "$id-$1" link set eth0 up
  ip -n "$id-$1" route add default via "$router" dev eth0 onlink
  ip -n "$id-$1" route add default via "$router_6" dev eth0
}
# Setting the address it has makes the VM announce it (arp_notify); when the link
# came up, the kernel had not yet given the device a queue to announce through.
announce() { ip -n "$id-$1" link set eth0 address "$4"; }
settled() { [ -z "$(ip -n "$id-$1" -6 addr show tentative)" ]; }
wait_settled() { wait_for "the IPv6 addresses of $1" settled "$1"; }

# The DIP depends on the client's address alone, so that a replay can choose as the host did.
add_load_balancer() {
  at host nft -f - <<NFT
table ip lb {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    ip daddr $vip tcp dport 80  dnat to ip saddr map { 10.0.0.4 : $web1, 10.0.0.5 : $web2, 10.0.2.6 : $web1 }:8080
    ip daddr $vip tcp dport 443 dnat to ip saddr map { 10.0.0.4 : $web1, 10.0.0.5 : $web2, 10.0.2.6 : $web1 }:8443
    ip daddr $vip udp dport 443 dnat to ip saddr map { 10.0.0.4 : $web1, 10.0.0.5 : $web2, 10.0.2.6 : $web1 }:8443
    ip daddr $dns_vip udp dport 53 dnat to $dns:53
    ip daddr $dns_vip tcp dport 53 dnat to $dns:53
  }
}
table ip6 lb {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    ip6 daddr $vip_6 tcp dport 80 dnat to ip6 saddr map { fd00:10::4 : $web1_6, fd00:10::5 : $web2_6 }:8080
  }
}
NFT
}

# What is lost here was sent, so it is in the file, and so is its repetition. The
# numbers count the segments that a rule sees, from 0. Downloads lose early ones only:
# a segment sent again after the response's end makes tshark's reassembly complain.
add_losses() {
  at host nft -f - <<NFT
table inet losses {
  chain prerouting {
    type filter hook prerouting priority raw;
    tcp sport $port_syn_lost tcp flags & (syn | ack) == syn numgen inc mod 10000 0 drop
    tcp sport 8080 tcp dport $port_data_lost meta length > 1000 numgen inc mod 10000 { 5, 14, 23 } drop
    tcp sport 80 tcp dport $port_data_lost_6 meta length > 1000 numgen inc mod 10000 { 4, 12, 24 } drop
    tcp dport 5201 meta length > 1000 numgen inc mod 10000 { 9, 20, 31, 42 } drop
    ip saddr 10.0.2.6 tcp dport 22 drop
  }
}
NFT
}

# --- the servers --------------------------------------------------------------

# 80: direct; 8080: what the load balancer feeds; 8081: status page, for nobody but a policy's benefit.
add_web() {
  mkdir -p "$tmp/www"
  echo "hello" >"$tmp/www/small.txt"
  seq -f 'line %04.0f of a page of medium size' 1 110 >"$tmp/www/medium.txt" # ~4 KB
  seq -f 'line %04.0f of a page large enough for many segments' 1 1224 >"$tmp/www/large.txt" # ~60 KB
  cat >"$tmp/nginx.conf" <<NGINX
daemon off; master_process off; pid $tmp/nginx.pid; error_log stderr warn;
events { worker_connections 64; }
http {
  access_log off; keepalive_requests 1000;
  client_body_temp_path $tmp/body; proxy_temp_path $tmp/proxy; fastcgi_temp_path $tmp/fastcgi;
  uwsgi_temp_path $tmp/uwsgi; scgi_temp_path $tmp/scgi;
  server {
    listen 80; listen [::]:80 ipv6only=on; listen 8080; listen [::]:8080 ipv6only=on;
    root $tmp/www;
    location = /upload { return 204; }
  }
  server { listen 8081; location / { return 200 "status: well\n"; } }
}
NGINX
  local vm
  for vm in web-1 web-2; do
    sed "s,nginx.pid,nginx-$vm.pid," "$tmp/nginx.conf" >"$tmp/nginx-$vm.conf"
    serve "$vm" "nginx-$vm" nginx -e stderr -p "$tmp" -c "$tmp/nginx-$vm.conf"
  done
  serve web-2 iperf3 iperf3 --server
  for vm in web-1 web-2; do wait_for "nginx on $vm" listens "$vm" t 8081; done
  wait_for 'iperf3' listens web-2 t 5201
}

add_dns() {
  {
    echo 'port=53'; echo 'no-resolv'; echo 'no-hosts'; echo 'local=/internal/'; echo 'edns-packet-max=4096'
    echo "host-record=web.tenant.internal,$vip,$vip_6"
    echo "host-record=web-1.tenant.internal,$web1,$web1_6"
    echo "host-record=web-2.tenant.internal,$web2,$web2_6"
    local i # enough text for an answer of two fragments
    for i in 1 2 3 4 5 6 7 8 9 10; do printf 'txt-record=long.tenant.internal,%0200d\n' "$i"; done
  } >"$tmp/dnsmasq.conf"
  serve dns dnsmasq dnsmasq --keep-in-foreground --user=root --pid-file= --log-facility=- --conf-file="$tmp/dnsmasq.conf"
  wait_for 'dnsmasq' listens dns u 53
}
