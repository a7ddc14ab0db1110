/**
 * Options of pcapng blocks: code, length, value, padded to 4 bytes; ended by code 0 or by the block's end.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng (Options)
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Either } from 'fp-ts/lib/Either.js'

/** The option codes that this package reads or writes. Codes from 2 on mean different things in each type of block. */
export const OptionCode = {
  End: 0,
  /** Any block. UTF-8. */
  Comment: 1,
  /** Section header: the program that wrote the section. UTF-8. */
  SectionUserApplication: 4,
  /** Interface description. UTF-8. */
  InterfaceName: 2,
  /** Interface description. One byte, see `resolutionFromByte`. */
  InterfaceResolution: 9,
  /** Interface description. Signed 64-bit seconds. */
  InterfaceTimeOffset: 14,
  /** Enhanced packet, and the obsolete packet block. 32 bits, of which the lowest two are the direction. */
  PacketFlags: 2,
} as const

/** One option; `value` is a view of the block's bytes, without padding. */
export interface PcapngOption {
  readonly code: number
  readonly value: Uint8Array
}

/** The largest value of an option, bytes: its length has 16 bits. */
export const MAX_OPTION_BYTES = 0xffff

/**
 * The options in bytes `from`..`to` of the view. An option whose value would pass `to`, or a tail too short to be an
 * option, is the reason given back.
 */
export const readOptions = (
  view: DataView,
  from: number,
  to: number,
  littleEndian: boolean,
): Either<string, readonly PcapngOption[]> => {
  if (from === to) return NO_OPTIONS
  const options: PcapngOption[] = []
  let at = from
  while (at < to) {
    if (to - at < 4) return E.left(`${to - at} bytes are left where an option needs at least 4`)
    const code = view.getUint16(at, littleEndian)
    const length = view.getUint16(at + 2, littleEndian)
    if (code === OptionCode.End) break
    at += 4
    if (length > to - at) return E.left(`option ${code} claims ${length} bytes where the block has ${to - at} left`)
    options.push({ code, value: new Uint8Array(view.buffer, view.byteOffset + at, length) })
    at += padded(length)
  }
  return E.right(options)
}

/** Bytes that {@link writeOptions} needs for these options: 0 for none. */
export const optionsLength = (options: readonly PcapngOption[]): number =>
  options.length === 0 ? 0 : options.reduce((sum, option) => sum + 4 + padded(option.value.length), 4)

/** Writes the options and the end mark at `at`; each value is at most {@link MAX_OPTION_BYTES} long. */
export const writeOptions = (
  view: DataView,
  at: number,
  options: readonly PcapngOption[],
  littleEndian: boolean,
): void => {
  let position = at
  for (const { code, value } of options) {
    view.setUint16(position, code, littleEndian)
    view.setUint16(position + 2, value.length, littleEndian)
    new Uint8Array(view.buffer, view.byteOffset + position + 4, value.length).set(value)
    position += 4 + padded(value.length)
  }
  // The end mark is four zero bytes, which a fresh buffer holds already.
}

/** A length rounded up to the 4-byte grid of pcapng. */
export const padded = (length: number): number => Math.ceil(length / 4) * 4

/** An option of text. */
export const textOption = (code: number, text: string): PcapngOption => ({ code, value: encoder.encode(text) })

/**
 * The text of an option, up to the first zero octet, which some writers put behind it. Bytes that are not UTF-8 become U+FFFD: a bad name is no
 * reason to lose a packet.
 */
export const textOf = ({ value }: PcapngOption): string => {
  const zero = value.indexOf(0)
  return decoder.decode(zero < 0 ? value : value.subarray(0, zero))
}

/** Whether readers would take the text for a shorter one. */
export const holdsZero = (text: string | undefined): boolean => text?.includes('\0') ?? false

const NO_OPTIONS: Either<never, readonly PcapngOption[]> = E.right([])
const encoder = new TextEncoder()
// A byte-order mark is part of the text; by default the decoder would drop it.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
