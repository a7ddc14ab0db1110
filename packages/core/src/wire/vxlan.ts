/**
 * VXLAN: an Ethernet frame in UDP, named by a 24-bit network identifier.
 *
 * @see RFC 7348 §5
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { putU24, putU32, u24, u32 } from './bytes.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Offsets inside the header. */
export const VxlanAt = { FLAGS: 0, VNI: 4, RESERVED: 7 } as const

/** Bytes of the header. */
export const VXLAN_LENGTH = 8

/** The bit of the first byte that says that the VNI is valid. */
export const VXLAN_I_FLAG = 0x08

/** A VXLAN header. */
export interface Vxlan {
  readonly kind: 'vxlan'
  /** VXLAN network identifier, 0–16777215. */
  readonly vni: number
  /** The first word without the I flag, which is always set: reserved, should be 0; extensions put things there. */
  readonly reserved: number
  /** The byte behind the VNI: reserved, should be 0. */
  readonly reservedLow: number
}

/** The VNI of the header at `at`. */
export const vxlanVni = (bytes: Uint8Array, at: number): number => u24(bytes, at + VxlanAt.VNI)

/** `Ok` guarantees that the eight bytes at `at` lie before `end` and that the I flag is set; `BadHeader` that it is not. */
export const checkVxlan = (bytes: Uint8Array, at: number, end: number): Reason => {
  if (end - at < VXLAN_LENGTH) return Reason.Truncated
  return (bytes[at]! & VXLAN_I_FLAG) === 0 ? Reason.BadHeader : Reason.Ok
}

/** Reads the header at `at`; the frame inside is at `next`. */
export const parseVxlan = (bytes: Uint8Array, at: number, end: number): Either<WireError, Parsed<Vxlan>> => {
  const reason = checkVxlan(bytes, at, end)
  if (reason !== Reason.Ok) return unreadable('vxlan', reason, at)
  const repr: Vxlan = {
    kind: 'vxlan',
    vni: vxlanVni(bytes, at),
    reserved: (u32(bytes, at) & I_MASK) >>> 0,
    reservedLow: bytes[at + VxlanAt.RESERVED]!,
  }
  return right({ repr, next: at + VXLAN_LENGTH, end })
}

/** Writes the eight bytes at `at`. */
export const emitVxlan = (repr: Vxlan, bytes: Uint8Array, at: number): void => {
  putU32(bytes, at, (repr.reserved & I_MASK) | (VXLAN_I_FLAG << 24))
  putU24(bytes, at + VxlanAt.VNI, repr.vni)
  bytes[at + VxlanAt.RESERVED] = repr.reservedLow
}

/** `VXLAN vni 5001`. */
export const formatVxlan = (repr: Vxlan): string => `VXLAN vni ${repr.vni}`

const I_MASK = ~(VXLAN_I_FLAG << 24)
