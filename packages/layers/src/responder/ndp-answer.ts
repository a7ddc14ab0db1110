/**
 * Neighbour advertisements: answers to questions about an IPv6 address.
 *
 * What is asked is read and what is answered is written by core's representations, which allocate. The target lies where
 * flow ids have volatile words, so each such packet is walked anyway, and they are few.
 */
import { type FrameView, formatMac, Frag, type Frame, type HeaderGroup, L4, type Mac, NO_ANSWER, type Responder, sameIp, Slot, dissect, emitFrame, wire } from '@vfp-ts/core'

const { acceptNdp, ALL_NODES, multicastMac, NDP_HOP_LIMIT, neighborAdvertisementFor, UNSPECIFIED } = wire.ndpRules
const { isNdp, ndpPayload, parseNdp } = wire.ndp

/**
 * Returns a responder that answers a neighbour solicitation about any target with `mac`. With `router` the advertisement is a router's and
 * overrides others; without, it does not override, so that the target's own wins. Solicitations that a receiver must not act on
 * (RFC 4861 §7.1.1), such as those with a wrong checksum, have no answer.
 *
 * @see RFC 4861 §7.2.4 on the answer, §7.2.8 on speaking for others
 */
export const ndpAnswer = (mac: Mac, router: boolean): Responder => ({
  name: `NDP is-at ${formatMac(mac)}`,
  answer: (view, out, at) => {
    const answer = advertisement(view, mac, router)
    if (answer === undefined) return NO_ANSWER
    out.set(answer, at)
    return answer.length
  },
})

const advertisement = (view: FrameView, mac: Mac, router: boolean): Uint8Array | undefined => {
  const { bytes, start, end, slots } = view
  if (slots[Slot.L4_KIND] !== L4.Icmpv6 || slots[Slot.FRAG] !== Frag.Whole) return undefined
  const asked = dissect(bytes.subarray(start, end))
  if (asked._tag === 'Left' || asked.right.groups.length !== 1) return undefined
  const [{ eth, vlans, net, transport }] = asked.right.groups
  // A checksum in the representation is a wrong one.
  if (net?.kind !== 'ipv6' || transport?.kind !== 'icmpv6' || transport.checksum !== undefined || !isNdp(transport.type)) return undefined
  const { payload } = asked.right
  const message = parseNdp(transport.type, payload, 0, payload.length)
  const accepted = message._tag === 'Left' ? message : acceptNdp(net, transport, message.right.repr)
  if (accepted._tag === 'Left' || accepted.right.kind !== 'neighbor-solicitation') return undefined
  const solicited = !sameIp(net.source, UNSPECIFIED)
  if (((bytes[start + wire.ethernet.EthernetAt.SOURCE] ?? 1) & 1) === 1) return undefined
  const to = solicited ? net.source : ALL_NODES
  const said = ndpPayload(neighborAdvertisementFor(accepted.right, mac, { router, solicited, override: router }))
  if (said._tag === 'Left') return undefined
  const group: HeaderGroup = {
    eth: { ...eth, destination: solicited ? eth.source : multicastMac(ALL_NODES), source: mac },
    vlans,
    net: { kind: 'ipv6', source: accepted.right.target, destination: to, protocol: 58, hopLimit: NDP_HOP_LIMIT, dscp: net.dscp, ecn: 0, flowLabel: 0, extensions: [] },
    transport: { kind: 'icmpv6', type: wire.icmpv6.Icmpv6Type.NeighborAdvertisement, code: 0 },
  }
  const frame: Frame = { groups: [group], payload: said.right }
  const written = emitFrame(frame)
  return written._tag === 'Left' ? undefined : written.right
}
