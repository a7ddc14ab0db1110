/**
 * The incremental reader: bytes in, packets out, synchronously and without knowing where the bytes come from.
 *
 * `readCapture` drives it from files and streams. It is public for programs with a loop of their own.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Either } from 'fp-ts/lib/Either.js'
import { ByteStream } from './byte-stream.js'
import type { CaptureError } from './error.js'
import { repairedLengths } from './offloading-host.js'
import type { CapturePacket } from './packet.js'
import { pcapDecoder } from './pcap-decoder.js'
import { pcapMagicAt } from './pcap-format.js'
import { BlockType } from './pcapng-blocks.js'
import { pcapngDecoder } from './pcapng-decoder.js'
import { faultStep, PROGRESS } from './step.js'
import type { DecodeOptions, FormatDecoder, Step } from './step.js'

/** An incremental reader of one uncompressed capture, pcap or pcapng by its first bytes. */
export interface CaptureDecoder {
  /** Adds bytes. They are copied; views given out before become invalid. No effect after the end or an error. */
  readonly push: (chunk: Uint8Array) => void
  /** Says that no bytes follow: because the stream ended, or because its source failed as stated. */
  readonly end: (failure?: { readonly _tag: 'Gzip' | 'Io'; readonly reason: string }) => void
  /**
   * The next packet, or the error that ends the capture, which is told once. `undefined`: there is none now; after
   * {@link end}, there is none at all.
   */
  readonly next: () => Either<CaptureError, CapturePacket> | undefined
  /** Bytes of memory held for the stream: bounded by the longest accepted packet, whatever a file claims. */
  readonly bufferedCapacity: () => number
}

/** Makes an incremental reader. */
export const captureDecoder = (options: DecodeOptions = {}): CaptureDecoder => {
  const stream = new ByteStream()
  let state: 'open' | 'ended' | 'done' = 'open'
  let sourceFailure: { readonly _tag: 'Gzip' | 'Io'; readonly reason: string } | undefined
  let packets = 0
  let format: FormatDecoder | undefined

  const step = (): Step => {
    if (format !== undefined) return format.step()
    const detected = detect(stream, options)
    if ('step' in detected) {
      format = detected
      return PROGRESS
    }
    return detected
  }

  const fail = (error: Omit<CaptureError, 'packet'>): Either<CaptureError, never> => {
    state = 'done'
    return E.left({ ...error, packet: packets })
  }

  const endAt = (need: Extract<Step, { _tag: 'Need' }>): Either<CaptureError, never> | undefined => {
    const end = stream.position + stream.available
    if (sourceFailure !== undefined) return fail({ ...sourceFailure, offset: end })
    const have = end - need.offset
    if (have === 0 && need.mayEnd) {
      state = 'done'
      return undefined
    }
    const reason = `the ${need.what} needs ${need.bytes} bytes, the stream ends after ${have}`
    return fail({ _tag: 'Truncated', offset: need.offset, reason })
  }

  return {
    push: (chunk) => {
      if (state === 'open') stream.append(chunk)
    },
    end: (failure) => {
      if (state !== 'open') return
      state = 'ended'
      sourceFailure = failure
    },
    next: () => {
      while (state !== 'done') {
        const result = step()
        switch (result._tag) {
          case 'Packet':
            packets += 1
            return E.right(options.offloadingHost === true ? repaired(result.packet) : result.packet)
          case 'Progress':
            break
          case 'Fault':
            return fail(result.fault)
          case 'Need':
            return state === 'ended' ? endAt(result) : undefined
        }
      }
      return undefined
    },
    bufferedCapacity: () => stream.capacity,
  }
}

/** The format by the stream's first four bytes, of which nothing is consumed. */
const detect = (stream: ByteStream, options: DecodeOptions): FormatDecoder | Step => {
  if (stream.available < 4) return { _tag: 'Need', what: 'magic number', offset: 0, bytes: 4, mayEnd: false }
  const { view, start } = stream
  if (view.getUint32(start) === BlockType.SectionHeader) return pcapngDecoder(stream, options)
  const pcap = pcapMagicAt(view, start)
  if (pcap !== undefined) return pcapDecoder(stream, pcap, options)
  const magic = `0x${view.getUint32(start).toString(16).padStart(8, '0')}`
  return faultStep('BadMagic', 0, `${magic} is the magic number of neither pcap nor pcapng`)
}

const repaired = (packet: CapturePacket): CapturePacket => {
  const data = repairedLengths(packet.data, packet.originalLength, packet.linkType)
  return data === packet.data ? packet : { ...packet, data }
}
