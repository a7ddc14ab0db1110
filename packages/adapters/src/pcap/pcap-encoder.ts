/** The encoder of classic captures. */
import * as E from 'fp-ts/lib/Either.js'
import type { Either } from 'fp-ts/lib/Either.js'
import { linkFault, packetFault } from './encode.js'
import type { CaptureEncoder } from './encode.js'
import type { CaptureWriteError } from './error.js'
import { DEFAULT_MAX_PACKET_BYTES, LinkType } from './packet.js'
import type { ByteOrder } from './packet.js'
import { PcapMagic, writePcapFileHeader, writePcapRecord } from './pcap-format.js'

/** How a classic capture is written. */
export interface PcapEncoderOptions {
  /** Little-endian if absent. */
  readonly byteOrder?: ByteOrder
  /** `'nano'` if absent. Microseconds are for readers older than the nanosecond variant; packets are rounded down. */
  readonly resolution?: 'micro' | 'nano'
  /** The link type of all packets, {@link LinkType}.Ethernet if absent. */
  readonly linkType?: number
  /** Most bytes of a packet, {@link DEFAULT_MAX_PACKET_BYTES} if absent; longer packets are refused, 0 lets all pass. */
  readonly snapLength?: number
}

/**
 * An encoder of a classic capture, or `Unwritable` if a number does not fit. Names, directions and comments have no
 * place in the format and are dropped; times are limited to the years 1970 to 2106.
 */
export const pcapEncoder = (options: PcapEncoderOptions = {}): Either<CaptureWriteError, CaptureEncoder> => {
  const { byteOrder = 'little', resolution = 'nano' } = options
  const { linkType = LinkType.Ethernet, snapLength = DEFAULT_MAX_PACKET_BYTES } = options
  const littleEndian = byteOrder === 'little'
  const nanosecondsPerTick = resolution === 'nano' ? 1n : 1_000n
  const fault = linkFault(linkType, snapLength)
  if (fault !== undefined) return E.left({ _tag: 'Unwritable', packet: 0, reason: fault })
  let packets = 0

  return E.right({
    start: writePcapFileHeader({
      littleEndian,
      magic: resolution === 'nano' ? PcapMagic.Nanoseconds : PcapMagic.Microseconds,
      snapLength,
      linkType,
    }),
    addInterface: () =>
      E.left({ _tag: 'Unwritable', packet: 0, reason: 'a classic pcap file has one interface, described by its header' }),
    packet: (packet) => {
      const number = packets + 1
      const { interfaceId = 0 } = packet
      if (interfaceId !== 0) return E.left({ _tag: 'UnknownInterface', packet: number, interfaceId, known: 1 })
      const seconds = packet.timestampNs / NS_PER_SECOND
      const reason =
        packetFault(packet, { linkType, snapLength, byteOrder }) ??
        (packet.timestampNs < 0n || seconds > 0xffff_ffffn
          ? `time ${packet.timestampNs} ns is not within 2^32 seconds of 1970`
          : undefined)
      if (reason !== undefined) return E.left({ _tag: 'Unwritable', packet: number, reason })
      packets = number
      const fraction = Number((packet.timestampNs % NS_PER_SECOND) / nanosecondsPerTick)
      const originalLength = packet.originalLength ?? packet.data.length
      return E.right(writePcapRecord({ seconds: Number(seconds), fraction, originalLength }, packet.data, littleEndian))
    },
  })
}

const NS_PER_SECOND = 1_000_000_000n
