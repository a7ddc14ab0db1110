/**
 * Packets as a host sees them that leaves segmentation to its NIC: longer than any wire takes, some with an IP length of 0, since the NIC was to
 * write it. On a wire that is an error; in a capture from such a host the length is what is left of the frame.
 *
 * @see RFC 2675 for the one packet of IPv6 whose payload length is 0 by right: a jumbogram, which is left alone
 */
import { wire } from '@vfp-ts/core'
import { LinkType } from './packet.js'

const { checksum } = wire.checksum
const { putU16, u16 } = wire.bytes
const { EtherType, ETHERNET_LENGTH } = wire.ethernet
const { Ipv4At } = wire.ipv4
const { Ipv6At, IPV6_LENGTH } = wire.ipv6
const { UDP_LENGTH, UdpAt, UdpPort } = wire.udp

/**
 * The packet with lengths of 0 replaced by what is left of it: of IPv4, whose header checksum is then computed, IPv6, and UDP around a tunnel; also inside tunnels. The
 * same array where there is nothing to repair, else a copy. `originalLength` is the packet's on the wire.
 */
export const repairedLengths = (data: Uint8Array, originalLength: number, linkType: number): Uint8Array => {
  const repair = new Repair(data, Math.max(originalLength, data.length))
  switch (linkType) {
    case LinkType.Ethernet:
      repair.ethernet(0, MOST)
      break
    case LinkType.LinuxSll:
      if (data.length >= 16) repair.typed(u16(data, 14), 16, MOST)
      break
    case LinkType.Raw:
      repair.ip(0, MOST)
      break
    case LinkType.Null:
      repair.ip(4, MOST)
      break
  }
  return repair.bytes
}

/** Headers that are looked into, one inside another. */
const MOST = 8

class Repair {
  bytes: Uint8Array
  /** Where the packet ended on the wire. */
  readonly #end: number
  #copied = false

  constructor(bytes: Uint8Array, end: number) {
    this.bytes = bytes
    this.#end = end
  }

  ethernet(at: number, left: number): void {
    let behind = at + ETHERNET_LENGTH
    if (behind > this.bytes.length) return
    let type = u16(this.bytes, behind - 2)
    for (; isTag(type) && behind + 4 <= this.bytes.length; behind += 4) type = u16(this.bytes, behind + 2)
    this.typed(type, behind, left)
  }

  typed(type: number, at: number, left: number): void {
    if (type === EtherType.Ipv4 || type === EtherType.Ipv6) this.ip(at, left)
    else if (type === EtherType.TransparentBridging) this.ethernet(at, left)
  }

  ip(at: number, left: number): void {
    if (left === 0 || at >= this.bytes.length) return
    const version = (this.bytes[at] ?? 0) >>> 4
    if (version === 4) this.#ipv4(at, left)
    else if (version === 6) this.#ipv6(at, left)
  }

  #ipv4(at: number, left: number): void {
    const header = ((this.bytes[at] ?? 0) & 0xf) << 2
    if (header < 20 || at + header > this.bytes.length) return
    if (u16(this.bytes, at + Ipv4At.LENGTH) === 0 && this.#put(at + Ipv4At.LENGTH, this.#end - at)) {
      putU16(this.bytes, at + Ipv4At.CHECKSUM, 0)
      putU16(this.bytes, at + Ipv4At.CHECKSUM, checksum(this.bytes, at, at + header))
    }
    if ((u16(this.bytes, at + Ipv4At.FRAGMENT) & 0x3fff) === 0) this.#carried((this.bytes[at + Ipv4At.PROTOCOL] ?? 0), at + header, left)
  }

  #ipv6(at: number, left: number): void {
    const behind = at + IPV6_LENGTH
    if (behind > this.bytes.length) return
    const next = (this.bytes[at + Ipv6At.NEXT_HEADER] ?? 0)
    // Hop-by-hop options may hold the length of a jumbogram, and behind "no next header" there is nothing.
    if (u16(this.bytes, at + Ipv6At.LENGTH) === 0 && next !== HOP_BY_HOP && next !== NO_NEXT) this.#put(at + Ipv6At.LENGTH, this.#end - behind)
    this.#carried(next, behind, left)
  }

  #carried(protocol: number, at: number, left: number): void {
    if (protocol === IPIP || protocol === IPV6) this.ip(at, left - 1)
    else if (protocol === GRE) this.#gre(at, left - 1)
    else if (protocol === UDP) this.#udp(at, left - 1)
  }

  #gre(at: number, left: number): void {
    if (at + 4 > this.bytes.length) return
    const flags = u16(this.bytes, at)
    if ((flags & 0x4007) !== 0) return
    const words = ((flags >>> 15) & 1) + ((flags >>> 13) & 1) + ((flags >>> 12) & 1)
    this.typed(u16(this.bytes, at + 2), at + 4 + 4 * words, left)
  }

  #udp(at: number, left: number): void {
    const behind = at + UDP_LENGTH
    if (behind > this.bytes.length) return
    if (u16(this.bytes, at + UdpAt.LENGTH) === 0) this.#put(at + UdpAt.LENGTH, this.#end - at)
    const port = u16(this.bytes, at + UdpAt.DESTINATION)
    if (port === UdpPort.Vxlan || port === LINUX_VXLAN) this.ethernet(behind + 8, left)
    else if (port === UdpPort.Geneve && behind + 8 <= this.bytes.length) this.typed(u16(this.bytes, behind + 2), behind + 8 + (((this.bytes[behind] ?? 0) & 0x3f) << 2), left)
  }

  /** Writes a length, if it fits its field. */
  #put(at: number, length: number): boolean {
    if (length > 0xffff || length <= 0) return false
    if (!this.#copied) this.bytes = this.bytes.slice()
    this.#copied = true
    putU16(this.bytes, at, length)
    return true
  }
}

const isTag = (type: number): boolean => type === EtherType.Vlan || type === EtherType.ServiceVlan || type === 0x9100

const HOP_BY_HOP = 0
const IPIP = 4
const UDP = 17
const IPV6 = 41
const GRE = 47
const NO_NEXT = 59
const LINUX_VXLAN = 8472
