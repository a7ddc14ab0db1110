/** VLAN tags of IEEE 802.1Q: four bytes each, between the source address and the EtherType. */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { putU16, u16 } from './bytes.js'
import { EtherType } from './ethernet.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Bytes of a tag: TPID and tag control information. */
export const VLAN_LENGTH = 4

/** Most tags of one Ethernet header; a frame with more is refused as `UnsupportedProtocol`. */
export const MAX_VLANS = 2

/**
 * One tag.
 *
 * @see IEEE 802.1Q-2022 §9.6
 */
export interface VlanTag {
  /** Tag protocol identifier: 0x8100 (customer) or 0x88a8 (service). */
  readonly tpid: number
  /** Priority code point, 0–7. */
  readonly pcp: number
  /** Drop eligible indicator: whether the frame is among the first to be dropped. */
  readonly dei: boolean
  /** VLAN identifier, 0–4095; 0 is a priority tag, 4095 is reserved. */
  readonly vid: number
}

/** Returns whether a type field announces a tag. */
export const isVlanTpid = (type: number): boolean => type === EtherType.Vlan || type === EtherType.ServiceVlan

/** Checks the tag at `at`. `Ok` guarantees that the tag at `at` and the type field behind it, together six bytes, lie before `end`. */
export const checkVlan = (_bytes: Uint8Array, at: number, end: number): Reason =>
  end - at < VLAN_LENGTH + 2 ? Reason.Truncated : Reason.Ok

/** Reads the tag whose TPID is at `at`; `next` is the offset of the type field behind it. */
export const parseVlan = (bytes: Uint8Array, at: number, end: number): Either<WireError, Parsed<VlanTag>> => {
  const reason = checkVlan(bytes, at, end)
  if (reason !== Reason.Ok) return unreadable('vlan', reason, at)
  const tci = u16(bytes, at + 2)
  const repr = { tpid: u16(bytes, at), pcp: tci >>> 13, dei: (tci & 0x1000) !== 0, vid: tci & 0xfff }
  return right({ repr, next: at + VLAN_LENGTH, end })
}

/** Writes TPID and tag control information at `at`. */
export const emitVlan = (repr: VlanTag, bytes: Uint8Array, at: number): void => {
  putU16(bytes, at, repr.tpid)
  putU16(bytes, at + 2, ((repr.pcp & 7) << 13) | (repr.dei ? 0x1000 : 0) | (repr.vid & 0xfff))
}

/** Formats a tag in one line: `802.1Q vlan 100, priority 3`. */
export const formatVlan = (repr: VlanTag): string =>
  `${repr.tpid === EtherType.ServiceVlan ? '802.1ad' : '802.1Q'} vlan ${repr.vid}, priority ${repr.pcp}${repr.dei ? ', drop eligible' : ''}`
