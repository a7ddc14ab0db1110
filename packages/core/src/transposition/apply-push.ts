/**
 * Pushed headers on the bytes of a frame: the template is copied, then lengths, what is read of the original, and checksums
 * filled in.
 *
 * Over IPv4 the UDP checksum is 0, none, as RFC 7348 §5 asks for; the frame inside has its own. Over IPv6 it is computed in
 * full: RFC 6935 lets tunnels omit it, but only under conditions on both ends (RFC 6936) that the library cannot know. GRE has no
 * checksum.
 */
import { fold, sumWords } from '../wire/checksum.js'
import { putU16 } from '../wire/bytes.js'
import { IPV4_LENGTH, Ipv4At } from '../wire/ipv4.js'
import { IPV6_LENGTH, Ipv6At } from '../wire/ipv6.js'
import { UdpAt } from '../wire/udp.js'
import { READ, valueOf } from './originals.js'
import type { Program } from './program.js'
import type { PushedGroup } from './push-template.js'

/** Writes the pushed headers in front of the frame at `inside .. end`; the room was checked, and values read. */
export const applyPushes = (program: Program, bytes: Uint8Array, inside: number, end: number): void => {
  const { template, pushed } = program
  const start = inside - template.length
  bytes.set(template, start)
  // Innermost first: a checksum covers what is inside.
  for (let i = pushed.length - 1; i >= 0; i--) {
    const p = pushed[i]!
    const traffic = (valueOf(p.dscp) << 2) | valueOf(p.ecn)
    if (p.is6) finish6(p, bytes, start, end, traffic)
    else finish4(p, bytes, start, end, traffic)
  }
}

const finish4 = (p: PushedGroup, bytes: Uint8Array, start: number, end: number, traffic: number): void => {
  const ip = start + p.ip
  const total = end - ip
  let sum = p.sum + traffic + total
  bytes[ip + Ipv4At.TOS] = traffic
  putU16(bytes, ip + Ipv4At.LENGTH, total)
  if (p.ttl >= READ) {
    const ttl = valueOf(p.ttl)
    bytes[ip + Ipv4At.TTL] = ttl
    sum += ttl << 8
  }
  putU16(bytes, ip + Ipv4At.CHECKSUM, ~fold(sum) & 0xffff)
  if (p.udp > 0) putU16(bytes, start + p.udp + UdpAt.LENGTH, total - IPV4_LENGTH)
}

const finish6 = (p: PushedGroup, bytes: Uint8Array, start: number, end: number, traffic: number): void => {
  const ip = start + p.ip
  const length = end - ip - IPV6_LENGTH
  putU16(bytes, ip, 0x6000 | (traffic << 4))
  putU16(bytes, ip + Ipv6At.LENGTH, length)
  if (p.ttl >= READ) bytes[ip + Ipv6At.HOP_LIMIT] = valueOf(p.ttl)
  if (p.udp === 0) return
  const udp = start + p.udp
  putU16(bytes, udp + UdpAt.LENGTH, length)
  // The length counts twice: in the header and in the pseudo header.
  const checksum = ~fold(sumWords(bytes, start + p.inside, end, p.sum + 2 * length)) & 0xffff
  putU16(bytes, udp + UdpAt.CHECKSUM, checksum === 0 ? 0xffff : checksum)
}
