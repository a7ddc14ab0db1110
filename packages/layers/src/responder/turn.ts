/** The IP header of an answer: that of the question, with the addresses exchanged. */
import { wire } from '@vfp-ts/core'

const { putU16 } = wire.bytes
const { checksum } = wire.checksum
const { IPV4_LENGTH, Ipv4At } = wire.ipv4
const { Ipv6At } = wire.ipv6

/** TTL or hop limit of answers. */
const TTL = 64

/** Returns whether the source is no single station's: unspecified, multicast, broadcast or of IPv4's reserved blocks. */
export const isNobody = (bytes: Uint8Array, ip: number, six: boolean): boolean => {
  if (!six) return (bytes[ip + Ipv4At.SOURCE] ?? 0) === 0 || (bytes[ip + Ipv4At.SOURCE] ?? 0) >= 224
  if (bytes[ip + Ipv6At.SOURCE] === 0xff) return true
  for (let i = 0; i < 16; i++) if (bytes[ip + Ipv6At.SOURCE + i] !== 0) return false
  return true
}

/** Turns the IPv4 header without options at `ip`: exchanges the addresses, sets the TTL, clears ECN (an answer belongs to no flow that reacts to it). */
export const turn4 = (out: Uint8Array, ip: number): void => {
  swap(out, ip + Ipv4At.SOURCE, ip + Ipv4At.DESTINATION, 4)
  out[ip + 1] = (out[ip + 1] ?? 0) & 0xfc
  out[ip + Ipv4At.TTL] = TTL
  putU16(out, ip + Ipv4At.CHECKSUM, 0)
  putU16(out, ip + Ipv4At.CHECKSUM, checksum(out, ip, ip + IPV4_LENGTH))
}

/** Turns the IPv6 header at `ip` likewise. */
export const turn6 = (out: Uint8Array, ip: number): void => {
  swap(out, ip + Ipv6At.SOURCE, ip + Ipv6At.DESTINATION, 16)
  out[ip + 1] = (out[ip + 1] ?? 0) & 0xcf
  out[ip + Ipv6At.HOP_LIMIT] = TTL
}

const swap = (bytes: Uint8Array, a: number, b: number, length: number): void => {
  for (let i = 0; i < length; i++) {
    const kept = bytes[a + i] ?? 0
    bytes[a + i] = bytes[b + i] ?? 0
    bytes[b + i] = kept
  }
}
