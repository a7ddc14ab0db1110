/** Numbers of the protocols inside IP, of IPv4's protocol and IPv6's next-header field alike. */

/**
 * Protocols the library knows by name; of these it parses the extension headers, TCP, UDP, ICMP and ICMPv6.
 *
 * @see https://www.iana.org/assignments/protocol-numbers
 */
export const IpProtocol = {
  HopByHop: 0,
  Icmp: 1,
  Tcp: 6,
  Udp: 17,
  Routing: 43,
  Fragment: 44,
  Gre: 47,
  Authentication: 51,
  Icmpv6: 58,
  NoNext: 59,
  Destination: 60,
} as const
/** One of the {@link IpProtocol} numbers. */
export type IpProtocol = (typeof IpProtocol)[keyof typeof IpProtocol]

/** Returns the short name of a protocol, or `protocol` and its number: `TCP`, `protocol 99`. */
export const formatProtocol = (protocol: number): string => NAMES[protocol] ?? `protocol ${protocol}`

const NAMES: Readonly<Record<number, string>> = {
  0: 'hop-by-hop', 1: 'ICMP', 2: 'IGMP', 6: 'TCP', 17: 'UDP', 43: 'routing', 44: 'fragment', 47: 'GRE', 50: 'ESP', 51: 'AH',
  58: 'ICMPv6', 59: 'no next header', 60: 'destination options', 89: 'OSPF', 132: 'SCTP',
}
