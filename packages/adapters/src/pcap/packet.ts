/** The nouns of a capture: packets, interfaces, link types. */
import type { TimestampResolution } from './timestamp.js'

/**
 * Link-layer types that this package names; any other number is passed on as it is.
 *
 * @see https://www.tcpdump.org/linktypes.html
 */
export const LinkType = {
  /** BSD loopback: a 4-byte address family in the capturing host's byte order. */
  Null: 0,
  /** Ethernet, without preamble and frame check sequence. */
  Ethernet: 1,
  /** Raw IP: the packet starts with an IPv4 or IPv6 header. */
  Raw: 101,
  /** Linux "cooked" capture, version 1. */
  LinuxSll: 113,
} as const

/** The order of multi-byte integers in a file. Readers accept both; little-endian is what most machines write. */
export type ByteOrder = 'little' | 'big'

/** Which way a packet passed the interface it was captured on, as the capturing program saw it. */
export type CaptureDirection = 'inbound' | 'outbound'

/** One packet as read from a capture. */
export interface CapturePacket {
  /** The captured bytes, from the link layer on: a copy, or a view valid until the next packet (`ReadOptions.data`). */
  readonly data: Uint8Array
  /** Length on the wire, bytes; larger than `data.length` if the capture cut the packet. As the file says, unchecked. */
  readonly originalLength: number
  /**
   * Nanoseconds since 1970-01-01T00:00Z. Resolutions finer than a nanosecond are rounded down. Zero for a pcapng
   * Simple Packet Block, which carries no time.
   */
  readonly timestampNs: bigint
  /** Number of the interface within its section, from 0. Always 0 in a classic pcap. */
  readonly interfaceId: number
  /** Number of the pcapng section, from 0: sections number their interfaces afresh. Always 0 in a classic pcap. */
  readonly section: number
  /** Link type of the interface, see {@link LinkType}. The consumer decides what to do with one that it does not know. */
  readonly linkType: number
  /**
   * Byte order of the file or section, which is that of the machine that captured: link types such as `Null`, NFLOG or CAN have fields in it.
   */
  readonly byteOrder: ByteOrder
  /** The interface's name, if the capture gives one. */
  readonly interfaceName?: string
  /** Present if the capture says. */
  readonly direction?: CaptureDirection
  /** The packet's comment; several are joined by line feeds. */
  readonly comment?: string
}

/** One packet to write. A {@link CapturePacket} can be given as it was read. */
export interface PacketToWrite {
  /** The bytes from the link layer on. Copied before the call returns. */
  readonly data: Uint8Array
  /** Nanoseconds since 1970-01-01T00:00Z; rounded down to the file's micro- or nanoseconds. */
  readonly timestampNs: bigint
  /** Length on the wire, bytes, 0..2^32-1. `data.length` if absent. */
  readonly originalLength?: number
  /** The number of an interface added to the capture; 0 if absent. A classic pcap has only 0. */
  readonly interfaceId?: number
  /** If given, it must be the link type of the file or interface that the packet is written to. */
  readonly linkType?: number
  /**
   * Byte order of the machine that captured it. A packet of a link type with fields in that order is refused by a file of the other: give the file
   * the order of its source. The file's if absent.
   */
  readonly byteOrder?: ByteOrder
  /** pcapng only; a classic pcap has no place for it and drops it. */
  readonly direction?: CaptureDirection
  /** pcapng only, at most 65,535 bytes of UTF-8; a classic pcap has no place for it and drops it. */
  readonly comment?: string
}

/** An interface to describe in a pcapng file. */
export interface InterfaceToWrite {
  /** Shown by analysers next to each packet; at most 1,024 bytes of UTF-8. */
  readonly name?: string
  /** {@link LinkType}.Ethernet if absent; 0..65,535. */
  readonly linkType?: number
  /** Most bytes of a packet that the capture holds; {@link DEFAULT_MAX_PACKET_BYTES} if absent, 0 for "no limit given". */
  readonly snapLength?: number
  /** Nanoseconds if absent. */
  readonly resolution?: TimestampResolution
  /** Seconds that a reader adds to every timestamp, signed 64 bits; 0 if absent. */
  readonly offsetSeconds?: bigint
}

/**
 * The largest packet that is read or written unless told otherwise, bytes. Analysers hold the same bound for
 * network captures; it is four times the largest IP packet.
 */
export const DEFAULT_MAX_PACKET_BYTES = 262_144
