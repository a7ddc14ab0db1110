/**
 * The bytes of a pushed group: everything that is known when the flow is compiled.
 *
 * | tunnel | between IP and the frame inside                                             |            |
 * |--------|-----------------------------------------------------------------------------|------------|
 * | VXLAN  | UDP to port 4789 unless said, 8 bytes: I flag, VNI                          | RFC 7348 §5 |
 * | Geneve | UDP to port 6081 unless said, 8 bytes and options: C flag where one is critical, VNI | RFC 8926 §3.4 |
 * | NVGRE  | 8 bytes: GRE with K flag; the key is the VSID and eight bits of entropy     | RFC 7637 §3.2 |
 * | GRE    | 4 bytes, no flag                                                            | RFC 2784 §2 |
 *
 * Lengths, checksums and what is read of the original frame are 0. DF is set and the identification 0 over IPv4: such a
 * datagram is atomic and needs none (RFC 6864 §4.1).
 */
import { putU16, putU24, writeIp, writeMac } from '../wire/bytes.js'
import { sumWords } from '../wire/checksum.js'
import { ETHERNET_LENGTH, EtherType } from '../wire/ethernet.js'
import { GENEVE_CRITICAL_TYPE, GENEVE_LENGTH, GeneveAt, GeneveFlag, GeneveOptionAt } from '../wire/geneve.js'
import { GRE_LENGTH, GreAt, GreFlag } from '../wire/gre.js'
import { IpProtocol } from '../wire/ip-protocol.js'
import { IPV4_LENGTH, Ipv4At } from '../wire/ipv4.js'
import { IPV6_LENGTH, Ipv6At } from '../wire/ipv6.js'
import { NVGRE_LENGTH, NvgreAt } from '../wire/nvgre.js'
import { UDP_LENGTH, UdpAt } from '../wire/udp.js'
import { emitVlan, VLAN_LENGTH } from '../wire/vlan.js'
import { VXLAN_I_FLAG, VXLAN_LENGTH, VxlanAt } from '../wire/vxlan.js'
import type { Push, TunnelKind } from './header-transposition.js'
import { READ, type ReadList } from './originals.js'

/** What is left to do for one pushed group; offsets are into the template of the whole program. */
export interface PushedGroup {
  /** Offset of its IP header. */
  readonly ip: number
  readonly is6: boolean
  /** Offset of its UDP header, or 0 where the tunnel is not in UDP. */
  readonly udp: number
  /** Offset behind its tunnel header. */
  readonly inside: number
  /**
   * Checksum sum of its constants: over IPv4 of the IP header; over IPv6 of what its UDP checksum covers, pseudo header
   * included. Without the lengths, and without what is read.
   */
  readonly sum: number
  /** DSCP, ECN and TTL as values of a program (see `originals.ts`). */
  readonly dscp: number
  readonly ecn: number
  readonly ttl: number
}

/** Bytes of a pushed group's headers. */
export const pushLength = (p: Push): number =>
  ETHERNET_LENGTH + VLAN_LENGTH * p.vlans.length + (p.srcIp.version === 4 ? IPV4_LENGTH : IPV6_LENGTH) +
  (IN_UDP[p.tunnel] ? UDP_LENGTH : 0) + TUNNEL_LENGTHS[p.tunnel] + p.options.length

/** Writes the constants of a pushed group at `at` of the template, and returns what is left to do. */
export const writePush = (p: Push, reads: ReadList, to: Uint8Array, at: number): PushedGroup => {
  const is6 = p.srcIp.version === 6
  const ip = at + ETHERNET_LENGTH + VLAN_LENGTH * p.vlans.length
  const transport = ip + (is6 ? IPV6_LENGTH : IPV4_LENGTH)
  const udp = IN_UDP[p.tunnel] ? transport : 0
  const inside = at + pushLength(p)
  const ttl = reads.ttl(p.ttl)
  writeMac(to, at, p.dstMac)
  writeMac(to, at + 6, p.srcMac)
  p.vlans.forEach((tag, i) => { emitVlan(tag, to, at + 12 + VLAN_LENGTH * i) })
  putU16(to, ip - 2, is6 ? EtherType.Ipv6 : EtherType.Ipv4)
  writeIpHeader(p, ttl < READ ? ttl : 0, to, ip)
  if (udp > 0) {
    putU16(to, udp + UdpAt.SOURCE, p.srcPort)
    putU16(to, udp + UdpAt.DESTINATION, p.dstPort)
  }
  writeTunnel(p, to, udp > 0 ? udp + UDP_LENGTH : transport)
  const sum = is6 ? sumWords(to, ip + Ipv6At.SOURCE, inside, IpProtocol.Udp) : sumWords(to, ip, ip + IPV4_LENGTH)
  return { ip, is6, udp, inside, sum, dscp: reads.dscp(p.dscp), ecn: reads.ecn(p.ecn), ttl }
}

/** Most bytes from the IP header on that the length field of a pushed group can express; IPv6 does not count its header. */
export const maxFromIp = (p: PushedGroup): number => (p.is6 ? 0xffff + IPV6_LENGTH : 0xffff)

const IN_UDP: Readonly<Record<TunnelKind, boolean>> = { vxlan: true, geneve: true, nvgre: false, gre: false }
const TUNNEL_LENGTHS: Readonly<Record<TunnelKind, number>> = { vxlan: VXLAN_LENGTH, geneve: GENEVE_LENGTH, nvgre: NVGRE_LENGTH, gre: GRE_LENGTH }

const writeIpHeader = (p: Push, ttl: number, to: Uint8Array, ip: number): void => {
  const protocol = IN_UDP[p.tunnel] ? IpProtocol.Udp : IpProtocol.Gre
  if (p.srcIp.version === 4) {
    to[ip] = 0x45
    putU16(to, ip + Ipv4At.FRAGMENT, 0x4000)
    to[ip + Ipv4At.TTL] = ttl
    to[ip + Ipv4At.PROTOCOL] = protocol
    writeIp(to, ip + Ipv4At.SOURCE, p.srcIp)
    writeIp(to, ip + Ipv4At.DESTINATION, p.dstIp)
  } else {
    to[ip] = 0x60
    to[ip + Ipv6At.NEXT_HEADER] = protocol
    to[ip + Ipv6At.HOP_LIMIT] = ttl
    writeIp(to, ip + Ipv6At.SOURCE, p.srcIp)
    writeIp(to, ip + Ipv6At.DESTINATION, p.dstIp)
  }
}

const writeTunnel = (p: Push, to: Uint8Array, at: number): void => {
  switch (p.tunnel) {
    case 'vxlan':
      to[at] = VXLAN_I_FLAG
      putU24(to, at + VxlanAt.VNI, p.vni)
      return
    case 'geneve':
      to[at] = p.options.length / 4
      to[at + GeneveAt.FLAGS] = hasCritical(p.options) ? GeneveFlag.Critical : 0
      putU16(to, at + GeneveAt.PROTOCOL_TYPE, EtherType.TransparentBridging)
      putU24(to, at + GeneveAt.VNI, p.vni)
      to.set(p.options, at + GENEVE_LENGTH)
      return
    case 'nvgre':
      putU16(to, at, GreFlag.Key)
      putU16(to, at + GreAt.PROTOCOL_TYPE, EtherType.TransparentBridging)
      putU24(to, at + NvgreAt.VSID, p.vni)
      to[at + NvgreAt.FLOW_ID] = p.srcPort
      return
    case 'gre':
      putU16(to, at + GreAt.PROTOCOL_TYPE, EtherType.TransparentBridging)
  }
}

/** Whether one of the Geneve options is critical: the high bit of its type. Lengths are in four bytes, without the option's own header. */
const hasCritical = (options: Uint8Array): boolean => {
  for (let at = 0; at + 4 <= options.length; at += 4 + 4 * (options[at + GeneveOptionAt.LENGTH]! & 0x1f)) {
    if ((options[at + GeneveOptionAt.TYPE]! & GENEVE_CRITICAL_TYPE) !== 0) return true
  }
  return false
}
