/**
 * ARP for IPv4 over Ethernet, the one form in use. ARP between other kinds of addresses is left opaque.
 *
 * Hardware type 6, IEEE 802 networks, has the same addresses as type 1, Ethernet, and stacks take the one for the other. So both are
 * read here: a packet that policy took for opaque would be ARP to the VM that gets it.
 *
 * @see RFC 826
 * @see RFC 1042
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { formatIp, formatMac, type IpAddress, type Mac } from './address.js'
import { putU16, readIpv4, readMac, u16, writeIp, writeMac } from './bytes.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Offsets inside the packet, for Ethernet and IPv4 addresses. */
export const ArpAt = {
  /** Hardware type, 16 bits. */
  HARDWARE: 0,
  /** Protocol type, 16 bits: an EtherType. */
  PROTOCOL: 2,
  /** Bytes of a hardware address and of a protocol address, one byte each. */
  LENGTHS: 4,
  /** Operation, 16 bits. */
  OPERATION: 6,
  /** Sender's MAC address, 6 bytes. */
  SENDER_MAC: 8,
  /** Sender's IPv4 address. */
  SENDER_IP: 14,
  /** Target's MAC address, 6 bytes. */
  TARGET_MAC: 18,
  /** Target's IPv4 address. */
  TARGET_IP: 24,
} as const

/** Bytes of a packet with Ethernet and IPv4 addresses. */
export const ARP_LENGTH = 28

/** Hardware types whose addresses are the six bytes of a MAC. */
export const ArpHardware = {
  /** Ethernet. */
  Ethernet: 1,
  /** IEEE 802 networks; its packets are read and treated as those of Ethernet. */
  Ieee802: 6
} as const
/** One of the {@link ArpHardware} numbers. */
export type ArpHardware = (typeof ArpHardware)[keyof typeof ArpHardware]

/** Operations the library knows. Others are carried as numbers. */
export const ArpOperation = {
  /** Asks for the MAC address of `targetIp`. */
  Request: 1,
  /** Says that `senderIp` is at `senderMac`. */
  Reply: 2
} as const
/** One of the {@link ArpOperation} numbers. */
export type ArpOperation = (typeof ArpOperation)[keyof typeof ArpOperation]

/** An ARP packet with Ethernet and IPv4 addresses. */
export interface Arp {
  /** Tells ARP from the other network headers of a frame. */
  readonly kind: 'arp'
  /** Hardware type; `Ethernet` unless given. {@link parseArp} gives it only if it is another. */
  readonly hardware?: ArpHardware
  /** An {@link ArpOperation}, or another 16-bit number. */
  readonly operation: number
  /** MAC address of the sender. */
  readonly senderMac: Mac
  /** IPv4 address of the sender; 0.0.0.0 in a probe. */
  readonly senderIp: IpAddress
  /** MAC address of the target; without meaning in a request. */
  readonly targetMac: Mac
  /** IPv4 address that a request asks for, or to which a reply is sent. */
  readonly targetIp: IpAddress
}

/**
 * Checks the packet at `at`. `Ok` guarantees that its 28 bytes lie before `end` and hold Ethernet and IPv4 addresses.
 * `UnsupportedProtocol`: its first eight bytes lie before `end` and name other kinds of addresses.
 */
export const checkArp = (bytes: Uint8Array, at: number, end: number): Reason => {
  if (end - at < 8) return Reason.Truncated
  const hardware = u16(bytes, at + ArpAt.HARDWARE)
  if (hardware !== ArpHardware.Ethernet && hardware !== ArpHardware.Ieee802) return Reason.UnsupportedProtocol
  if (u16(bytes, at + ArpAt.PROTOCOL) !== 0x0800 || u16(bytes, at + ArpAt.LENGTHS) !== 0x0604) return Reason.UnsupportedProtocol
  return end - at < ARP_LENGTH ? Reason.Truncated : Reason.Ok
}

/** Reads the packet at `at`; fails as {@link checkArp} does. */
export const parseArp = (bytes: Uint8Array, at: number, end: number): Either<WireError, Parsed<Arp>> => {
  const reason = checkArp(bytes, at, end)
  if (reason !== Reason.Ok) return unreadable('arp', reason, at)
  const repr: Arp = {
    kind: 'arp',
    ...(u16(bytes, at + ArpAt.HARDWARE) === ArpHardware.Ieee802 ? { hardware: ArpHardware.Ieee802 } : {}),
    operation: u16(bytes, at + ArpAt.OPERATION),
    senderMac: readMac(bytes, at + ArpAt.SENDER_MAC),
    senderIp: readIpv4(bytes, at + ArpAt.SENDER_IP),
    targetMac: readMac(bytes, at + ArpAt.TARGET_MAC),
    targetIp: readIpv4(bytes, at + ArpAt.TARGET_IP),
  }
  return right({ repr, next: at + ARP_LENGTH, end: at + ARP_LENGTH })
}

/** Writes the packet to the 28 bytes at `at`. */
export const emitArp = (repr: Arp, bytes: Uint8Array, at: number): void => {
  putU16(bytes, at + ArpAt.HARDWARE, repr.hardware ?? ArpHardware.Ethernet)
  putU16(bytes, at + ArpAt.PROTOCOL, 0x0800)
  putU16(bytes, at + ArpAt.LENGTHS, 0x0604)
  putU16(bytes, at + ArpAt.OPERATION, repr.operation)
  writeMac(bytes, at + ArpAt.SENDER_MAC, repr.senderMac)
  writeIp(bytes, at + ArpAt.SENDER_IP, repr.senderIp)
  writeMac(bytes, at + ArpAt.TARGET_MAC, repr.targetMac)
  writeIp(bytes, at + ArpAt.TARGET_IP, repr.targetIp)
}

/** Formats a packet in one line: `ARP who-has 10.0.0.5 tell 10.0.0.4`, `ARP 10.0.0.5 is-at 00:15:5d:00:00:02`. */
export const formatArp = (repr: Arp): string => {
  switch (repr.operation) {
    case ArpOperation.Request:
      return `ARP who-has ${formatIp(repr.targetIp)} tell ${formatIp(repr.senderIp)}`
    case ArpOperation.Reply:
      return `ARP ${formatIp(repr.senderIp)} is-at ${formatMac(repr.senderMac)}`
    default:
      return `ARP operation ${repr.operation}, ${formatIp(repr.senderIp)} to ${formatIp(repr.targetIp)}`
  }
}
