# shellcheck shell=bash
# Who is there: hosts, VMs, and the wires between them.
# Sourced by lab.sh; uses at, serve, wait_for, listens, $id and $tmp from there.

# Both tenants use the same addresses and the same MACs: only the VNI tells them apart.
# VM      host     VNI    IPv4       IPv6         MAC
vms='
red-1     host-a   5001   10.0.0.4   fd00:10::4   02:00:0a:00:00:04
red-2     host-b   5001   10.0.0.5   fd00:10::5   02:00:0a:00:00:05
blue-1    host-a   7001   10.0.0.4   fd00:10::4   02:00:0a:00:00:04
blue-2    host-b   7001   10.0.0.5   fd00:10::5   02:00:0a:00:00:05
'
# Answered for by the switch: nobody has these addresses.
gateway=10.0.0.1 gateway_6=fd00:10::1 gateway_mac=02:00:0a:00:00:01
# Web of each tenant's second VM: 80 -> 8080.
vip=10.0.9.80 vip_6=fd00:10:9::80

declare -A pa=([host-a,4]=192.0.2.1 [host-b,4]=192.0.2.2 [host-a,6]=2001:db8::1 [host-b,6]=2001:db8::2)

# each_vm COMMAND [ARGUMENT...]: calls COMMAND NAME HOST VNI IPV4 IPV6 MAC ARGUMENT...
each_vm() {
  local command=$1 vm host vni ip4 ip6 mac; shift
  while read -r vm host vni ip4 ip6 mac; do [ -z "$vm" ] || "$command" "$vm" "$host" "$vni" "$ip4" "$ip6" "$mac" "$@"; done <<<"$vms"
}

# The kernel of a host has no address, so it says nothing and answers nothing: the switch owns the underlay.
add_host() {
  ip netns add "$id-$1"
  at "$1" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
  ip -n "$id-$1" link set lo up
}

# Offloads stay on: frames come in with partial checksums and as segments of up to 64 KB.
add_vm() {
  local vm=$1 host=$2 ip4=$4 ip6=$5 mac=$6
  ip netns add "$id-$vm"
  at "$vm" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6; echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
  ip -n "$id-$vm" link set lo up
  ip -n "$id-$host" link add "$vm" type veth peer name eth0 address "$mac" netns "$id-$vm"
  ip -n "$id-$host" link set "$vm" up
  ip -n "$id-$vm" link set eth0 up
  ip -n "$id-$vm" addr add "$ip4/24" dev eth0
  ip -n "$id-$vm" addr add "$ip6/64" dev eth0 nodad
  ip -n "$id-$vm" route add default via "$gateway"
  ip -n "$id-$vm" route add default via "$gateway_6"
}

# Room on the underlay for the VMs' 1,500 bytes and any tunnel around them.
add_topology() {
  add_host host-a
  add_host host-b
  ip -n "$id-host-a" link add under0 mtu 1600 address 02:00:c0:00:02:01 type veth peer name under0 mtu 1600 address 02:00:c0:00:02:02 netns "$id-host-b"
  ip -n "$id-host-a" link set under0 up
  ip -n "$id-host-b" link set under0 up
  each_vm add_vm
}

# On each tenant's second VM: web on 8080, the same on 8081 (which the ACL denies), iperf3, DNS.
add_servers() {
  local tenant vm
  for tenant in red blue; do
    vm=$tenant-2
    mkdir -p "$tmp/$tenant"
    echo "$tenant" >"$tmp/$tenant/tenant.txt"
    head -c 1000000 /dev/urandom >"$tmp/$tenant/megabyte"
    serve "$vm" "web-$tenant" python3 -m http.server --directory "$tmp/$tenant" --bind :: 8080
    serve "$vm" "denied-$tenant" python3 -m http.server --directory "$tmp/$tenant" --bind :: 8081
    serve "$vm" "iperf3-$tenant" iperf3 --server
    serve "$vm" "dns-$tenant" dnsmasq --keep-in-foreground --user=root --pid-file= --log-facility=- --conf-file=/dev/null --no-resolv --no-hosts \
      --local=/internal/ --host-record=web.$tenant.internal,10.0.0.5,fd00:10::5
  done
  for tenant in red blue; do
    vm=$tenant-2
    wait_for "the web of $vm" listens "$vm" t 8080
    wait_for "the other web of $vm" listens "$vm" t 8081
    wait_for "iperf3 on $vm" listens "$vm" t 5201
    wait_for "dnsmasq on $vm" listens "$vm" u 53
  done
}
