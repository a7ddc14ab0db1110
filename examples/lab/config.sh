# shellcheck shell=bash
# The configurations of the hosts, one JSON file each.
# Sourced by lab.sh; uses each_vm, the addresses of topology.sh, and $tmp.

# The longest packet that may be on the underlay, where it is not as much as the interface takes.
network_mtu=
# Ports that the firewalls allow beside those of the servers, each with a comma in front.
more_ports=

# write_configs TUNNEL VERSION: tunnels of this kind, to the hosts' addresses of this IP version.
write_configs() { local host; for host in host-a host-b; do config "$host" "$1" "$2" >"$tmp/$host.json"; done; }

config() {
  local host=$1 tunnel=$2 version=$3
  cat <<JSON
{
  "name": "$host",
  "status": "$tmp/$host.sock",
  "underlay": { "interface": "under0", "addresses": ["${pa[$host,4]}/24", "${pa[$host,6]}/64"] },
  ${network_mtu:+\"mtu\": { \"network\": $network_mtu \},}
  "mappings": [$(each_vm mapping "$version" | commas)
  ],
  "ports": {$(each_vm port "$host" "$tunnel" | commas)
  }
}
JSON
}

# Lines with commas between them, if not after the last.
commas() { sed '$!s/$/,/'; }

# The VIP is each tenant's second VM's.
mapping() {
  local vm=$1 host=$2 vni=$3 ip4=$4 ip6=$5 mac=$6 version=$7 ip
  case $vm in *-2) set -- "$ip4" "$ip6" "$vip" "$vip_6" ;; *) set -- "$ip4" "$ip6" ;; esac
  for ip; do printf '    { "vni": %s, "ip": "%s", "at": [{ "pa": "%s", "mac": "%s" }] }\n' "$vni" "$ip" "${pa[$host,$version]}" "$mac"; done
}

# One line a port: guard, responder, firewall, load balancer, network.
port() {
  local vm=$1 host=$2 vni=$3 ip4=$4 ip6=$5 mac=$6 here=$7 tunnel=$8 balancer=
  [ "$host" = "$here" ] || return 0
  case $vm in *-2) balancer="{ \"layer\": \"load-balancer\", \"policy\": { \"vips\": [
      { \"vip\": \"$vip\", \"proto\": \"tcp\", \"port\": 80, \"dipPort\": 8080 }, { \"vip\": \"$vip_6\", \"proto\": \"tcp\", \"port\": 80, \"dipPort\": 8080 }] } }," ;; esac
  tr '\n' ' ' <<JSON
    "$vm": { "mac": "$mac", "ip": ["$ip4", "$ip6"], "vni": $vni, "nic": { "afPacket": { "interface": "$vm" } }, "layers": [
      { "layer": "guard" },
      { "layer": "responder", "policy": $(responder) },
      { "layer": "acl", "policy": { "otherwise": "deny",
        "outbound": [{ "allow": {}, "stateful": true }],
        "inbound": [{ "deny": { "proto": "tcp", "dstPort": 8081 }, "name": "not-8081" }, { "allow": { "proto": "icmp" } }, { "allow": { "proto": "icmpv6" } },
          { "allow": { "dstPort": [53, 8080, 5201$more_ports] }, "stateful": true }] } },
      $balancer
      { "layer": "vnet", "policy": { "encap": "$tunnel", "routes": ["10.0.0.0/24", "10.0.9.0/24", "fd00:10::/64", "fd00:10:9::/64"] } }] }
JSON
  echo
}

# It says where the gateway is, and, of all that `mappings` has, where it is; ARP and neighbour discovery do not go further.
responder() { echo "{ \"gateways\": [{ \"ip\": [\"$gateway\", \"$gateway_6\"], \"mac\": \"$gateway_mac\" }], \"neighbours\": {} }"; }
