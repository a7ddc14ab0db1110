/**
 * The options of neighbour discovery messages.
 *
 * Every option counts its length in words of eight bytes. A length of 0, an endless loop for a careless reader, makes the whole
 * message invalid. An option of an unexpected number or length is listed as unknown; its bytes are kept.
 *
 * Reserved bits are ignored when read and written as 0, but for those in the prefix option's flags, some of which later documents
 * gave a meaning.
 *
 * @see RFC 4861 §4.6
 */
import { left, right, type Either } from 'fp-ts/lib/Either.js'
import { formatIp, formatMac, type IpAddress, type Mac } from './address.js'
import { putU32, readIpv6, readMac, u32, writeIp, writeMac } from './bytes.js'
import { unwritable, type WireError } from './wire-error.js'

/** Option numbers the library knows. */
export const NdpOptionType = {
  /** Link-layer address of the sender. */
  SourceLinkAddress: 1,
  /** Link-layer address of the target. */
  TargetLinkAddress: 2,
  /** Prefix information. */
  Prefix: 3,
  /** The packet that is redirected. */
  Redirected: 4,
  /** MTU of the link. */
  Mtu: 5
} as const
/** One of the {@link NdpOptionType} numbers. */
export type NdpOptionType = (typeof NdpOptionType)[keyof typeof NdpOptionType]

/** The lifetime, in seconds, that means "without end". */
export const NDP_INFINITY = 0xffffffff

/** One option. Link-layer addresses are those of Ethernet. */
export type NdpOption =
  | {
      /** Link-layer address of the sender, or of the target. @see RFC 4861 §4.6.1 */
      readonly kind: 'source-link-address' | 'target-link-address'
      /** The address. */
      readonly mac: Mac
    }
  | NdpPrefix
  | {
      /** The packet that is redirected. @see RFC 4861 §4.6.3 */
      readonly kind: 'redirected'
      /** As much of the packet as there was room for, from its IPv6 header on, padded to 8n bytes. */
      readonly packet: Uint8Array
    }
  | {
      /** MTU of the link. @see RFC 4861 §4.6.4 */
      readonly kind: 'mtu'
      /** Most bytes of an IPv6 packet on the link, 32 bits. */
      readonly mtu: number
    }
  | {
      /** Any other option, or a known one of an unexpected length. */
      readonly kind: 'unknown'
      /** Option type, 0–255. */
      readonly number: number
      /** Bytes behind type and length: 8n + 6 of them. */
      readonly data: Uint8Array
    }

/** A prefix that is on the link or from which hosts form addresses. @see RFC 4861 §4.6.2 */
export interface NdpPrefix {
  /** Tells prefix information from the other options. */
  readonly kind: 'prefix'
  /** The prefix: an address of version 6, whose bits behind `length` are to be ignored. */
  readonly prefix: IpAddress
  /** Leading bits that count, 0–128. */
  readonly length: number
  /** Whether addresses of the prefix are on the link (L flag). */
  readonly onLink: boolean
  /** Whether hosts may form addresses of the prefix by themselves (A flag). */
  readonly autonomous: boolean
  /** The other six bits of the flags, as a number. */
  readonly otherFlags: number
  /** Seconds for which the prefix is valid; {@link NDP_INFINITY}: without end. */
  readonly validS: number
  /** Seconds for which addresses formed from it are preferred; {@link NDP_INFINITY}: without end. */
  readonly preferredS: number
}

/** Lists the options from `at` to `end`. Fails with `BadLength` for an option of length 0, or that reaches past `end`. */
export const parseNdpOptions = (bytes: Uint8Array, at: number, end: number): Either<WireError, readonly NdpOption[]> => {
  const options: NdpOption[] = []
  for (let i = at; i < end; ) {
    const size = end - i < 2 ? 0 : bytes[i + 1]! * 8
    if (size === 0) return unreadable(i, 'an option of length 0, or cut off before its length')
    if (size > end - i) return unreadable(i, `an option of ${size} bytes in ${end - i}`)
    options.push(readOption(bytes, i, size))
    i += size
  }
  return right(options)
}

/** Returns the bytes of an option. */
export const ndpOptionSize = (option: NdpOption): number => {
  switch (option.kind) {
    case 'source-link-address':
    case 'target-link-address':
    case 'mtu':
      return 8
    case 'prefix':
      return 32
    case 'redirected':
      return 8 + option.packet.length
    case 'unknown':
      return 2 + option.data.length
  }
}

/** Returns the bytes of an option, or `BadLength` if they are not 8n, from 8 to 2040. */
export const checkNdpOption = (option: NdpOption): Either<WireError, number> => {
  const size = ndpOptionSize(option)
  return size % 8 === 0 && size > 0 && size <= 255 * 8 ? right(size) : unwritable('ndp', 'BadLength', `an option of ${size} bytes, not of 8n up to 2040`)
}

/** Writes an option at `at`; it must pass {@link checkNdpOption}. */
export const emitNdpOption = (option: NdpOption, bytes: Uint8Array, at: number): void => {
  const size = ndpOptionSize(option)
  bytes.fill(0, at, at + size)
  bytes[at] = option.kind === 'unknown' ? option.number : NUMBERS[option.kind]
  bytes[at + 1] = size >>> 3
  switch (option.kind) {
    case 'source-link-address':
    case 'target-link-address':
      writeMac(bytes, at + 2, option.mac)
      return
    case 'prefix':
      bytes[at + 2] = option.length
      bytes[at + 3] = (option.onLink ? 0x80 : 0) | (option.autonomous ? 0x40 : 0) | (option.otherFlags & 0x3f)
      putU32(bytes, at + 4, option.validS)
      putU32(bytes, at + 8, option.preferredS)
      writeIp(bytes, at + 16, option.prefix)
      return
    case 'redirected':
      bytes.set(option.packet, at + 8)
      return
    case 'mtu':
      putU32(bytes, at + 4, option.mtu)
      return
    case 'unknown':
      bytes.set(option.data, at + 2)
  }
}

/** Formats an option in a few words: `source 00:15:5d:00:00:01`, `prefix fd00::/64`, `mtu 1500`. */
export const formatNdpOption = (option: NdpOption): string => {
  switch (option.kind) {
    case 'source-link-address':
      return `source ${formatMac(option.mac)}`
    case 'target-link-address':
      return `target ${formatMac(option.mac)}`
    case 'prefix':
      return `prefix ${formatIp(option.prefix)}/${option.length}`
    case 'redirected':
      return `redirected packet ${option.packet.length} bytes`
    case 'mtu':
      return `mtu ${option.mtu}`
    case 'unknown':
      return `option ${option.number} ${option.data.length} bytes`
  }
}

const NUMBERS: Readonly<Record<Exclude<NdpOption['kind'], 'unknown'>, number>> = {
  'source-link-address': NdpOptionType.SourceLinkAddress,
  'target-link-address': NdpOptionType.TargetLinkAddress,
  prefix: NdpOptionType.Prefix,
  redirected: NdpOptionType.Redirected,
  mtu: NdpOptionType.Mtu,
}

const readOption = (bytes: Uint8Array, at: number, size: number): NdpOption => {
  const number = bytes[at]!
  if (number === NdpOptionType.SourceLinkAddress && size === 8) return { kind: 'source-link-address', mac: readMac(bytes, at + 2) }
  if (number === NdpOptionType.TargetLinkAddress && size === 8) return { kind: 'target-link-address', mac: readMac(bytes, at + 2) }
  if (number === NdpOptionType.Mtu && size === 8) return { kind: 'mtu', mtu: u32(bytes, at + 4) }
  if (number === NdpOptionType.Redirected) return { kind: 'redirected', packet: bytes.subarray(at + 8, at + size) }
  if (number !== NdpOptionType.Prefix || size !== 32) return { kind: 'unknown', number, data: bytes.subarray(at + 2, at + size) }
  const flags = bytes[at + 3]!
  return {
    kind: 'prefix',
    prefix: readIpv6(bytes, at + 16),
    length: bytes[at + 2]!,
    onLink: (flags & 0x80) !== 0,
    autonomous: (flags & 0x40) !== 0,
    otherFlags: flags & 0x3f,
    validS: u32(bytes, at + 4),
    preferredS: u32(bytes, at + 8),
  }
}

const unreadable = (offset: number, detail: string): Either<WireError, never> =>
  left({ _tag: 'WireError', reason: 'BadLength', offset, protocol: 'ndp', detail })
