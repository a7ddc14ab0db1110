/**
 * NVGRE: GRE that carries Ethernet and whose key is a virtual subnet and the entropy of the flow inside.
 *
 * On the wire it is GRE with the K flag alone, so only an agreement of both ends tells it from GRE with some other key. Like
 * RFC 7637 this library takes every such key for that of NVGRE. The flow identifier does for ECMP what the UDP source port
 * does for VXLAN, with eight bits, and only where routers look that deep.
 *
 * @see RFC 7637 §3.2
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { putU16, putU24, u16, u24 } from './bytes.js'
import { EtherType } from './ethernet.js'
import { GreAt, greCarriesEthernet, GreFlag } from './gre.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Offsets inside the header, behind those of GRE. */
export const NvgreAt = {
  /** Virtual subnet identifier, 24 bits. */
  VSID: 4,
  /** Flow identifier, 8 bits. */
  FLOW_ID: 7
} as const

/** Bytes of the header. */
export const NVGRE_LENGTH = 8

/** An NVGRE header. */
export interface Nvgre {
  /** Tells NVGRE from the other tunnel headers. */
  readonly kind: 'nvgre'
  /** Virtual subnet identifier, 0–16777215; named `vni` as in the other tunnels. */
  readonly vni: number
  /** Entropy of the flow inside, 0–255. */
  readonly flowId: number
  /** Bits 6–12 of the GRE header, a number of seven bits: should be 0, and is ignored. */
  readonly reserved: number
}

/** Returns the virtual subnet identifier of the header at `at`, 0–16777215. */
export const nvgreVsid = (bytes: Uint8Array, at: number): number => u24(bytes, at + NvgreAt.VSID)

/**
 * Checks the header at `at`. `Ok` guarantees that its eight bytes lie before `end`, that of the flags with a meaning only K is set,
 * and that Ethernet follows. `BadHeader`: it is some other GRE.
 */
export const checkNvgre = (bytes: Uint8Array, at: number, end: number): Reason => {
  if (end - at < NVGRE_LENGTH) return Reason.Truncated
  return greCarriesEthernet(bytes, at, GreFlag.Key) ? Reason.Ok : Reason.BadHeader
}

/** Reads the header at `at`; the frame inside is at `next`. */
export const parseNvgre = (bytes: Uint8Array, at: number, end: number): Either<WireError, Parsed<Nvgre>> => {
  const reason = checkNvgre(bytes, at, end)
  if (reason !== Reason.Ok) return unreadable('nvgre', reason, at)
  const repr: Nvgre = {
    kind: 'nvgre',
    vni: nvgreVsid(bytes, at),
    flowId: bytes[at + NvgreAt.FLOW_ID]!,
    reserved: (u16(bytes, at + GreAt.FLAGS) >>> 3) & 0x7f,
  }
  return right({ repr, next: at + NVGRE_LENGTH, end })
}

/** Writes the header to the eight bytes at `at`. */
export const emitNvgre = (repr: Nvgre, bytes: Uint8Array, at: number): void => {
  putU16(bytes, at + GreAt.FLAGS, GreFlag.Key | ((repr.reserved & 0x7f) << 3))
  putU16(bytes, at + GreAt.PROTOCOL_TYPE, EtherType.TransparentBridging)
  putU24(bytes, at + NvgreAt.VSID, repr.vni)
  bytes[at + NvgreAt.FLOW_ID] = repr.flowId
}

/** Formats a header in one line: `NVGRE vsid 5001, flow 7`. */
export const formatNvgre = (repr: Nvgre): string => `NVGRE vsid ${repr.vni}, flow ${repr.flowId}`
