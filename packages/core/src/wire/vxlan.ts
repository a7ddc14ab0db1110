/**
 * VXLAN: an Ethernet frame in UDP, named by a 24-bit network identifier.
 *
 * Besides the I flag only the group policy extension is read from the first word. All other bits there are kept as they came: a
 * middle box must not clear them. VXLAN-GPE is another protocol on another port.
 *
 * @see RFC 7348 §5
 * @see draft-smith-vxlan-group-policy-05 §2.1
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { putU24, putU32, u24, u32 } from './bytes.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Offsets inside the header. */
export const VxlanAt = {
  /** Flags, 8 bits. */
  FLAGS: 0,
  /** Group of the sender, 16 bits, if the G bit is set; else reserved. */
  GROUP_POLICY: 2,
  /** VXLAN network identifier, 24 bits. */
  VNI: 4,
  /** Reserved byte. */
  RESERVED: 7
} as const

/** Bytes of the header. */
export const VXLAN_LENGTH = 8

/** The bit of the first byte that is set if the VNI is valid. */
export const VXLAN_I_FLAG = 0x08

/** What the start of a tunnel tells its end about the sender, for policy there. */
export interface VxlanGroupPolicy {
  /** Group of the sender, 0–65535. */
  readonly id: number
  /** Whether the end must not learn the source address (D bit). */
  readonly dontLearn: boolean
  /** Whether policy was applied already (A bit). */
  readonly applied: boolean
}

/** A VXLAN header. */
export interface Vxlan {
  /** Tells VXLAN from the other tunnel headers. */
  readonly kind: 'vxlan'
  /** VXLAN network identifier, 0–16777215. */
  readonly vni: number
  /** The group policy extension; present if the G bit is set. */
  readonly groupPolicy?: VxlanGroupPolicy
  /**
   * The first word without the I flag, which is always set, and without the bits of `groupPolicy` if that is present.
   * Reserved: should be 0, but extensions use bits of it.
   */
  readonly reserved: number
  /** The byte behind the VNI: reserved, should be 0. */
  readonly reservedLow: number
}

/** Returns the VNI of the header at `at`, 0–16777215. */
export const vxlanVni = (bytes: Uint8Array, at: number): number => u24(bytes, at + VxlanAt.VNI)

/** Checks the header at `at`. `Ok` guarantees that its eight bytes lie before `end` and that the I flag is set; without it: `BadHeader`. */
export const checkVxlan = (bytes: Uint8Array, at: number, end: number): Reason => {
  if (end - at < VXLAN_LENGTH) return Reason.Truncated
  return (bytes[at]! & VXLAN_I_FLAG) === 0 ? Reason.BadHeader : Reason.Ok
}

/** Reads the header at `at`; the frame inside is at `next`. */
export const parseVxlan = (bytes: Uint8Array, at: number, end: number): Either<WireError, Parsed<Vxlan>> => {
  const reason = checkVxlan(bytes, at, end)
  if (reason !== Reason.Ok) return unreadable('vxlan', reason, at)
  const word = u32(bytes, at)
  const hasGroup = (word & G_BIT) !== 0
  const repr: Vxlan = {
    kind: 'vxlan',
    vni: vxlanVni(bytes, at),
    ...(hasGroup ? { groupPolicy: { id: word & 0xffff, dontLearn: (word & D_BIT) !== 0, applied: (word & A_BIT) !== 0 } } : {}),
    reserved: (word & ~(I_BIT | (hasGroup ? GROUP_BITS : 0))) >>> 0,
    reservedLow: bytes[at + VxlanAt.RESERVED]!,
  }
  return right({ repr, next: at + VXLAN_LENGTH, end })
}

/** Writes the header to the eight bytes at `at`. */
export const emitVxlan = (repr: Vxlan, bytes: Uint8Array, at: number): void => {
  putU32(bytes, at, repr.reserved | I_BIT | groupBits(repr.groupPolicy))
  putU24(bytes, at + VxlanAt.VNI, repr.vni)
  bytes[at + VxlanAt.RESERVED] = repr.reservedLow
}

/** Formats a header in one line: `VXLAN vni 5001, group 7, policy applied`. */
export const formatVxlan = (repr: Vxlan): string => `VXLAN vni ${repr.vni}${formatGroup(repr.groupPolicy)}`

const formatGroup = (group: VxlanGroupPolicy | undefined): string =>
  group === undefined ? '' : `, group ${group.id}${group.dontLearn ? ", don't learn" : ''}${group.applied ? ', policy applied' : ''}`

const I_BIT = VXLAN_I_FLAG << 24
const G_BIT = 0x8000_0000
const D_BIT = 0x0040_0000
const A_BIT = 0x0008_0000
const GROUP_BITS = G_BIT | D_BIT | A_BIT | 0xffff

const groupBits = (group: VxlanGroupPolicy | undefined): number =>
  group === undefined ? 0 : G_BIT | (group.dontLearn ? D_BIT : 0) | (group.applied ? A_BIT : 0) | (group.id & 0xffff)
