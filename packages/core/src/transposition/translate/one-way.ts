/** Translation in one direction: of an ICMP error, or of any other packet. */
import { u16 } from '../../wire/bytes.js'
import { type FrameView, L3, L4, Slot, SLOTS } from '../../wire/frame-view.js'
import { ApplyCode } from '../apply-code.js'
import { checkDatagram, datagramGrowth, translateDatagram } from './datagram.js'
import { isEcho, translatedIcmp } from './icmp.js'
import { checkError, errorGrowth, translateError } from './icmp-error.js'

/** Whether group `g` can be translated from version `from` to the other. Reads only. */
export const checkOneWay = (view: FrameView, g: number, from: 4 | 6): ApplyCode => {
  const { bytes, slots } = view
  const s = g * SLOTS
  if (slots[s + Slot.L3_KIND] !== (from === 4 ? L3.Ipv4 : L3.Ipv6)) return ApplyCode.Untranslatable
  if (isIcmp(slots, s)) {
    const typeCode = u16(bytes, slots[s + Slot.L4]!)
    if (translatedIcmp(from, typeCode) < 0) return ApplyCode.Untranslatable
    if (!isEcho(from, typeCode)) return checkError(view, g, from)
  }
  return checkDatagram(view, g, from)
}

/** Bytes by which the frame grows; the group was checked. */
export const oneWayGrowth = (view: FrameView, g: number, from: 4 | 6): number =>
  isError(view, g, from) ? errorGrowth(view, g, from) : datagramGrowth(view, g, from === 4 ? 6 : 4)

/** Translates the group in place; it was checked. */
export const translateOneWay = (view: FrameView, g: number, from: 4 | 6): void =>
  isError(view, g, from) ? translateError(view, g, from) : translateDatagram(view, g, from)

const isError = (view: FrameView, g: number, from: 4 | 6): boolean => {
  const s = g * SLOTS
  return isIcmp(view.slots, s) && !isEcho(from, u16(view.bytes, view.slots[s + Slot.L4]!))
}

const isIcmp = (slots: Int32Array, s: number): boolean => {
  const kind = slots[s + Slot.L4_KIND]
  return kind === L4.Icmp || kind === L4.Icmpv6
}
