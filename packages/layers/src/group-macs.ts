/** Conditions on MAC addresses of groups of stations. */
import { anyOf, type Condition, type Mac } from '@vfp-ts/core'

/** All stations: every bit set. */
export const BROADCAST_MAC: Mac = 0xffff_ffff_ffff

/**
 * Holds for destinations of IP multicast: 01:00:5e and 25 bits for IPv4, 33:33 for IPv6. Other group addresses, such as those of
 * bridge protocols, are not among them.
 *
 * @see RFC 1112 §6.4, RFC 2464 §7
 */
export const toMulticast: Condition = anyOf('dstMac', [
  { _tag: 'Prefix', value: 0x0100_5e00_0000, length: 25 }, { _tag: 'Prefix', value: 0x3333_0000_0000, length: 16 },
])

/** Holds for broadcast and IP multicast destinations. */
export const toMany: Condition = anyOf('dstMac', [{ _tag: 'Value', value: BROADCAST_MAC }, ...toMulticast.values])
