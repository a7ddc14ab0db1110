/**
 * The pseudo header of the transport checksums: which addresses are in it, and its sum.
 *
 * Mostly they are the addresses in the IP header. Three things put others in their place, because the checksum covers the two ends
 * of a conversation and not the stops on the way:
 * - an IPv6 routing header with segments left: the final destination (RFC 8200 §8.1; see `ipv6-routing.ts`);
 * - an IPv4 loose or strict source route that is not used up: the last address of the route;
 * - a Home Address option in IPv6 destination options: the home address for the source (RFC 6275 §9.3.1, §11.3.1).
 *
 * Code that verifies, computes or corrects such a checksum calls these functions. They return offsets; −1 means that the address
 * cannot be found, because an option is malformed or there twice, or a routing header is of an unknown type. Such a packet passes
 * verification, and an edit of the address in its IP header leaves its checksum alone.
 *
 * All functions take `ip`, the offset of an IP header, `is6`, whether it is IPv6, and `l4`, the offset behind its options or extension
 * headers, all of which lie in between.
 */
import { sumWords } from './checksum.js'
import { IpProtocol } from './ip-protocol.js'
import { IPV4_LENGTH, Ipv4At, Ipv4Option } from './ipv4.js'
import { extensionLength } from './ipv6-extension.js'
import { Ipv6OptionType } from './ipv6-options.js'
import { finalDestinationAt } from './ipv6-routing.js'
import { IPV6_LENGTH, Ipv6At } from './ipv6.js'

/** Returns the offset of the source address of the pseudo header, or −1. */
export const pseudoSourceAt = (bytes: Uint8Array, is6: boolean, ip: number, l4: number): number => {
  if (!is6) return ip + Ipv4At.SOURCE
  return l4 - ip === IPV6_LENGTH ? ip + Ipv6At.SOURCE : homeAddressAt(bytes, ip, l4)
}

/** Returns the offset of the destination address of the pseudo header, or −1. */
export const pseudoDestinationAt = (bytes: Uint8Array, is6: boolean, ip: number, l4: number): number => {
  if (is6) return l4 - ip === IPV6_LENGTH ? ip + Ipv6At.DESTINATION : finalDestinationAt(bytes, ip, l4)
  return l4 - ip === IPV4_LENGTH ? ip + Ipv4At.DESTINATION : routeEndAt(bytes, ip, l4)
}

/** Returns whether the source address in the IP header is that of the pseudo header. */
export const isPseudoSource = (bytes: Uint8Array, is6: boolean, ip: number, l4: number): boolean =>
  pseudoSourceAt(bytes, is6, ip, l4) === ip + (is6 ? Ipv6At.SOURCE : Ipv4At.SOURCE)

/** Returns whether the destination address in the IP header is that of the pseudo header. */
export const isPseudoDestination = (bytes: Uint8Array, is6: boolean, ip: number, l4: number): boolean =>
  pseudoDestinationAt(bytes, is6, ip, l4) === ip + (is6 ? Ipv6At.DESTINATION : Ipv4At.DESTINATION)

/** Returns the unfolded sum of the addresses of the pseudo header. For one that cannot be found the address in the IP header counts. */
export const pseudoAddressSum = (bytes: Uint8Array, is6: boolean, ip: number, l4: number): number => {
  const source = pseudoSourceAt(bytes, is6, ip, l4)
  const destination = pseudoDestinationAt(bytes, is6, ip, l4)
  const from = source < 0 ? ip + (is6 ? Ipv6At.SOURCE : Ipv4At.SOURCE) : source
  const to = destination < 0 ? ip + (is6 ? Ipv6At.DESTINATION : Ipv4At.DESTINATION) : destination
  const size = is6 ? 16 : 4
  return sumWords(bytes, to, to + size, sumWords(bytes, from, from + size))
}

/**
 * Returns the unfolded sum of the whole pseudo header: addresses, `protocol`, and `length`, the bytes of the transport header and its
 * data.
 */
export const pseudoHeaderSum = (bytes: Uint8Array, is6: boolean, ip: number, l4: number, protocol: number, length: number): number =>
  pseudoAddressSum(bytes, is6, ip, l4) + protocol + (length & 0xffff) + (length >>> 16)

/** Returns the offset of the last address of the source route that has hops left; there can be one (RFC 791 §3.1). Else that of the header's destination. */
const routeEndAt = (bytes: Uint8Array, ip: number, l4: number): number => {
  let routes = 0
  let final = ip + Ipv4At.DESTINATION
  for (let at = ip + IPV4_LENGTH; at < l4 && bytes[at] !== Ipv4Option.End; ) {
    if (bytes[at] === Ipv4Option.NoOperation) {
      at++
      continue
    }
    const length = at + 1 < l4 ? bytes[at + 1]! : 0
    // An option that cannot be read, and all behind it, is ignored.
    if (length < 2 || at + length > l4) return final
    if (bytes[at] === Ipv4Option.LooseRoute || bytes[at] === Ipv4Option.StrictRoute) {
      if (++routes > 1 || length < 3) return -1
      // Counted from 1: used up is a route whose pointer lies behind the option.
      const pointer = bytes[at + 2]!
      if (pointer <= length) {
        if (length % 4 !== 3 || pointer % 4 !== 0 || pointer < 4) return -1
        final = at + length - 4
      }
    }
    at += length
  }
  return final
}

/** Returns the offset of the address in the Home Address option, that of the header's source if there is none, or −1. */
const homeAddressAt = (bytes: Uint8Array, ip: number, l4: number): number => {
  let home = ip + Ipv6At.SOURCE
  let protocol = bytes[ip + Ipv6At.NEXT_HEADER]!
  for (let at = ip + IPV6_LENGTH; at < l4 && home >= 0; ) {
    const next = at + extensionLength(bytes, at, protocol)
    if (protocol === IpProtocol.Destination) home = homeAddressIn(bytes, at + 2, next, ip + Ipv6At.SOURCE, home)
    protocol = bytes[at]!
    at = next
  }
  return home
}

/** Searches the options in `from .. to`; `known` is the offset found before them, `none` the one that stands for nothing found. */
const homeAddressIn = (bytes: Uint8Array, from: number, to: number, none: number, known: number): number => {
  let home = known
  for (let at = from; at < to; ) {
    if (bytes[at] === Ipv6OptionType.Pad1) {
      at++
      continue
    }
    const size = 2 + (at + 1 < to ? bytes[at + 1]! : to)
    if (at + size > to) return home
    if (bytes[at] === Ipv6OptionType.HomeAddress) {
      if (home !== none || size !== 18) return -1
      home = at + 2
    }
    at += size
  }
  return home
}
