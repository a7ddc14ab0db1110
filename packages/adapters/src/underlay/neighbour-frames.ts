/**
 * The frames in which hosts ask for each other and tell of themselves: ARP for IPv4, neighbour discovery for IPv6.
 *
 * @see RFC 826
 * @see RFC 4861 §4.3, §4.4
 */
import { emitFrame, type HeaderGroup, type IpAddress, type Mac, orThrow, wire } from '@vfp-ts/core'

/** The MAC of everybody. */
export const BROADCAST: Mac = 0xffff_ffff_ffff

const { EtherType } = wire.ethernet
const { Icmpv6Type } = wire.icmpv6
const NOTHING = new Uint8Array(0)

/** Somebody who speaks: an address and its MAC. */
export interface Speaker {
  readonly ip: IpAddress
  readonly mac: Mac
}

/** What an answer takes over from the frame with the question. */
export interface InKind {
  /** Priority tags, which whoever asked puts in front of everything. */
  readonly vlans: readonly wire.vlan.VlanTag[]
  /** Kind of link of an ARP packet. */
  readonly hardware?: wire.arp.ArpHardware
}

/** Asks who has an address: of everybody who might, or of `only`. @see RFC 4861 §7.2.2 */
export const question = (asker: Speaker, target: IpAddress, only?: Mac): Uint8Array => {
  if (target.version === 4) return arp(wire.arp.ArpOperation.Request, asker, { ip: target, mac: 0 }, only ?? BROADCAST)
  const to = only === undefined ? wire.ndpRules.solicitedNode(target) : target
  return ndp({ kind: 'neighbor-solicitation', target, options: [{ kind: 'source-link-address', mac: asker.mac }] },
    asker, { ip: to, mac: only ?? wire.ndpRules.multicastMac(to) })
}

/**
 * Tells everybody of an address without being asked. For IPv4 it is a request for the own address, which all who know the address take
 * to heart, and nobody answers.
 *
 * @see RFC 5227 §2.3; RFC 4861 §7.2.6
 */
export const announcement = (self: Speaker): Uint8Array =>
  self.ip.version === 4
    ? arp(wire.arp.ArpOperation.Request, self, { ip: self.ip, mac: 0 }, BROADCAST)
    : advertisement({ kind: 'neighbor-solicitation', target: self.ip, options: [] }, self, { ip: wire.ndpRules.UNSPECIFIED, mac: 0 })

/** Answers an ARP request. Its hardware type stays what it was, as RFC 826 makes the reply of the request. */
export const arpReply = (self: Speaker, asker: Speaker, kind: InKind): Uint8Array => arp(wire.arp.ArpOperation.Reply, self, asker, asker.mac, kind)

/** Answers a solicitation: to who asked, or to everybody where that one has no address yet. @see RFC 4861 §7.2.4 */
export const advertisement = (solicitation: wire.ndp.NeighborSolicitation, self: Speaker, asker: Speaker, { vlans }: InKind = UNTAGGED): Uint8Array => {
  const { ALL_NODES, multicastMac, neighborAdvertisementFor, UNSPECIFIED } = wire.ndpRules
  const nobody = asker.ip.words.every((word, i) => word === UNSPECIFIED.words[i])
  const message = neighborAdvertisementFor(solicitation, self.mac, { router: false, solicited: !nobody, override: true })
  return ndp(message, self, nobody ? { ip: ALL_NODES, mac: multicastMac(ALL_NODES) } : asker, vlans)
}

const UNTAGGED: InKind = { vlans: [] }

const arp = (operation: number, sender: Speaker, target: Speaker, to: Mac, { vlans, hardware }: InKind = UNTAGGED): Uint8Array =>
  emit({
    eth: { destination: to, source: sender.mac, etherType: EtherType.Arp },
    vlans,
    net: {
      kind: 'arp', ...(hardware === undefined ? {} : { hardware }), operation, senderMac: sender.mac, senderIp: sender.ip, targetMac: target.mac, targetIp: target.ip,
    },
  }, NOTHING)

const ndp = (message: wire.ndp.NdpMessage, from: Speaker, to: Speaker, vlans: InKind['vlans'] = []): Uint8Array =>
  emit({
    eth: { destination: to.mac, source: from.mac, etherType: EtherType.Ipv6 },
    vlans,
    net: {
      kind: 'ipv6', source: from.ip, destination: to.ip, protocol: 58, hopLimit: wire.ndpRules.NDP_HOP_LIMIT, dscp: 0, ecn: 0, flowLabel: 0, extensions: [],
    },
    transport: { kind: 'icmpv6', type: message.kind === 'neighbor-solicitation' ? Icmpv6Type.NeighborSolicitation : Icmpv6Type.NeighborAdvertisement, code: 0 },
  }, orThrow(wire.ndp.ndpPayload(message)))

/** The headers above cannot contradict each other, so this does not throw. */
const emit = (group: HeaderGroup, payload: Uint8Array): Uint8Array => orThrow(emitFrame({ groups: [group], payload }))
