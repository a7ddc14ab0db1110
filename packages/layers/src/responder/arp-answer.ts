/** ARP answers: the MAC of an address. */
import { type FrameView, L3, type Mac, formatMac, NO_ANSWER, type Responder, Slot, wire } from '@vfp-ts/core'
import { answerLink } from './link.js'

const { ArpAt, ArpOperation, ARP_LENGTH } = wire.arp
const { putU16, u16, writeMac } = wire.bytes

/**
 * Returns a responder that answers an ARP request about any address with `mac`, from that MAC to the sender, behind the same VLAN tags.
 * Other packets have no answer.
 *
 * @see RFC 826
 */
export const arpAnswer = (mac: Mac): Responder => ({
  name: `ARP is-at ${formatMac(mac)}`,
  answer: (view: FrameView, out, at) => {
    const { bytes, slots } = view
    const asked = slots[Slot.L3] ?? 0
    if (slots[Slot.L3_KIND] !== L3.Arp || u16(bytes, asked + ArpAt.OPERATION) !== ArpOperation.Request) return NO_ANSWER
    const said = answerLink(view, out, at, mac)
    if (said === NO_ANSWER) return NO_ANSWER
    for (let i = 0; i < ArpAt.OPERATION; i++) out[said + i] = bytes[asked + i] ?? 0
    putU16(out, said + ArpAt.OPERATION, ArpOperation.Reply)
    // The question's sender becomes the answer's target, and its target the sender.
    for (let i = 0; i < 10; i++) out[said + ArpAt.TARGET_MAC + i] = bytes[asked + ArpAt.SENDER_MAC + i] ?? 0
    writeMac(out, said + ArpAt.SENDER_MAC, mac)
    for (let i = 0; i < 4; i++) out[said + ArpAt.SENDER_IP + i] = bytes[asked + ArpAt.TARGET_IP + i] ?? 0
    return said + ARP_LENGTH - at
  },
})
