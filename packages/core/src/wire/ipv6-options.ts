/**
 * The options inside a hop-by-hop or destination options header, for those who look into them; the engine itself carries them
 * as raw bytes, and looks only for the jumbo payload option, whose packets it cannot measure, and for the home address, which is in
 * the pseudo header (`pseudo-header.ts`).
 *
 * Padding is listed, because other options' alignment rests on it: what was read and not changed is written as it came. To a list
 * that was made or changed, what is missing of alignment and of the end is added.
 *
 * @see RFC 8200 §4.2
 */
import { left, right, type Either } from 'fp-ts/lib/Either.js'
import { putU16, u16 } from './bytes.js'
import { unwritable, type WireError } from './wire-error.js'

/** Option types the library knows. */
export const Ipv6OptionType = { Pad1: 0, PadN: 1, RouterAlert: 5, JumboPayload: 0xc2, HomeAddress: 0xc9 } as const
/** Option types the library knows. */
export type Ipv6OptionType = (typeof Ipv6OptionType)[keyof typeof Ipv6OptionType]

/** One option. */
export type Ipv6Option =
  /** Pad1 for a size of 1, else PadN; 1–257 bytes, type and length included. */
  | { readonly kind: 'pad'; readonly size: number }
  /** Asks routers to look closer; what for says the value: 0 multicast listener discovery, 1 RSVP (RFC 2711 §2.1). */
  | { readonly kind: 'router-alert'; readonly value: number }
  /** `number` with its action bits; up to 255 bytes of data. */
  | { readonly kind: 'unknown'; readonly number: number; readonly data: Uint8Array }

/**
 * What a node that does not know an option does, by the two highest bits of its number: ignore it, drop the packet, drop it and
 * tell the source, or tell the source only if the packet's destination is not multicast.
 *
 * @see RFC 8200 §4.2
 */
export const unknownOptionAction = (number: number): 'skip' | 'drop' | 'report' | 'report-unicast' => ACTIONS[(number >>> 6) & 3]!

/** Whether routers may change the data of an option on the way. @see RFC 8200 §4.2 */
export const optionMayChange = (number: number): boolean => (number & 0x20) !== 0

/**
 * The options in `raw`, the bytes behind next header and length. An option that reaches past `raw` is `BadLength`, a jumbo payload
 * `UnsupportedProtocol`; the offset is that in `raw`. A known option of an unexpected length, and PadN with other bytes than 0,
 * are listed as unknown.
 */
export const readIpv6Options = (raw: Uint8Array): Either<WireError, readonly Ipv6Option[]> => {
  const options: Ipv6Option[] = []
  for (let at = 0; at < raw.length; ) {
    const number = raw[at]!
    if (number === Ipv6OptionType.Pad1) {
      options.push({ kind: 'pad', size: 1 })
      at += 1
      continue
    }
    const size = 2 + (raw[at + 1] ?? raw.length)
    if (at + size > raw.length) return unreadable('BadLength', at, 'an option reaches past the end of the header')
    if (number === Ipv6OptionType.JumboPayload) return unreadable('UnsupportedProtocol', at, JUMBO)
    options.push(readOption(number, raw.subarray(at + 2, at + size)))
    at += size
  }
  return right(options)
}

/**
 * The options as raw bytes, 8n + 6 of them. Router alert is brought to its even offset, and the end is padded, so an empty
 * list is six bytes of padding. Refused are a jumbo payload, data or padding longer than their length field can say, and
 * more than 2046 bytes.
 */
export const writeIpv6Options = (options: readonly Ipv6Option[]): Either<WireError, Uint8Array> => {
  const bytes: number[] = []
  for (const option of options) {
    const fault = faultOf(option)
    if (fault !== undefined) return fault
    // two bytes of header stand before the first option, so even here is even there
    if (option.kind === 'router-alert' && bytes.length % 2 !== 0) bytes.push(...writeOption({ kind: 'pad', size: 1 }))
    bytes.push(...writeOption(option))
  }
  const missing = (14 - (bytes.length % 8)) % 8
  if (missing > 0) bytes.push(...writeOption({ kind: 'pad', size: missing }))
  return bytes.length > MAX_SIZE
    ? unwritable('ipv6-extension', 'BadLength', `${bytes.length} bytes of options, of at most ${MAX_SIZE}`)
    : right(Uint8Array.from(bytes))
}

/** `router alert 0, option 201 16 bytes, pad 6`. */
export const formatIpv6Options = (options: readonly Ipv6Option[]): string =>
  options
    .map((option) => {
      switch (option.kind) {
        case 'pad':
          return `pad ${option.size}`
        case 'router-alert':
          return `router alert ${option.value}`
        case 'unknown':
          return `option ${option.number} ${option.data.length} bytes`
      }
    })
    .join(', ')

/**
 * Whether the hop-by-hop header at `at` holds the jumbo payload option. Its own length bounds the search, and `end`.
 *
 * @see RFC 2675 §2
 */
export const hasJumboOption = (bytes: Uint8Array, at: number, end: number): boolean => {
  if (end - at < 8) return false
  const stop = Math.min(end, at + (bytes[at + 1]! + 1) * 8)
  for (let i = at + 2; i < stop; ) {
    const type = bytes[i]!
    if (type === Ipv6OptionType.JumboPayload) return true
    if (type === Ipv6OptionType.Pad1) i += 1
    else if (i + 1 < stop) i += 2 + bytes[i + 1]!
    else return false
  }
  return false
}

const ACTIONS = ['skip', 'drop', 'report', 'report-unicast'] as const

const MAX_SIZE = 256 * 8 - 2

const JUMBO = 'jumbograms are not supported'

const readOption = (number: number, data: Uint8Array): Ipv6Option => {
  if (number === Ipv6OptionType.PadN && data.every((byte) => byte === 0)) return { kind: 'pad', size: 2 + data.length }
  if (number === Ipv6OptionType.RouterAlert && data.length === 2) return { kind: 'router-alert', value: u16(data, 0) }
  return { kind: 'unknown', number, data }
}

const writeOption = (option: Ipv6Option): Uint8Array => {
  switch (option.kind) {
    case 'pad':
      return option.size === 1 ? Uint8Array.of(Ipv6OptionType.Pad1) : withHeader(Ipv6OptionType.PadN, new Uint8Array(option.size - 2))
    case 'router-alert': {
      const value = new Uint8Array(2)
      putU16(value, 0, option.value)
      return withHeader(Ipv6OptionType.RouterAlert, value)
    }
    case 'unknown':
      return withHeader(option.number, option.data)
  }
}

const withHeader = (number: number, data: Uint8Array): Uint8Array => Uint8Array.of(number, data.length, ...data)

const faultOf = (option: Ipv6Option): Either<WireError, never> | undefined => {
  if (option.kind === 'router-alert') return undefined
  if (option.kind === 'pad') {
    const { size } = option
    return size >= 1 && size <= 257 ? undefined : unwritable('ipv6-extension', 'BadLength', `padding of ${size} bytes, not of 1 to 257`)
  }
  const { number, data } = option
  if (number === Ipv6OptionType.JumboPayload) return unwritable('ipv6-extension', 'UnsupportedProtocol', JUMBO)
  if (number === Ipv6OptionType.Pad1) return unwritable('ipv6-extension', 'BadHeader', 'option 0 is padding and has no data')
  return data.length > 255 ? unwritable('ipv6-extension', 'BadLength', `option ${number} has ${data.length} bytes, of at most 255`) : undefined
}

const unreadable = (reason: WireError['reason'], offset: number, detail: string): Either<WireError, never> =>
  left({ _tag: 'WireError', reason, offset, protocol: 'ipv6-extension', detail })
