/**
 * The options of a TCP header, for programs that read them. The engine itself carries them as raw bytes.
 *
 * @see RFC 9293 §3.2
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { putU16, putU32, u16, u32 } from './bytes.js'
import { Reason } from './reason.js'
import { unreadable, type WireError } from './wire-error.js'

/** One option. Padding (end of list, no operation) is not listed. */
export type TcpOption =
  | {
      /** Maximum segment size. @see RFC 9293 §3.7.1 */
      readonly kind: 'mss'
      /** Most payload bytes of a segment, 0–65535. */
      readonly bytes: number
    }
  | {
      /** Window scale. @see RFC 7323 §2.2 */
      readonly kind: 'window-scale'
      /** Bits by which the window is shifted to the left, 0–255; more than 14 counts as 14. */
      readonly shift: number
    }
  | {
      /** Selective acknowledgements may be sent. @see RFC 2018 §2 */
      readonly kind: 'sack-permitted'
    }
  | {
      /** Selective acknowledgement. @see RFC 2018 §3 */
      readonly kind: 'sack'
      /** Received blocks, each from its first sequence number to the one behind its last. */
      readonly blocks: readonly (readonly [number, number])[]
    }
  | {
      /** Timestamps. @see RFC 7323 §3.2 */
      readonly kind: 'timestamps'
      /** Clock of the sender, 32 bits. */
      readonly value: number
      /** The latest `value` received from the other end, 32 bits. */
      readonly echo: number
    }
  | {
      /** Any other option, or a known one of an unexpected length. */
      readonly kind: 'unknown'
      /** Option kind on the wire, 2–255. */
      readonly number: number
      /** Bytes behind the length. */
      readonly data: Uint8Array
    }

const END = 0
const NOP = 1
const MSS = 2
const WINDOW_SCALE = 3
const SACK_PERMITTED = 4
const SACK = 5
const TIMESTAMPS = 8

/**
 * Lists the options in `raw`, in their order, up to the end-of-list option. Fails with `BadLength` if the length of an option is below 2
 * or reaches past `raw`. A known option of an unexpected length is listed as unknown.
 */
export const readTcpOptions = (raw: Uint8Array): Either<WireError, readonly TcpOption[]> => {
  const options: TcpOption[] = []
  for (let at = 0; at < raw.length && raw[at] !== END; ) {
    if (raw[at] === NOP) {
      at += 1
      continue
    }
    const length = raw[at + 1] ?? 0
    if (length < 2 || at + length > raw.length) return unreadable('tcp', Reason.BadLength, at)
    options.push(readOption(raw[at]!, raw.subarray(at + 2, at + length)))
    at += length
  }
  return right(options)
}

/** Writes options as raw bytes, padded with end-of-list to a multiple of four. They are not limited here: a TCP header has room for 40 bytes. */
export const writeTcpOptions = (options: readonly TcpOption[]): Uint8Array => {
  const parts = options.map(writeOption)
  const size = parts.reduce((sum, part) => sum + part.length, 0)
  const raw = new Uint8Array((size + 3) & ~3)
  let at = 0
  for (const part of parts) {
    raw.set(part, at)
    at += part.length
  }
  return raw
}

const readOption = (number: number, data: Uint8Array): TcpOption => {
  if (number === MSS && data.length === 2) return { kind: 'mss', bytes: u16(data, 0) }
  if (number === WINDOW_SCALE && data.length === 1) return { kind: 'window-scale', shift: data[0]! }
  if (number === SACK_PERMITTED && data.length === 0) return { kind: 'sack-permitted' }
  if (number === SACK && data.length > 0 && data.length % 8 === 0) {
    const blocks = Array.from({ length: data.length / 8 }, (_, i) => [u32(data, 8 * i), u32(data, 8 * i + 4)] as const)
    return { kind: 'sack', blocks }
  }
  if (number === TIMESTAMPS && data.length === 8) return { kind: 'timestamps', value: u32(data, 0), echo: u32(data, 4) }
  return { kind: 'unknown', number, data }
}

const writeOption = (option: TcpOption): Uint8Array => {
  switch (option.kind) {
    case 'mss':
      return withHeader(MSS, 2, (data) => putU16(data, 0, option.bytes))
    case 'window-scale':
      return withHeader(WINDOW_SCALE, 1, (data) => data.fill(option.shift))
    case 'sack-permitted':
      return withHeader(SACK_PERMITTED, 0, () => undefined)
    case 'sack':
      return withHeader(SACK, 8 * option.blocks.length, (data) =>
        option.blocks.forEach(([first, behind], i) => {
          putU32(data, 8 * i, first)
          putU32(data, 8 * i + 4, behind)
        }),
      )
    case 'timestamps':
      return withHeader(TIMESTAMPS, 8, (data) => {
        putU32(data, 0, option.value)
        putU32(data, 4, option.echo)
      })
    case 'unknown':
      return withHeader(option.number, option.data.length, (data) => data.set(option.data))
  }
}

const withHeader = (number: number, length: number, fill: (data: Uint8Array) => void): Uint8Array => {
  const bytes = Uint8Array.of(number, length + 2, ...new Uint8Array(length))
  fill(bytes.subarray(2))
  return bytes
}
