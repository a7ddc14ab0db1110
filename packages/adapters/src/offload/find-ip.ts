/** Finding an IP header behind bytes that nobody here can read. */
import { wire } from '@vfp-ts/core'

const { fold, sumWords } = wire.checksum
const { u16 } = wire.bytes
const { Ipv4At } = wire.ipv4
const { Ipv6At, IPV6_LENGTH } = wire.ipv6

/**
 * Offset of the first IP header from `from` on that fits: of a packet that ends at `end` exactly and holds the transport header at `transport`, UDP or TCP.
 * −1 where there is none. The header checksum of IPv4 is not looked at right in front of the transport: a wrong one is the sender's.
 */
export const findIp = (bytes: Uint8Array, from: number, transport: number, end: number, udp: boolean): number => {
  const protocol = udp ? 17 : 6
  for (let at = from; at + 20 <= transport; at++) {
    const version = bytes[at]! >>> 4
    if ((version === 4 && fits4(bytes, at, transport, end, protocol)) || (version === 6 && fits6(bytes, at, transport, end, protocol))) return at
  }
  return -1
}

const fits4 = (bytes: Uint8Array, at: number, transport: number, end: number, protocol: number): boolean => {
  const behind = at + ((bytes[at]! & 0xf) << 2)
  if (behind < at + 20 || behind > transport || at + u16(bytes, at + Ipv4At.LENGTH) !== end) return false
  if (behind === transport) return bytes[at + Ipv4At.PROTOCOL] === protocol
  return fold(sumWords(bytes, at, behind)) === 0xffff
}

const fits6 = (bytes: Uint8Array, at: number, transport: number, end: number, protocol: number): boolean => {
  const behind = at + IPV6_LENGTH
  if (behind > transport || behind + u16(bytes, at + Ipv6At.LENGTH) !== end) return false
  return behind !== transport || bytes[at + Ipv6At.NEXT_HEADER] === protocol
}
