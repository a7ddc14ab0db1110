#!/usr/bin/env bash
# Says what is in a recording of record.sh, and fails if something is missing or wrong.
#
#   verify.sh [FILE]      default: tenant.pcapng beside this script
#
# One pass of tshark with every checksum check on counts the frames that match each
# display filter below. Exit status: 0 as it should be; 1 not; 3 tshark is missing.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
file=${1:-$here/tenant.pcapng}
max_bytes=2000000 min_frames=1500 max_frames=5000

# need | kind | display filter (tshark separates filters by commas, so none may contain one).
# need: + at least one frame, 0 none at all.
kinds='
+|sent by client-1                         | frame.interface_name == "client-1"
+|sent by client-2                         | frame.interface_name == "client-2"
+|sent by web-1                            | frame.interface_name == "web-1"
+|sent by web-2                            | frame.interface_name == "web-2"
+|sent by dns                              | frame.interface_name == "dns"
+|sent by stranger                         | frame.interface_name == "stranger"
+|ARP request for the router               | arp.opcode == 1 && arp.dst.proto_ipv4 == 169.254.1.1
+|ARP reply                                | arp.opcode == 2
+|gratuitous ARP                           | arp.isannouncement == 1 || arp.isgratuitous == 1
+|NDP router solicitation                  | icmpv6.type == 133
+|NDP neighbour solicitation               | icmpv6.type == 135 && !(ipv6.src == ::)
+|duplicate address detection              | icmpv6.type == 135 && ipv6.src == ::
+|NDP neighbour advertisement              | icmpv6.type == 136
+|MLDv2 report behind a hop-by-hop header  | icmpv6.type == 143 && ipv6.hopopts
+|HTTP to the VIP (IPv4)                   | ip.dst == 10.0.9.80 && tcp.dstport == 80 && http.request
+|HTTP from a DIP (IPv4)                   | ip.src == 10.0.1.0/24 && tcp.srcport == 8080 && http.response
+|HTTP to the VIP (IPv6)                   | ipv6.dst == fd00:10:0:9::80 && tcp.dstport == 80 && http.request
+|HTTP from a DIP (IPv6)                   | ipv6.src == fd00:10:0:1::/64 && tcp.srcport == 8080 && http.response
+|HTTP direct (IPv6)                       | ipv6.dst == fd00:10:0:1::4 && tcp.dstport == 80 && http.request
+|HTTP upload                              | http.request.method == "POST"
+|TCP SYN                                  | tcp.flags.syn == 1 && tcp.flags.ack == 0 && !icmp && !icmpv6
+|TCP SYN with ECN setup                   | tcp.flags.syn == 1 && tcp.flags.ack == 0 && tcp.flags.ece == 1
+|TCP FIN                                  | tcp.flags.fin == 1
+|TCP refused: RST from a closed port      | tcp.flags.reset == 1 && tcp.srcport == 8443
+|TCP aborted: RST from the client         | tcp.flags.reset == 1 && tcp.dstport == 80
+|TCP SYN sent again                       | tcp.flags.syn == 1 && tcp.srcport == 40001 && tcp.analysis.retransmission
+|TCP data sent again (IPv4)               | ip && tcp.len > 0 && (tcp.analysis.retransmission || tcp.analysis.out_of_order)
+|TCP data sent again (IPv6)               | ipv6 && tcp.len > 0 && (tcp.analysis.retransmission || tcp.analysis.out_of_order)
+|TCP selective acknowledgement            | tcp.options.sack_le
+|TCP stream (iperf3)                      | tcp.dstport == 5201 && tcp.len > 1000
+|UDP stream (iperf3)                      | udp.dstport == 5201 && udp.length == 208
+|DNS query A                              | udp && dns.flags.response == 0 && dns.qry.type == 1 && !icmp
+|DNS query AAAA                           | udp && dns.flags.response == 0 && dns.qry.type == 28 && !icmpv6
+|DNS to its VIP                           | ip.dst == 10.0.9.53 && udp.dstport == 53
+|DNS over TCP                             | tcp.port == 53 && dns
+|DNS NXDOMAIN                             | dns.flags.rcode == 3
+|DNS answer truncated                     | dns.flags.truncated == 1 && dns.flags.response == 1
+|UDP without a checksum                   | ip && udp.checksum == 0 && !icmp
+|UDP in IPv4 fragments                    | ip.proto == 17 && (ip.flags.mf == 1 || ip.frag_offset > 0)
+|UDP in IPv6 fragments                    | ipv6.fraghdr.nxt == 17
+|UDP behind destination options           | ipv6.dstopts && udp
+|UDP behind hop-by-hop and dest. options  | ipv6.hopopts && ipv6.dstopts && udp
+|ICMP echo                                | icmp.type == 8
+|ICMP echo reply                          | icmp.type == 0
+|ICMP in IPv4 fragments                   | ip.proto == 1 && (ip.flags.mf == 1 || ip.frag_offset > 0)
+|ICMP port unreachable                    | icmp.type == 3 && icmp.code == 3
+|ICMP port unreachable, quoting a DIP     | icmp.type == 3 && icmp.code == 3 && udp.dstport == 8443
+|ICMPv6 echo                              | icmpv6.type == 128
+|ICMPv6 echo reply                        | icmpv6.type == 129
+|ICMPv6 in IPv6 fragments                 | ipv6.fraghdr.nxt == 58
+|ICMPv6 port unreachable                  | icmpv6.type == 1 && icmpv6.code == 4
+|IP option: record route                  | ip.opt.type == 7
+|IP option: timestamp                     | ip.opt.type == 68
+|DSCP EF                                  | ip.dsfield.dscp == 46
+|ECN-capable transport                    | ip.dsfield.ecn == 2
+|to forbid: client-2 to web-1:8081        | ip.src == 10.0.0.5 && tcp.dstport == 8081
+|to forbid: anyone to web-1:22            | ip.dst == 10.0.1.4 && tcp.dstport == 22
+|to forbid: stranger to dns               | frame.interface_name == "stranger" && udp.dstport == 53
+|to forbid: stranger to a DIP             | frame.interface_name == "stranger" && ip.dst == 10.0.1.5 && tcp.dstport == 8080
0|malformed                                | _ws.malformed
0|bad IPv4 header checksum                 | ip.checksum.status == 0
0|bad TCP checksum                         | tcp.checksum.status == 0
0|bad UDP checksum                         | udp.checksum.status == 0
0|bad ICMP checksum                        | icmp.checksum.status == 0 || icmpv6.checksum.status == 0
+|good TCP checksum                        | tcp.checksum.status == 1
+|good UDP checksum                        | udp.checksum.status == 1
0|longer than the MTU                      | frame.len > 1514
0|not captured whole                       | frame.cap_len < frame.len
0|unicast, but not to the router           | !(eth.dst[0] & 1) && !(eth.dst == 12:34:56:78:9a:bc)
0|not sent by the VM it is recorded at     | !((frame.interface_name == "client-1" && eth.src == 00:15:5d:00:00:04) || (frame.interface_name == "client-2" && eth.src == 00:15:5d:00:00:05) || (frame.interface_name == "web-1" && eth.src == 00:15:5d:00:01:04) || (frame.interface_name == "web-2" && eth.src == 00:15:5d:00:01:05) || (frame.interface_name == "dns" && eth.src == 00:15:5d:00:01:53) || (frame.interface_name == "stranger" && eth.src == 00:15:5d:00:02:06))
+|all                                      | frame
'

command -v tshark >/dev/null || { echo 'verify.sh: missing Debian packages: tshark' >&2; exit 3; }

needs=() names=() statistics=io,stat,0
while IFS='|' read -r need name filter; do
  [ -n "$need" ] || continue
  needs+=("$need") names+=("$name") statistics+=,$filter
done <<<"$kinds"

complaints=$(mktemp)
trap 'rm -f "$complaints"' EXIT
# The table's only row of numbers holds frames and bytes in turn.
counts=$(
  tshark -n -r "$file" -q -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE \
    -z "$statistics" 2>"$complaints" |
    awk -F'|' '/<>/ { for (i = 3; i < NF; i += 2) print $i + 0 }'
)
mapfile -t counts <<<"$counts"
if [ "${#counts[@]}" != "${#names[@]}" ]; then
  cat "$complaints" >&2
  echo "verify.sh: tshark counted ${#counts[@]} kinds of ${#names[@]}" >&2
  exit 1
fi

wrong=0
complain() { echo "verify.sh: $*" >&2; wrong=1; }
for i in "${!names[@]}"; do
  printf '%s %6d\n' "${names[i]}" "${counts[i]}"
  case ${needs[i]} in
    +) [ "${counts[i]}" -gt 0 ] || complain "no frame of this kind: ${names[i]}" ;;
    0) [ "${counts[i]}" = 0 ] || complain "there should be none: ${names[i]}" ;;
  esac
done
frames=${counts[-1]} bytes=$(stat -Lc %s "$file")
printf '%-40s %7d\n' 'bytes in the file' "$bytes"
[ "$bytes" -lt $max_bytes ] || complain "larger than $max_bytes bytes"
[ "$frames" -ge $min_frames ] && [ "$frames" -le $max_frames ] || complain "not between $min_frames and $max_frames frames"
exit $wrong
