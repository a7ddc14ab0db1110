/** Ethernet II: destination, source, EtherType. VLAN tags between source and EtherType are in `vlan.ts`. */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { formatMac, type Mac } from './address.js'
import { putU16, readMac, u16, writeMac } from './bytes.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Offsets inside the header. */
export const EthernetAt = {
  /** Destination address, 6 bytes. */
  DESTINATION: 0,
  /** Source address, 6 bytes. */
  SOURCE: 6,
  /** EtherType, 16 bits; TPID of the first tag in a tagged frame. */
  TYPE: 12
} as const

/** Bytes of the header without tags. */
export const ETHERNET_LENGTH = 14

/** Fewest bytes of a frame on a wire, without its check sequence; the sender pads shorter ones. */
export const ETHERNET_MIN_FRAME = 60

/** EtherTypes the library knows; others are carried as numbers. Values below 0x600 are lengths of 802.3 frames. */
export const EtherType = {
  /** IPv4. */
  Ipv4: 0x0800,
  /** ARP. */
  Arp: 0x0806,
  /** An Ethernet frame; only found in tunnel headers. */
  TransparentBridging: 0x6558,
  /** TPID of a customer VLAN tag. */
  Vlan: 0x8100,
  /** IPv6. */
  Ipv6: 0x86dd,
  /** TPID of a service VLAN tag. */
  ServiceVlan: 0x88a8
} as const
/** One of the {@link EtherType} numbers. */
export type EtherType = (typeof EtherType)[keyof typeof EtherType]

/** An Ethernet header. */
export interface Ethernet {
  /** Destination address. */
  readonly destination: Mac
  /** Source address. */
  readonly source: Mac
  /** EtherType of what follows the header and its VLAN tags, 16 bits. Below 0x600: the length of an 802.3 frame. */
  readonly etherType: number
}

/** Returns the type field of the header at `at`: the first tag's TPID where the frame is tagged. */
export const ethernetType = (bytes: Uint8Array, at: number): number => u16(bytes, at + EthernetAt.TYPE)

/** Checks the header at `at`. `Ok` guarantees that the 14 bytes at `at` lie before `end`. */
export const checkEthernet = (_bytes: Uint8Array, at: number, end: number): Reason =>
  end - at < ETHERNET_LENGTH ? Reason.Truncated : Reason.Ok

/** Reads the header at `at`; in a tagged frame `etherType` is the TPID of the first tag. */
export const parseEthernet = (bytes: Uint8Array, at: number, end: number): Either<WireError, Parsed<Ethernet>> => {
  const reason = checkEthernet(bytes, at, end)
  if (reason !== Reason.Ok) return unreadable('ethernet', reason, at)
  const repr = {
    destination: readMac(bytes, at + EthernetAt.DESTINATION),
    source: readMac(bytes, at + EthernetAt.SOURCE),
    etherType: ethernetType(bytes, at),
  }
  return right({ repr, next: at + ETHERNET_LENGTH, end })
}

/** Writes the header to the 14 bytes at `at`. */
export const emitEthernet = (repr: Ethernet, bytes: Uint8Array, at: number): void => {
  writeMac(bytes, at + EthernetAt.DESTINATION, repr.destination)
  writeMac(bytes, at + EthernetAt.SOURCE, repr.source)
  putU16(bytes, at + EthernetAt.TYPE, repr.etherType)
}

/** Formats a header in one line: `Ethernet 00:15:5d:00:00:01 > ff:ff:ff:ff:ff:ff, type 0x0806`. */
export const formatEthernet = (repr: Ethernet): string =>
  `Ethernet ${formatMac(repr.source)} > ${formatMac(repr.destination)}, ` +
  (repr.etherType < 0x600 ? `802.3 length ${repr.etherType}` : `type 0x${repr.etherType.toString(16).padStart(4, '0')}`)
