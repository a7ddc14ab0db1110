/** What the decoder of either format answers when it is asked for the next thing in the stream. */
import type { CaptureErrorTag } from './error.js'
import type { CapturePacket } from './packet.js'

/** One step of a format's decoder over the bytes that have come so far. */
export type Step =
  | { readonly _tag: 'Packet'; readonly packet: CapturePacket }
  /** A header or a block without a packet was consumed; ask again. */
  | { readonly _tag: 'Progress' }
  /**
   * What starts at `offset` needs `bytes` bytes (as far as known yet), and they have not all come. If none has come
   * and `mayEnd`, the capture may end here in good order.
   */
  | {
      readonly _tag: 'Need'
      readonly what: string
      readonly offset: number
      readonly bytes: number
      readonly mayEnd: boolean
    }
  | { readonly _tag: 'Fault'; readonly fault: Fault }

/** Damage found by a format's decoder; after it the decoder is not asked again. */
export interface Fault {
  readonly _tag: CaptureErrorTag
  readonly offset: number
  readonly reason: string
}

/** The decoder of one format. */
export interface FormatDecoder {
  readonly step: () => Step
}

/** What a reader may be told. */
export interface DecodeOptions {
  /**
   * The longest captured packet that is accepted, bytes; longer ones end the reading with `TooLong`. 262,144 if absent.
   * A file's own snap length is not the bound: recorders exist that exceed what they declare.
   */
  readonly maxPacketBytes?: number
  /**
   * `'copy'` (the default): each packet's `data` is the receiver's to keep. `'view'`: it is a window of the reader's
   * buffer, valid until the next packet is asked for; for consumers that are done with a packet by then.
   */
  readonly data?: 'copy' | 'view'
  /**
   * The capture comes from a host that leaves segmentation to its NIC: IP lengths of 0 are replaced by what is left of the packet, with the header
   * checksum that goes with them, inside tunnels too. `false` if absent: then such packets are as they were captured, and no parser takes them.
   */
  readonly offloadingHost?: boolean
}

export const PROGRESS: Step = { _tag: 'Progress' }

export const faultStep = (_tag: CaptureErrorTag, offset: number, reason: string): Step => ({
  _tag: 'Fault',
  fault: { _tag, offset, reason },
})
