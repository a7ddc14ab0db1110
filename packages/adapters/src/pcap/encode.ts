/**
 * The encoders: packets in, bytes out, synchronously and without knowing where the bytes go.
 *
 * `openCaptureWriter` drives them towards files and sinks. They are public for programs with output of their own.
 * Every array given back is fresh and the caller's to keep.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import type { CaptureWriteError } from './error.js'
import { hasHostOrder } from './host-order.js'
import type { ByteOrder, InterfaceToWrite, PacketToWrite } from './packet.js'

/** An encoder of one capture. Concatenate `start` and all bytes given back, in order: that is the file. */
export interface CaptureEncoder {
  /** The bytes that open the file. */
  readonly start: Uint8Array
  /**
   * Describes one more interface, numbered from 0 in order. A classic pcap has one, described by its header, and
   * refuses more.
   */
  readonly addInterface: (
    description: InterfaceToWrite,
  ) => Either<CaptureWriteError, {
    /** The interface's number, for `PacketToWrite.interfaceId`. */
    readonly interfaceId: number
    /** The bytes that describe it, to be written before its packets. */
    readonly bytes: Uint8Array
  }>
  /** The bytes of one packet. A refused packet leaves the capture as it was. */
  readonly packet: (packet: PacketToWrite) => Either<CaptureWriteError, Uint8Array>
}

/** The faults that a packet can have in either format, as the reason to refuse it; `undefined` if it has none. */
export const packetFault = (
  { data, originalLength = data.length, linkType, byteOrder }: PacketToWrite,
  target: { readonly linkType: number; readonly snapLength: number; readonly byteOrder: ByteOrder },
): string | undefined => {
  if (target.snapLength !== 0 && data.length > target.snapLength)
    return `${data.length} bytes, more than the snap length of ${target.snapLength}`
  if (!isUint(originalLength, 32)) return `original length ${originalLength} is not in 0..2^32-1`
  if (linkType !== undefined && linkType !== target.linkType)
    return `link type ${linkType}, the capture holds link type ${target.linkType}`
  if (byteOrder !== undefined && byteOrder !== target.byteOrder && hasHostOrder(target.linkType, data))
    return `headers of link type ${target.linkType} in ${byteOrder}-endian order, the capture is ${target.byteOrder}-endian and would say otherwise`
  return undefined
}

/** The faults that a link type and snap length can have in either format; `undefined` if they have none. */
export const linkFault = (linkType: number, snapLength: number): string | undefined => {
  if (!isUint(linkType, 16)) return `link type ${linkType} is not in 0..65535`
  if (!isUint(snapLength, 32)) return `snap length ${snapLength} is not in 0..2^32-1`
  return undefined
}

const isUint = (value: number, bits: number): boolean => Number.isInteger(value) && value >= 0 && value < 2 ** bits
