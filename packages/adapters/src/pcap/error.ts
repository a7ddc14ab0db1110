/** What reading and writing capture files can fail with, as data, and how to print it. */

/** Why a capture could not be read to its end. */
export type CaptureErrorTag =
  /** The stream ends inside a header, a packet or a block. */
  | 'Truncated'
  /** Neither pcap nor pcapng, or a section with an unknown byte-order magic. */
  | 'BadMagic'
  /** A block or option whose lengths contradict each other or its type. */
  | 'BadBlock'
  /** A length beyond what a reader is willing to hold in memory. */
  | 'TooLong'
  /** A pcapng packet that names an interface its section has not described. */
  | 'UnknownInterface'
  /** A version of the format that this reader does not know. */
  | 'UnsupportedVersion'
  /** The gzip layer is truncated or corrupt. */
  | 'Gzip'
  /** The file or the source of bytes failed. */
  | 'Io'

/** The one error that ends the reading of a damaged capture; all whole packets before it were delivered. */
export interface CaptureError {
  readonly _tag: CaptureErrorTag
  /**
   * Where in the (decompressed) stream, in bytes from its start: of the header, packet or block in trouble; for
   * `Gzip` and `Io`, where the bytes stopped coming.
   */
  readonly offset: number
  /** How many packets were delivered before; the packet in trouble, if it is one, is number `packet` + 1. */
  readonly packet: number
  /** One phrase for people: which field, which value, what was expected. */
  readonly reason: string
}

/** Why a packet or an interface could not be written. */
export type CaptureWriteError =
  /** A field does not fit the format. */
  | {
      readonly _tag: 'Unwritable'
      /** Number of the packet, from 1; 0 before any packet. */
      readonly packet: number
      /** Which field does not fit, its value, and what fits. */
      readonly reason: string
    }
  /** The packet's interface has not been added to the capture. */
  | {
      readonly _tag: 'UnknownInterface'
      /** Number of the packet, from 1. */
      readonly packet: number
      /** The interface that the packet names. */
      readonly interfaceId: number
      /** Number of interfaces added so far. */
      readonly known: number
    }
  /** The file, the compressor or the sink failed. Every later call reports the same. */
  | {
      readonly _tag: 'Io'
      /** The system's message. */
      readonly reason: string
    }
  /** The writer was closed before. */
  | { readonly _tag: 'Closed' }

/**
 * Returns a read error as one line.
 *
 * @example `Truncated at byte 1064 after 12 packets: the packet record needs 98 bytes, the stream ends after 40`
 */
export const renderCaptureError = (error: CaptureError): string =>
  `${error._tag} at byte ${error.offset} after ${error.packet} ${error.packet === 1 ? 'packet' : 'packets'}: ${error.reason}`

/** Returns a write error as one line. */
export const renderCaptureWriteError = (error: CaptureWriteError): string => {
  switch (error._tag) {
    case 'Unwritable':
      return error.packet === 0 ? `Unwritable: ${error.reason}` : `Unwritable packet ${error.packet}: ${error.reason}`
    case 'UnknownInterface':
      return `UnknownInterface: packet ${error.packet} names interface ${error.interfaceId}, the capture has ${error.known}`
    case 'Io':
      return `Io: ${error.reason}`
    case 'Closed':
      return 'Closed: the capture writer was closed before'
  }
}

/** An exception's message, whatever was thrown. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
