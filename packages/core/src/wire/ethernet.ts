/** Ethernet II: destination, source, EtherType. VLAN tags between source and EtherType are in `vlan.ts`. */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { formatMac, type Mac } from './address.js'
import { putU16, readMac, u16, writeMac } from './bytes.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Offsets inside the header. */
export const EthernetAt = { DESTINATION: 0, SOURCE: 6, TYPE: 12 } as const

/** Bytes of the header without tags. */
export const ETHERNET_LENGTH = 14

/** Shortest frame on a wire without its check sequence; shorter ones are padded by the sender. */
export const ETHERNET_MIN_FRAME = 60

/**
 * EtherTypes the library knows. Values below 0x600 are lengths of 802.3 frames. `TransparentBridging` is only found in tunnel
 * headers, where it announces an Ethernet frame.
 */
export const EtherType = { Ipv4: 0x0800, Arp: 0x0806, TransparentBridging: 0x6558, Vlan: 0x8100, Ipv6: 0x86dd, ServiceVlan: 0x88a8 } as const
/** EtherTypes the library knows. */
export type EtherType = (typeof EtherType)[keyof typeof EtherType]

/** An Ethernet header. */
export interface Ethernet {
  readonly destination: Mac
  readonly source: Mac
  /** What follows the header and its VLAN tags. */
  readonly etherType: number
}

/** The type field of the header at `at`: the first tag's TPID where the frame is tagged. */
export const ethernetType = (bytes: Uint8Array, at: number): number => u16(bytes, at + EthernetAt.TYPE)

/** `Ok` guarantees that the 14 bytes at `at` lie before `end`. */
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

/** Writes the 14 bytes at `at`. */
export const emitEthernet = (repr: Ethernet, bytes: Uint8Array, at: number): void => {
  writeMac(bytes, at + EthernetAt.DESTINATION, repr.destination)
  writeMac(bytes, at + EthernetAt.SOURCE, repr.source)
  putU16(bytes, at + EthernetAt.TYPE, repr.etherType)
}

/** `Ethernet 00:15:5d:00:00:01 > ff:ff:ff:ff:ff:ff, type 0x0806`. */
export const formatEthernet = (repr: Ethernet): string =>
  `Ethernet ${formatMac(repr.source)} > ${formatMac(repr.destination)}, ` +
  (repr.etherType < 0x600 ? `802.3 length ${repr.etherType}` : `type 0x${repr.etherType.toString(16).padStart(4, '0')}`)
