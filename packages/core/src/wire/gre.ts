/**
 * GRE: anything in IP, announced by an EtherType. Four bytes, and up to three optional words that flags announce, in
 * this order: checksum, key, sequence number.
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

/** Offsets inside the header; what is optional lies behind. */
export const GreAt = { FLAGS: 0, PROTOCOL_TYPE: 2 } as const

/** Bytes of the header without optional words, each of which has four. */
export const GRE_LENGTH = 4

/** Bits of the first 16 that say which optional words are there. */
export const GreFlag = { Checksum: 0x8000, Key: 0x2000, Sequence: 0x1000 } as const
/** Bits of the first 16 that say which optional words are there. */
export type GreFlag = (typeof GreFlag)[keyof typeof GreFlag]

/** A GRE header. */
export interface Gre {
  readonly kind: 'gre'
  /** EtherType of what follows; 0x6558 where it is an Ethernet frame. */
  readonly protocolType: number
  /** Bits 6–12 of the header as a number of seven bits: should be 0, and mean nothing (RFC 2784 §2.3). */
  readonly reserved: number
  /** The word with the checksum over header and payload, as it is on the wire; its reserved half should be 0. */
  readonly checksum?: { readonly value: number; readonly reserved: number }
  /** 32 bits. */
  readonly key?: number
  /** 32 bits. */
  readonly sequence?: number
}

/** Whether the header at `at`, of which four bytes are there, is one the engine can look behind, with nothing optional but `flags`. */
export const greCarriesEthernet = (bytes: Uint8Array, at: number, flags: number): boolean =>
  (u16(bytes, at + GreAt.FLAGS) & MEANINGFUL) === flags && u16(bytes, at + GreAt.PROTOCOL_TYPE) === EtherType.TransparentBridging

/** Bytes of the header at `at` with its optional words. */
export const greLength = (bytes: Uint8Array, at: number): number => lengthOf(u16(bytes, at + GreAt.FLAGS))

/**
 * `Ok` guarantees that the header at `at` with its optional words lies before `end`, that its version is 0, and that no flag
 * is set that RFC 2784 §2.3 has refused. `BadVersion` is version 1 of PPTP, for one.
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

/** Bytes that the header takes on the wire. */
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

/** `GRE type 0x6558, key 7, seq 1`. */
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
