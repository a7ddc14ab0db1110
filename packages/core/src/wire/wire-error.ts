/** Errors of reading and writing single headers, for the control path; the per-packet path has only a `Reason`. */
import { left, type Either } from 'fp-ts/lib/Either.js'
import { reasonName, type Reason } from './reason.js'

/** The headers this library reads and writes, and `ipv6-extension` for all extension headers of IPv6. */
export type WireProtocol =
  | 'ethernet' | 'vlan' | 'arp' | 'ipv4' | 'ipv6' | 'ipv6-extension' | 'tcp' | 'udp' | 'icmp' | 'icmpv6' | 'ndp' | 'vxlan' | 'gre' | 'nvgre' | 'geneve'

/** Bytes that cannot be read as a header, or a representation that cannot be written as bytes. */
export interface WireError {
  readonly _tag: 'WireError'
  /** What is wrong, as {@link Reason} names it. */
  readonly reason: Exclude<keyof typeof Reason, 'Ok'>
  /** Offset of the header the reason refers to, as an index into the bytes; 0 when writing. */
  readonly offset: number
  /** The header that cannot be read or written. */
  readonly protocol: WireProtocol
  /** What is wrong in words: one clause, which does not repeat the other fields. */
  readonly detail: string
}

/** A header that was read, and where it ends. */
export interface Parsed<A> {
  /** The header as a value. */
  readonly repr: A
  /** Offset behind the header and its options. */
  readonly next: number
  /** Offset where the header's own length field, if it has one, says that its data end; otherwise the given end. */
  readonly end: number
}

/** Formats an error in one line: `ipv4 at 14: BadLength, the header length is below 20 …`. */
export const renderWireError = (e: WireError): string => `${e.protocol} at ${e.offset}: ${e.reason}, ${e.detail}`

/** Makes the error of a header at `offset` that cannot be read; `detail` comes from the protocol and the reason. */
export const unreadable = (protocol: WireProtocol, reason: Reason, offset: number): Either<WireError, never> => {
  const name = reasonName(reason)
  if (name === 'Ok') throw new Error('a header without fault is no failure')
  return left({ _tag: 'WireError', reason: name, offset, protocol, detail: DETAILS[protocol][name] ?? GENERAL[name] })
}

/** Makes the error of a representation that cannot be written. */
export const unwritable = (protocol: WireProtocol, reason: WireError['reason'], detail: string): Either<WireError, never> =>
  left({ _tag: 'WireError', reason, offset: 0, protocol, detail })

const GENERAL: Readonly<Record<WireError['reason'], string>> = {
  Truncated: 'the header is cut off by the end of its enclosing data',
  BadLength: 'a length field contradicts the data that are there',
  BadChecksum: 'the checksum does not match',
  BadVersion: 'the version is not the one announced',
  BadHeader: 'a field holds a forbidden value',
  UnsupportedProtocol: 'not supported',
  UnknownCriticalOption: 'an option is critical and not known',
}

const FRAGMENT = 'a first fragment without the whole transport header, or TCP at fragment offset 8'

const DETAILS: Readonly<Record<WireProtocol, Partial<Record<WireError['reason'], string>>>> = {
  ethernet: {},
  vlan: { UnsupportedProtocol: 'more than two tags' },
  arp: { UnsupportedProtocol: 'only Ethernet and IPv4 addresses are supported' },
  ipv4: {
    Truncated: 'the header, or the total length it names, reaches past the data that are there',
    BadLength: 'the header length is below 20, the total length below the header length, or a fragment reaches past 65535',
    BadVersion: 'the version is not 4',
  },
  ipv6: {
    Truncated: 'the header, or the payload length it names, reaches past the data that are there',
    BadVersion: 'the version is not 6',
    UnsupportedProtocol: 'jumbograms are not supported',
  },
  'ipv6-extension': {
    BadLength: 'an authentication header shorter than 12, or a fragment that reaches past 65535',
    BadHeader: 'hop-by-hop options that do not come first, or a first fragment that ends within its headers',
    UnsupportedProtocol: 'more than eight extension headers, two fragment headers, or not an extension header',
  },
  tcp: { BadLength: 'the data offset is below 5', BadHeader: FRAGMENT },
  udp: { BadLength: 'the length is not that of the datagram', BadHeader: FRAGMENT },
  icmp: { BadHeader: FRAGMENT },
  icmpv6: { BadHeader: FRAGMENT },
  ndp: { UnsupportedProtocol: 'not a type of neighbour discovery' },
  vxlan: { BadHeader: 'the I flag is not set' },
  gre: { BadVersion: 'the version is not 0', BadHeader: 'a flag of RFC 1701 is set that RFC 2784 has refused' },
  nvgre: { BadHeader: 'not GRE with a key alone around an Ethernet frame' },
  geneve: {
    Truncated: 'the header, or the options it announces, reach past the data that are there',
    BadLength: 'the options do not end where the header says',
    BadVersion: 'the version is not 0',
  },
}
