/** Echo answers, for gateways without a VM. */
import { type FrameView, Frag, L3, L4, type Mac, NO_ANSWER, type Responder, Slot, wire } from '@vfp-ts/core'
import { answerLink } from './link.js'
import { isNobody, turn4, turn6 } from './turn.js'

const { correctIcmp, replaceWord } = wire.correctChecksum
const { IPV4_LENGTH } = wire.ipv4
const { IPV6_LENGTH } = wire.ipv6
const { IcmpAt, IcmpType } = wire.icmp
const { Icmpv6Type } = wire.icmpv6

/**
 * Returns a responder that answers an ICMP or ICMPv6 echo request, with the same data, from `mac`. A wrong checksum stays as wrong as it was, so that the
 * sender learns of it. Fragments, packets with IP options or extension headers, and those from a multicast, broadcast or unspecified
 * source have no answer.
 *
 * @see RFC 792, RFC 4443 §4.2; RFC 1122 §3.2.2.6 on what comes back and from where
 */
export const echoAnswer = (mac: Mac): Responder => ({
  name: 'ICMP echo',
  answer: (view, out, at) => {
    const { bytes, slots } = view
    const ip = slots[Slot.L3] ?? 0
    const icmp = slots[Slot.L4] ?? 0
    const end = slots[Slot.END] ?? 0
    const six = slots[Slot.L3_KIND] === L3.Ipv6
    if (slots[Slot.FRAG] !== Frag.Whole || icmp - ip !== (six ? IPV6_LENGTH : IPV4_LENGTH) || !isRequest(view, icmp, six) || isNobody(bytes, ip, six)) return NO_ANSWER
    const said = answerLink(view, out, at, mac)
    if (said === NO_ANSWER) return NO_ANSWER
    for (let i = ip; i < end; i++) out[said + i - ip] = bytes[i] ?? 0
    if (six) turn6(out, said)
    else turn4(out, said)
    const type = said + icmp - ip
    const changed = replaceWord(out, type, (six ? Icmpv6Type.EchoReply : IcmpType.EchoReply) << 8)
    // The addresses have changed places, of which the sum of a pseudo header takes no notice.
    correctIcmp(out, type, said + end - ip, changed)
    return said + end - ip - at
  },
})

const isRequest = ({ bytes, slots }: FrameView, icmp: number, six: boolean): boolean =>
  slots[Slot.L4_KIND] === (six ? L4.Icmpv6 : L4.Icmp) && bytes[icmp] === (six ? Icmpv6Type.EchoRequest : IcmpType.Echo) && bytes[icmp + IcmpAt.CODE] === 0
