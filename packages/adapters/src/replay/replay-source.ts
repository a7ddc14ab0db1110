/** The packets to be replayed: of a capture file or of a program, for one round or several. */
import type { Either } from 'fp-ts/lib/Either.js'
import * as E from 'fp-ts/lib/Either.js'
import { type CaptureError, type CapturePacket, LinkType, readCapture, renderCaptureError } from '../pcap/index.js'

/** A packet to be replayed. A `CapturePacket` can be given as it was read. */
export interface ReplayPacket {
  /** The bytes from the Ethernet header on; copied before the next packet is asked for. */
  readonly data: Uint8Array
  /** When it comes, in nanoseconds of any clock. The first packet of the replay comes at once, the others after it by the difference. */
  readonly timestampNs: bigint
  /** Length on the wire, bytes; `data.length` unless given. A packet with less data than that was cut, and is not replayed. */
  readonly originalLength?: number
  /** Link type, 1 (Ethernet) unless given; packets of others are not replayed. */
  readonly linkType?: number
}

/** What is replayed: the path of a capture file (pcap or pcapng, gzip or not), or packets. */
export type ReplaySource = string | Iterable<ReplayPacket> | AsyncIterable<ReplayPacket>

/** Packets one by one; the time of a later round goes on where the one before ended. */
export interface PacketReader {
  /** Returns the next packet, `undefined` at the end, or why there is none. A promise only where one has to be awaited. */
  readonly next: () => ReadPacket | Promise<ReadPacket>
  /** Releases the source. */
  readonly close: () => Promise<void>
}

/** A packet, `undefined` at the end, or the reason why reading failed. */
export type ReadPacket = Either<string, ReplayPacket | undefined>

/** Reads the source `rounds` times; a round without packets is the last. */
export const packetReader = (source: ReplaySource, rounds: number): PacketReader => {
  let iterator = iterate(source)
  let left = rounds - 1
  let inRound = 0
  let offsetNs = 0n
  let firstNs = 0n
  let lastNs = 0n

  const read = (result: IteratorResult<Either<CaptureError, CapturePacket> | ReplayPacket, unknown>): ReadPacket | Promise<ReadPacket> => {
    if (result.done === true) {
      if (left <= 0 || inRound === 0) return END
      left--
      inRound = 0
      offsetNs += lastNs - firstNs
      iterator = iterate(source)
      return step()
    }
    const item = result.value
    if ('_tag' in item && E.isLeft(item)) return E.left(renderCaptureError(item.left))
    const packet = '_tag' in item ? item.right : item
    if (inRound === 0) firstNs = packet.timestampNs
    lastNs = packet.timestampNs
    inRound++
    return E.right(offsetNs === 0n ? packet : { ...packet, timestampNs: packet.timestampNs + offsetNs })
  }
  const step = (): ReadPacket | Promise<ReadPacket> => {
    try {
      const result = iterator.next()
      return result instanceof Promise ? result.then(read, failed) : read(result)
    } catch (thrown) {
      return failed(thrown)
    }
  }

  return {
    next: step,
    close: async () => {
      const returned = iterator.return?.()
      // A program's source may be waiting for a packet that never comes; a file's is not.
      if (typeof source === 'string') await returned
      else if (returned instanceof Promise) returned.catch(() => undefined)
    },
  }
}

/** Returns why a packet cannot be a frame of a NIC with this MTU, or `undefined`. */
export const unfit = ({ data, originalLength, linkType }: ReplayPacket, longestFrame: number): 'LinkType' | 'Truncated' | 'Malformed' | 'TooLong' | undefined => {
  if (linkType !== undefined && linkType !== LinkType.Ethernet) return 'LinkType'
  if (originalLength !== undefined && originalLength > data.length) return 'Truncated'
  if (data.length < ETHERNET_BYTES) return 'Malformed'
  return data.length > longestFrame ? 'TooLong' : undefined
}

const ETHERNET_BYTES = 14
const END: ReadPacket = E.right(undefined)

const iterate = (source: ReplaySource): Iterator<ReplayPacket> | AsyncIterator<ReplayPacket | Either<CaptureError, CapturePacket>> => {
  if (typeof source === 'string') return readCapture(source, { data: 'view' })
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
}

const failed = (thrown: unknown): ReadPacket => E.left(thrown instanceof Error ? thrown.message : String(thrown))
