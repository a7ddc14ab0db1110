/** The answer to a probe: the probe itself, turned, with the time it was here. */
import { type FrameView, Frag, L3, L4, type Mac, NO_ANSWER, type Responder, Slot, wire } from '@vfp-ts/core'
import { answerLink } from '../responder/link.js'
import { isNobody, turn4, turn6 } from '../responder/turn.js'
import { isProbe, ProbeAt, ProbeKind, writeTime } from './message.js'

const { putU16, u16 } = wire.bytes
const { checksum, pseudoSum4, pseudoSum6 } = wire.checksum
const { transportChecksumHolds } = wire.transportChecksum
const { UdpAt } = wire.udp

/**
 * Returns whether the frame is an unfragmented UDP datagram, over IP without options or extension headers, that carries a probe of this
 * kind and has a right checksum.
 */
export const carriesProbe = (view: FrameView, kind: ProbeKind): boolean => {
  const { bytes, slots } = view
  const six = slots[Slot.L3_KIND] === L3.Ipv6
  return slots[Slot.L4_KIND] === L4.Udp && slots[Slot.FRAG] === Frag.Whole && (slots[Slot.L4] ?? 0) - (slots[Slot.L3] ?? 0) === (six ? wire.ipv6.IPV6_LENGTH : wire.ipv4.IPV4_LENGTH) &&
    isProbe(bytes, slots[Slot.PAYLOAD] ?? 0, slots[Slot.DATA_END] ?? 0, kind) && transportChecksumHolds(view, 0)
}

/** Returns a responder that answers probes with source MAC `mac`. A damaged probe has no answer, so the prober counts it as lost. */
export const probeAnswer = (mac: Mac): Responder => ({
  name: 'probe',
  answer: (view, out, at, nowUs) => {
    const { bytes, slots } = view
    const ip = slots[Slot.L3] ?? 0
    const end = slots[Slot.END] ?? 0
    const six = slots[Slot.L3_KIND] === L3.Ipv6
    if (!carriesProbe(view, ProbeKind.Ask) || isNobody(bytes, ip, six)) return NO_ANSWER
    const said = answerLink(view, out, at, mac)
    if (said === NO_ANSWER) return NO_ANSWER
    for (let i = ip; i < end; i++) out[said + i - ip] = bytes[i] ?? 0
    if (six) turn6(out, said)
    else turn4(out, said)
    const udp = said + (slots[Slot.L4] ?? 0) - ip
    const behind = said + (slots[Slot.DATA_END] ?? 0) - ip
    const probe = said + (slots[Slot.PAYLOAD] ?? 0) - ip
    const from = u16(out, udp + UdpAt.SOURCE)
    putU16(out, udp + UdpAt.SOURCE, u16(out, udp + UdpAt.DESTINATION))
    putU16(out, udp + UdpAt.DESTINATION, from)
    out[probe + ProbeAt.KIND] = ProbeKind.Answer
    writeTime(out, probe + ProbeAt.ANSWERED, nowUs)
    putU16(out, udp + UdpAt.CHECKSUM, 0)
    const sum = checksum(out, udp, behind, six ? pseudoSum6(out, said, 17, behind - udp) : pseudoSum4(out, said, 17, behind - udp))
    putU16(out, udp + UdpAt.CHECKSUM, sum === 0 ? 0xffff : sum)
    return said + end - ip - at
  },
})
