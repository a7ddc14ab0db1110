/**
 * The options inside a hop-by-hop or destination options header, for programs that read them. The engine itself carries them
 * as raw bytes, and looks only for the jumbo payload option, whose packets it cannot measure, and for the home address, which is in
 * the pseudo header (`pseudo-header.ts`).
 *
 * Padding is listed, because other options' alignment rests on it: what was read and not changed is written as it came. A list
 * that was made or changed gets the padding that its alignment and its end need.
 *
 * @see RFC 8200 §4.2
 */
import { left, right, type Either } from 'fp-ts/lib/Either.js'
import { putU16, u16 } from './bytes.js'
import { unwritable, type WireError } from './wire-error.js'

/** Option types the library knows. */
export const Ipv6OptionType = {
  /** One byte of padding. */
  Pad1: 0,
  /** Two or more bytes of padding. */
  PadN: 1,
  /** Router alert (RFC 2711). */
  RouterAlert: 5,
  /** Jumbo payload (RFC 2675); packets with it are refused. */
  JumboPayload: 0xc2,
  /** Home address of a mobile node (RFC 6275 §6.3). */
  HomeAddress: 0xc9
} as const
/** One of the {@link Ipv6OptionType} numbers. */
export type Ipv6OptionType = (typeof Ipv6OptionType)[keyof typeof Ipv6OptionType]

/** One option. */
export type Ipv6Option =
  | {
      /** Padding: Pad1 if `size` is 1, else PadN. */
      readonly kind: 'pad'
      /** Bytes of the option, type and length included, 1–257. */
      readonly size: number
    }
  | {
      /** Asks routers to look closer at the packet. */
      readonly kind: 'router-alert'
      /** What the packet holds, 16 bits: 0 multicast listener discovery, 1 RSVP (RFC 2711 §2.1). */
      readonly value: number
    }
  | {
      /** Any other option. */
      readonly kind: 'unknown'
      /** Option type with its action bits, 0–255. */
      readonly number: number
      /** Bytes behind the length, up to 255. */
      readonly data: Uint8Array
    }

/**
 * Returns what a node does that does not know the option, by the two highest bits of its number: `skip` ignores the option, `drop` drops
 * the packet, `report` drops it and tells the source, `report-unicast` tells the source only if the destination is not multicast.
 *
 * @see RFC 8200 §4.2
 */
export const unknownOptionAction = (number: number): 'skip' | 'drop' | 'report' | 'report-unicast' => ACTIONS[(number >>> 6) & 3]!

/** Returns whether routers may change the data of an option on the way. @see RFC 8200 §4.2 */
export const optionMayChange = (number: number): boolean => (number & 0x20) !== 0

/**
 * Lists the options in `raw`, the bytes behind next header and length. An option that reaches past `raw` is `BadLength`, a jumbo payload
 * `UnsupportedProtocol`. The offset of the error is that in `raw`. A known option of an unexpected length, and PadN with other bytes than 0,
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
 * Writes options as raw bytes, 8n + 6 of them. Router alert is brought to its even offset, and the end is padded: an empty
 * list gives six bytes of padding. Fails with `UnsupportedProtocol` for a jumbo payload, with `BadHeader` for an unknown option of
 * number 0, and with `BadLength` for data or padding longer than its length field can say and for more than 2046 bytes in all.
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

/** Formats a list in one line: `router alert 0, option 201 16 bytes, pad 6`. */
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
 * Returns whether the hop-by-hop header at `at` holds the jumbo payload option before its own end and `end`.
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
