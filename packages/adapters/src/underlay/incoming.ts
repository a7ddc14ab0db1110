/**
 * What of the frames that come is for the host itself: ARP and neighbour discovery of the physical network, and echo requests to
 * its addresses, which are answered here, and errors of the network. They go no further; all else belongs to who uses the underlay.
 *
 * A tag with VLAN identifier 0 gives a frame a priority and no VLAN, so the frame counts as untagged, and its answer has the same tags.
 * What is tagged with a VLAN is not the host's.
 *
 * {@link Incoming.judge} looks at no more than the EtherType and the protocol of a tunnelled frame; everything behind that is off the
 * way of traffic, and may allocate.
 *
 * @see IEEE 802.1Q-2022 §9.6
 */
import { dissect, Frag, makeFrameView, parseFrame, Reason, sameIp, Slot, Verify, wire } from '@vfp-ts/core'
import type { IpAddress, Mac } from '@vfp-ts/core'
import { isPartial } from '../nic/frame-batch.js'
import { completeParsed } from '../offload/complete-checksum.js'
import { FinishCode } from '../offload/finish-code.js'
import { advertisement, arpReply, type InKind, type Speaker } from './neighbour-frames.js'
import type { NeighbourTable } from './neighbour-table.js'
import type { NetworkErrors } from './network-errors.js'
import type { Routes } from './routes.js'
import { isGroupMac, isUnicast } from './underlay-options.js'

const { u16, readMac, writeMac, readIpv4, readIpv6, putU16 } = wire.bytes
const { ETHERNET_LENGTH, EtherType } = wire.ethernet
const { Ipv4At, IPV4_LENGTH } = wire.ipv4
const { Ipv6At, IPV6_LENGTH } = wire.ipv6
const { MAX_VLANS, VLAN_LENGTH, isVlanTpid, parseVlan } = wire.vlan
const { IcmpType } = wire.icmp
const { Icmpv6Type } = wire.icmpv6

/** What is to become of a frame that came. */
export const Judgement = {
  /** It is not for the host itself. */
  Pass: 0,
  /** ARP, neighbour discovery or an echo request: done with. */
  Answered: 1,
  /** For another MAC. */
  NotForUs: 2,
  /** From a group MAC, which no sender has. */
  BadSource: 3,
  /** An error of the network to the host, which {@link NetworkErrors} has read and counted. */
  Error: 4,
} as const
/** What is to become of a frame that came. */
export type Judgement = (typeof Judgement)[keyof typeof Judgement]

/** TTL and hop limit of answers. */
const TTL = 64
const PROTOCOL_ICMP = 1
const PROTOCOL_ICMPV6 = 58

/** Judges and answers. */
export class Incoming {
  /** Packets in which somebody else claimed one of the host's own addresses. */
  conflicts = 0
  readonly #mac: Mac
  readonly #routes: Routes
  readonly #neighbours: NeighbourTable
  readonly #errors: NetworkErrors
  readonly #send: (bytes: Uint8Array, start: number, end: number) => void
  readonly #view = makeFrameView()

  constructor(
    mac: Mac, routes: Routes, neighbours: NeighbourTable, errors: NetworkErrors, send: (bytes: Uint8Array, start: number, end: number) => void,
  ) {
    this.#mac = mac
    this.#routes = routes
    this.#neighbours = neighbours
    this.#errors = errors
    this.#send = send
  }

  /** Looks at the frame, which is rewritten where it is an echo request that is answered. */
  judge(bytes: Uint8Array, start: number, end: number, offload: number): Judgement {
    if (end - start < ETHERNET_LENGTH + IPV4_LENGTH) return Judgement.Pass
    const group = ((bytes[start] ?? 0) & 1) !== 0
    if (!group && readMac(bytes, start) !== this.#mac) return Judgement.NotForUs
    // Nobody is a group: an answer to such a sender would go to everybody.
    if (((bytes[start + 6] ?? 0) & 1) !== 0) return Judgement.BadSource
    const l3 = behindPriorityTags(bytes, start)
    if (end - l3 < IPV4_LENGTH) return Judgement.Pass
    switch (u16(bytes, l3 - 2)) {
      case EtherType.Arp:
        this.#arp(bytes, start, l3, end)
        return Judgement.Answered
      case EtherType.Ipv4:
        if (group || bytes[l3 + Ipv4At.PROTOCOL] !== PROTOCOL_ICMP) return Judgement.Pass
        if (this.#echo4(bytes, start, l3, end, offload)) return Judgement.Answered
        return this.#errors.take(bytes, start, l3, end, offload, 4) ? Judgement.Error : Judgement.Pass
      case EtherType.Ipv6:
        if (bytes[l3 + Ipv6At.NEXT_HEADER] !== PROTOCOL_ICMPV6 || end - l3 < IPV6_LENGTH) return Judgement.Pass
        if (this.#icmpv6(bytes, start, l3, end, offload, group)) return Judgement.Answered
        return !group && this.#errors.take(bytes, start, l3, end, offload, 6) ? Judgement.Error : Judgement.Pass
      default:
        return Judgement.Pass
    }
  }

  /**
   * In the order of RFC 826: first what is known of the sender, then whether it is our turn to answer.
   *
   * An answer to a question of ours is a reply whose target is the host. Whether it came to the host alone or by broadcast says nothing:
   * who has a link-local address broadcasts every reply (RFC 3927 §2.5). A reply about itself only announces.
   */
  #arp(bytes: Uint8Array, start: number, l3: number, end: number): void {
    const read = wire.arp.parseArp(bytes, l3, end)
    if (read._tag === 'Left') return
    const { hardware, operation, senderIp, senderMac, targetIp, targetMac } = read.right.repr
    const { Reply, Request } = wire.arp.ArpOperation
    // Inverse ARP and the like use the same fields to say other things.
    if (operation !== Request && operation !== Reply) return
    if (senderMac === 0 || isGroupMac(senderMac)) return
    if (this.#claims(senderIp, senderMac)) return
    const toUs = readMac(bytes, start) === this.#mac || targetMac === this.#mac
    const solicited = operation === Reply && toUs && this.#routes.isOwn(targetIp)
    if (isUnicast(senderIp)) this.#neighbours.learn(senderIp, senderMac, { solicited, override: true })
    if (operation !== Request || !this.#routes.isOwn(targetIp)) return
    const vlans = tagsOf(bytes, start, l3)
    this.#answer(arpReply(this.#self(targetIp), { ip: senderIp, mac: senderMac }, hardware === undefined ? { vlans } : { vlans, hardware }))
  }

  /** True for neighbour discovery, which goes no further whatever it says, and for an echo request that was answered. */
  #icmpv6(bytes: Uint8Array, start: number, l3: number, end: number, offload: number, group: boolean): boolean {
    if (end - l3 <= IPV6_LENGTH) return false
    const type = bytes[l3 + IPV6_LENGTH] ?? 0
    if (wire.ndp.isNdp(type)) {
      this.#ndp(bytes.subarray(start, end), tagsOf(bytes, start, l3))
      return true
    }
    return !group && type === Icmpv6Type.EchoRequest && this.#echo6(bytes, start, l3, end, offload)
  }

  #ndp(frame: Uint8Array, vlans: InKind['vlans']): void {
    const dissected = dissect(frame)
    if (dissected._tag === 'Left') return
    const { groups: [{ eth, net, transport }], payload } = dissected.right
    // A checksum that is right is left out.
    if (net?.kind !== 'ipv6' || transport?.kind !== 'icmpv6' || transport.checksum !== undefined) return
    const parsed = wire.ndp.parseNdp(transport.type, payload, 0, payload.length)
    if (parsed._tag === 'Left') return
    const accepted = wire.ndpRules.acceptNdp(net, transport, parsed.right.repr)
    if (accepted._tag === 'Left') return
    const message = accepted.right
    if (message.kind === 'neighbor-solicitation') {
      const told = linkAddress(message, 'source-link-address')
      if (told !== undefined && !isGroupMac(told)) {
        if (this.#claims(net.source, told)) return
        this.#neighbours.learn(net.source, told, { solicited: false, override: true })
      }
      if (!this.#routes.isOwn(message.target)) return
      this.#answer(advertisement(message, this.#self(message.target), { ip: net.source, mac: told ?? eth.source }, { vlans }))
    } else if (message.kind === 'neighbor-advertisement') {
      const told = linkAddress(message, 'target-link-address')
      if (told !== undefined && (isGroupMac(told) || this.#claims(message.target, told))) return
      this.#neighbours.learn(message.target, told, message)
    }
  }

  /** Whether somebody else says that an address of ours is his. It stays ours: we do not give way, only count. */
  #claims(ip: IpAddress, mac: Mac): boolean {
    if (mac === this.#mac || !this.#routes.isOwn(ip)) return false
    this.conflicts++
    return true
  }

  /**
   * Answers in place. Fragments and packets with options are left to others.
   *
   * @see RFC 1122 §3.2.2.6
   */
  #echo4(bytes: Uint8Array, start: number, l3: number, end: number, offload: number): boolean {
    const l4 = l3 + IPV4_LENGTH
    if (bytes[l3] !== 0x45 || u16(bytes, l4) !== IcmpType.Echo << 8) return false
    const destination = readIpv4(bytes, l3 + Ipv4At.DESTINATION)
    if (!this.#routes.isOwn(destination) || !this.#intact(bytes, start, end, offload)) return false
    const source = readIpv4(bytes, l3 + Ipv4At.SOURCE)
    if (!isUnicast(source) || this.#routes.isBroadcast(source) || this.#routes.isOwn(source)) return false
    swap(bytes, l3 + Ipv4At.SOURCE, l3 + Ipv4At.DESTINATION, 4)
    bytes[l3 + Ipv4At.TTL] = TTL
    putU16(bytes, l3 + Ipv4At.CHECKSUM, 0)
    putU16(bytes, l3 + Ipv4At.CHECKSUM, wire.checksum.checksum(bytes, l3, l4))
    this.#turn(bytes, start, end, l4, IcmpType.EchoReply << 8)
    return true
  }

  /** Answers in place. @see RFC 4443 §4.2 */
  #echo6(bytes: Uint8Array, start: number, l3: number, end: number, offload: number): boolean {
    const destination = readIpv6(bytes, l3 + Ipv6At.DESTINATION)
    if (bytes[l3 + 41] !== 0 || !this.#routes.isOwn(destination) || !this.#intact(bytes, start, end, offload)) return false
    const source = readIpv6(bytes, l3 + Ipv6At.SOURCE)
    if (!isUnicast(source) || sameIp(source, destination)) return false
    swap(bytes, l3 + Ipv6At.SOURCE, l3 + Ipv6At.DESTINATION, 16)
    bytes[l3 + Ipv6At.HOP_LIMIT] = TTL
    this.#turn(bytes, start, end, l3 + IPV6_LENGTH, Icmpv6Type.EchoReply << 8)
    return true
  }

  /** Whether the frame is one whole ICMP message, with a right checksum; one that was left to hardware that never saw it is computed. */
  #intact(bytes: Uint8Array, start: number, end: number, offload: number): boolean {
    const view = this.#view
    if (parseFrame(view, bytes, start, end, 1, isPartial(offload) ? Verify.IpHeader : Verify.All) !== Reason.Ok) return false
    if (view.slots[Slot.FRAG] !== Frag.Whole || (view.slots[Slot.END] ?? 0) - (view.slots[Slot.L4] ?? 0) < 8) return false
    return !isPartial(offload) || completeParsed(view) === FinishCode.Ok
  }

  /** Makes the request at `l4` the reply with this type and code, and sends it back to the MAC it came from. */
  #turn(bytes: Uint8Array, start: number, end: number, l4: number, typeAndCode: number): void {
    const changed = wire.correctChecksum.replaceWord(bytes, l4, typeAndCode)
    wire.correctChecksum.correctIcmp(bytes, l4, this.#view.slots[Slot.END] ?? end, changed)
    writeMac(bytes, start, readMac(bytes, start + 6))
    writeMac(bytes, start + 6, this.#mac)
    this.#send(bytes, start, end)
  }

  #self(ip: IpAddress): Speaker {
    return { ip, mac: this.#mac }
  }

  #answer(frame: Uint8Array): void {
    this.#send(frame, 0, frame.length)
  }
}

const linkAddress = (
  message: wire.ndp.NeighborSolicitation | wire.ndp.NeighborAdvertisement, kind: 'source-link-address' | 'target-link-address',
): Mac | undefined => {
  for (const option of message.options) if (option.kind === kind) return option.mac
  return undefined
}

/** Where the network header begins of a frame of no VLAN: behind its priority tags. Of a frame with a VLAN, where the tag of that begins. */
const behindPriorityTags = (bytes: Uint8Array, start: number): number => {
  let l3 = start + ETHERNET_LENGTH
  for (let tags = 0; tags < MAX_VLANS && isVlanTpid(u16(bytes, l3 - 2)) && (u16(bytes, l3) & 0xfff) === 0; tags++) l3 += VLAN_LENGTH
  return l3
}

/** The tags in front of the network header. */
const tagsOf = (bytes: Uint8Array, start: number, l3: number): InKind['vlans'] => {
  const tags: wire.vlan.VlanTag[] = []
  for (let at = start + ETHERNET_LENGTH - 2; at + VLAN_LENGTH <= l3 - 2; at += VLAN_LENGTH) {
    const tag = parseVlan(bytes, at, l3)
    if (tag._tag === 'Right') tags.push(tag.right.repr)
  }
  return tags
}

const swap = (bytes: Uint8Array, a: number, b: number, length: number): void => {
  for (let i = 0; i < length; i++) {
    const byte = bytes[a + i] ?? 0
    bytes[a + i] = bytes[b + i] ?? 0
    bytes[b + i] = byte
  }
}
