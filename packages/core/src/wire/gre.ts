/**
 * GRE: any protocol in IP, announced by an EtherType. The header has four bytes, and up to three optional words that flags announce,
 * in this order: checksum, key, sequence number.
 *
 * The engine looks into GRE that carries Ethernet and has no optional word; with a key alone it is NVGRE (`nvgre.ts`).
 * A checksum would have to be computed over the whole payload for every change inside, and a sequence number is state
 * of the tunnel's end, so GRE with them is opaque to the engine. This file reads and writes all of it.
 *
 * @see RFC 2784 §2
 * @see RFC 2890 §2 for key and sequence number
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { putU16, putU32, u16, u32 } from './bytes.js'
import { EtherType } from './ethernet.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Offsets inside the header; optional words lie behind. */
export const GreAt = {
  /** The {@link GreFlag} bits, reserved bits and the version, 16 bits. */
  FLAGS: 0,
  /** EtherType of what follows, 16 bits. */
  PROTOCOL_TYPE: 2
} as const

/** Bytes of the header without optional words. Each optional word has four. */
export const GRE_LENGTH = 4

/** Bits of the first 16 that say which optional words follow. */
export const GreFlag = {
  /** A word with a checksum follows. */
  Checksum: 0x8000,
  /** A word with a key follows. */
  Key: 0x2000,
  /** A word with a sequence number follows. */
  Sequence: 0x1000
} as const
/** One of the {@link GreFlag} bits. */
export type GreFlag = (typeof GreFlag)[keyof typeof GreFlag]

/** A GRE header. */
export interface Gre {
  /** Tells GRE from the other tunnel headers. */
  readonly kind: 'gre'
  /** EtherType of what follows; 0x6558 for an Ethernet frame. */
  readonly protocolType: number
  /** Bits 6–12 of the header, a number of seven bits: should be 0, and is ignored (RFC 2784 §2.3). */
  readonly reserved: number
  /** The word with the checksum over header and payload, as on the wire; absent if the header has none. */
  readonly checksum?: {
    /** The checksum, 16 bits, not verified. */
    readonly value: number
    /** The other 16 bits of the word. */
    readonly reserved: number
  }
  /** Key, 32 bits; absent if the header has none. */
  readonly key?: number
  /** Sequence number, 32 bits; absent if the header has none. */
  readonly sequence?: number
}

/** Returns whether the header at `at`, whose first four bytes are there, announces Ethernet, has the optional words of `flags` and no others. */
export const greCarriesEthernet = (bytes: Uint8Array, at: number, flags: number): boolean =>
  (u16(bytes, at + GreAt.FLAGS) & MEANINGFUL) === flags && u16(bytes, at + GreAt.PROTOCOL_TYPE) === EtherType.TransparentBridging

/** Returns the bytes of the header at `at` with its optional words. */
export const greLength = (bytes: Uint8Array, at: number): number => lengthOf(u16(bytes, at + GreAt.FLAGS))

/**
 * Checks the header at `at`. `Ok` guarantees that it lies before `end` with its optional words, that its version is 0, and that
 * no flag is set that a receiver must refuse (RFC 2784 §2.3). `BadVersion`: another version, such as 1 of PPTP.
 */
export const checkGre = (bytes: Uint8Array, at: number, end: number): Reason => {
  if (end - at < GRE_LENGTH) return Reason.Truncated
  const flags = u16(bytes, at + GreAt.FLAGS)
  if ((flags & VERSION) !== 0) return Reason.BadVersion
  if ((flags & REFUSED) !== 0) return Reason.BadHeader
  return end - at < lengthOf(flags) ? Reason.Truncated : Reason.Ok
}

/** Reads the header at `at`. The checksum, not verified, is in the representation. */
export const parseGre = (bytes: Uint8Array, at: number, end: number): Either<WireError, Parsed<Gre>> => {
  const reason = checkGre(bytes, at, end)
  if (reason !== Reason.Ok) return unreadable('gre', reason, at)
  const flags = u16(bytes, at + GreAt.FLAGS)
  const checksumAt = at + GRE_LENGTH
  const keyAt = checksumAt + wordOf(flags & GreFlag.Checksum)
  const sequenceAt = keyAt + wordOf(flags & GreFlag.Key)
  const repr: Gre = {
    kind: 'gre',
    protocolType: u16(bytes, at + GreAt.PROTOCOL_TYPE),
    reserved: (flags >>> RESERVED_SHIFT) & 0x7f,
    ...((flags & GreFlag.Checksum) === 0 ? {} : { checksum: { value: u16(bytes, checksumAt), reserved: u16(bytes, checksumAt + 2) } }),
    ...((flags & GreFlag.Key) === 0 ? {} : { key: u32(bytes, keyAt) }),
    ...((flags & GreFlag.Sequence) === 0 ? {} : { sequence: u32(bytes, sequenceAt) }),
  }
  return right({ repr, next: at + lengthOf(flags), end })
}

/** Returns the bytes of a header with its optional words. */
export const greSize = (repr: Gre): number => lengthOf(flagsOf(repr))

/** Writes the header at `at`, {@link greSize} bytes. */
export const emitGre = (repr: Gre, bytes: Uint8Array, at: number): void => {
  putU16(bytes, at + GreAt.FLAGS, flagsOf(repr) | ((repr.reserved & 0x7f) << RESERVED_SHIFT))
  putU16(bytes, at + GreAt.PROTOCOL_TYPE, repr.protocolType)
  let next = at + GRE_LENGTH
  if (repr.checksum !== undefined) {
    putU16(bytes, next, repr.checksum.value)
    putU16(bytes, next + 2, repr.checksum.reserved)
    next += 4
  }
  if (repr.key !== undefined) {
    putU32(bytes, next, repr.key)
    next += 4
  }
  if (repr.sequence !== undefined) putU32(bytes, next, repr.sequence)
}

/** Formats a header in one line: `GRE type 0x6558, key 7, seq 1`. */
export const formatGre = (repr: Gre): string =>
  `GRE type 0x${repr.protocolType.toString(16).padStart(4, '0')}` +
  (repr.checksum === undefined ? '' : ', checksum') +
  (repr.key === undefined ? '' : `, key ${repr.key}`) +
  (repr.sequence === undefined ? '' : `, seq ${repr.sequence}`)

/** Bits 13–15. */
const VERSION = 0x0007
/** Of bits 1–5 those that RFC 2890 has not given a meaning: routing, strict source route and recursion of RFC 1701. */
const REFUSED = 0x4c00
/** All bits that a receiver may not ignore. */
const MEANINGFUL = GreFlag.Checksum | GreFlag.Key | GreFlag.Sequence | REFUSED | VERSION
const RESERVED_SHIFT = 3

const wordOf = (flag: number): number => (flag === 0 ? 0 : 4)

const lengthOf = (flags: number): number =>
  GRE_LENGTH + wordOf(flags & GreFlag.Checksum) + wordOf(flags & GreFlag.Key) + wordOf(flags & GreFlag.Sequence)

const flagsOf = (repr: Gre): number =>
  (repr.checksum === undefined ? 0 : GreFlag.Checksum) | (repr.key === undefined ? 0 : GreFlag.Key) | (repr.sequence === undefined ? 0 : GreFlag.Sequence)
