/** Translation of a packet that is no ICMP error: a new IP header in front of a payload that stays where it is. */
import { u16 } from '../../wire/bytes.js'
import { Frag, type FrameView, L4, Slot, SLOTS } from '../../wire/frame-view.js'
import { UdpAt } from '../../wire/udp.js'
import { ApplyCode } from '../apply-code.js'
import { moveFront, writeEtherType } from './front.js'
import { identify } from './identification.js'
import {
  checkHeader, fragmentField, fragmentId, hopLimit, newHeaderLength, trafficClass, translatedProtocol, writeIpv4Header, writeIpv6Header,
} from './ip-header.js'
import { translateTransport } from './transport.js'

/** Whether the datagram of group `g`, of version `from`, can be translated; of ICMP only echo. Reads only. */
export const checkDatagram = (view: FrameView, g: number, from: 4 | 6): ApplyCode => {
  const { bytes, slots } = view
  const s = g * SLOTS
  // The checksum that IPv6 demands cannot be computed from a part (RFC 7915 §4.5). A later fragment does not show whether there is one.
  if (slots[s + Slot.L4_KIND] === L4.Udp && slots[s + Slot.FRAG] !== Frag.Whole && u16(bytes, slots[s + Slot.L4]! + UdpAt.CHECKSUM) === 0) {
    return ApplyCode.Untranslatable
  }
  return checkHeader(bytes, slots, s, from)
}

/** Bytes by which the frame grows. */
export const datagramGrowth = (view: FrameView, g: number, to: 4 | 6): number => {
  const s = g * SLOTS
  return newHeaderLength(view.slots, s, to) - (view.slots[s + Slot.L4]! - view.slots[s + Slot.L3]!)
}

/** Translates the datagram in place. */
export const translateDatagram = (view: FrameView, g: number, from: 4 | 6): void => {
  const { bytes, slots } = view
  const s = g * SLOTS
  const to = from === 4 ? 6 : 4
  const ip = slots[s + Slot.L3]!
  const l4 = slots[s + Slot.L4]!
  const carried = slots[s + Slot.END]! - l4
  const traffic = trafficClass(bytes, ip, from)
  const hops = hopLimit(bytes, ip, from)
  const protocol = translatedProtocol(slots[s + Slot.PROTO]!, from)
  const fragment = fragmentField(bytes, slots, s, from)
  const fragmented = fragment >= 0 ? fragmentId(bytes, slots, s, from) : 0
  translateTransport(bytes, slots, s, from, carried, false)
  const id = fragment < 0 && to === 4 ? identify(bytes, slots, s, carried) : fragmented

  const at = l4 - newHeaderLength(slots, s, to)
  moveFront(view, ip, at)
  if (to === 4) writeIpv4Header(bytes, at, traffic, hops, protocol, carried, fragment, id)
  else writeIpv6Header(bytes, at, traffic, hops, protocol, carried, fragment, id)
  writeEtherType(bytes, at, to)
}
