/** Why a header of virtio-net cannot be followed, by name: what a NIC counts its frame under. */
import { FinishCode } from './finish-code.js'

/**
 * Reasons, each its own name:
 * - `ContradictoryFlags`: flags that exclude each other, or that the type of segmentation does not go with;
 * - `UnknownSegmentation`: a type that is not defined, or fragments of one UDP datagram, which no stack asks for any more;
 * - `SegmentSizeZero`: something is to be segmented into nothing;
 * - `ChecksumPlace`: the checksum does not lie in the frame, or not where the transport to be segmented has it;
 * - `TunnelPlace`: the headers of a tunnel are not where the header says;
 * - `WrongSegmentation`: the transport at the named place is not of that type;
 * - `UnknownTunnel`, `Fragment`, `Malformed`: what is around the transport header is not known, a fragment, or contradicts itself.
 */
export type VirtioNetRefusal =
  | 'ContradictoryFlags' | 'UnknownSegmentation' | 'SegmentSizeZero' | 'ChecksumPlace' | 'TunnelPlace' | 'WrongSegmentation' | 'UnknownTunnel'
  | 'Fragment' | 'Malformed'

/** The name for what the walk around the transport header found. */
export const refusalOfCode = (code: FinishCode): VirtioNetRefusal => {
  if (code === FinishCode.UnknownTunnel) return 'UnknownTunnel'
  if (code === FinishCode.Fragment) return 'Fragment'
  return code === FinishCode.NoTransport ? 'WrongSegmentation' : 'Malformed'
}
