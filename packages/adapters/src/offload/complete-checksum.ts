/** Computing the transport checksum that a frame came without. */
import { Frag, type FrameView, L3, L4, parseFrame, Reason, Slot, Verify, wire } from '@vfp-ts/core'
import { FinishCode } from './finish-code.js'
import { sumPayload } from './sum-payload.js'
import { hidesTransport, innermost, writeOuterChecksums, writeTransportChecksums } from './transport.js'

const { fold, sumWords } = wire.checksum
const { putU16 } = wire.bytes

/**
 * Computes the checksum of the innermost transport of the frame, and those of all UDP headers around it but the ones that have
 * none, in place. What the fields held is of no account, so doing it twice does no harm. `view` is filled with the frame.
 *
 * A later fragment has no checksum and is `Ok` as it is. A first one of UDP over IPv4 goes without (0), the others are refused as
 * `Fragment`: the datagram's checksum cannot be told from a part.
 *
 * @see RFC 768 for 0, none; RFC 8200 §8.1 forbids it over IPv6
 */
export const completeChecksum = (bytes: Uint8Array, start: number, end: number, view: FrameView): FinishCode =>
  parseFrame(view, bytes, start, end, undefined, Verify.None) === Reason.Ok ? completeParsed(view) : FinishCode.Unreadable

/** {@link completeChecksum} of a frame that is parsed already; faster with `words`, the memory of `view.bytes` from its first byte on. */
export const completeParsed = (view: FrameView, words?: Int32Array): FinishCode => {
  const { bytes, slots } = view
  const s = innermost(view)
  const kind = slots[s + Slot.L4_KIND]!
  const frag = slots[s + Slot.FRAG]!
  if (frag === Frag.Later) return FinishCode.Ok
  if (hidesTransport(view)) return FinishCode.Unreadable
  if (kind === L4.None) return FinishCode.NoTransport
  if (frag === Frag.Whole) {
    const payload = slots[s + Slot.PAYLOAD]!
    const end = slots[s + Slot.DATA_END]!
    const sum = words === undefined ? fold(sumWords(bytes, payload, end)) : sumPayload(bytes, words, payload, end)
    writeTransportChecksums(view, sum)
    return FinishCode.Ok
  }
  if (kind !== L4.Udp || slots[s + Slot.L3_KIND] !== L3.Ipv4) return FinishCode.Fragment
  const l4 = slots[s + Slot.L4]!
  putU16(bytes, l4 + wire.udp.UdpAt.CHECKSUM, 0)
  writeOuterChecksums(view, fold(sumWords(bytes, l4, slots[s + Slot.DATA_END]!)))
  return FinishCode.Ok
}
