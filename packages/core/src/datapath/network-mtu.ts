/**
 * What the physical network takes at present, for all ports of a switch: the MTU of the link, which may change while frames pass, and
 * those of paths on which a router has refused a packet.
 *
 * A path's MTU is that of one destination of the outermost IP header. It holds for ten minutes, after which longer packets are
 * tried again, and an error only ever lowers it. IPv4 is not believed to be below 552 bytes nor IPv6 below 1280: what claims less is
 * a mistake or an attack. Nothing is read of packets here: that an error is about a packet which was really sent is for
 * whoever tells of it to know.
 *
 * Cost: a packet no longer than every known MTU costs one comparison. Of a longer one the destination is looked up, without allocation.
 * There are at most {@link MOST_PATHS} paths; one more replaces the one that was learnt of first.
 *
 * @see RFC 1191 §3, §6.3
 * @see RFC 8201 §4
 */
import type { Clock } from '../clock.js'
import type { IpAddress } from '../wire/address.js'
import { u32 } from '../wire/bytes.js'
import { Ipv4At } from '../wire/ipv4.js'
import { Ipv6At } from '../wire/ipv6.js'

/** Stands for a network that takes everything. */
export const UNLIMITED = 0x7fff_ffff

/** Paths whose MTU is known, at most. */
export const MOST_PATHS = 1_024

/** Microseconds for which the MTU of a path holds. @see RFC 1191 §6.3 */
export const PATH_MTU_US = 600_000_000

/** Least MTU of a path that is believed, by IP version: what Linux believes of IPv4; RFC 8200 §5. */
export const LEAST_PATH_MTU = { 4: 552, 6: 1_280 } as const

/** The MTU of one path. */
interface Path {
  readonly ip: IpAddress
  readonly mtu: number
  readonly sinceUs: number
}

/** The network as its ports see it. */
export class NetworkMtu {
  /** What the link was last said to take; bounds also ports that have an MTU of their own. */
  link = UNLIMITED
  /** What ports without an MTU of their own go by. */
  usual: number
  /** Least MTU of all paths. */
  leastPath = UNLIMITED
  readonly #clock: Clock
  /** By hash of the address, so that a look-up makes no text. Of two addresses with one hash the later one is kept. */
  readonly #paths = new Map<number, Path>()

  /** @param usual - MTU of ports without one of their own, in bytes */
  constructor(clock: Clock, usual: number = UNLIMITED) {
    this.#clock = clock
    this.usual = usual
  }

  /** The link takes packets of so many bytes from now on. */
  setLink(mtu: number): void {
    this.link = mtu
    this.usual = mtu
  }

  /** A router on the path said that it takes no more than `mtu` bytes; whether that lowers what is known. */
  learn(ip: IpAddress, mtu: number): boolean {
    if (ip.version === 6 && mtu < LEAST_PATH_MTU[6]) return false
    const believed = Math.max(mtu, LEAST_PATH_MTU[ip.version])
    const now = this.#clock.nowUs()
    const [a, b, c, d] = ip.words
    if (believed >= Math.min(this.usual, this.#find(ip.version, a, b, c, d))) return false
    const key = hashOf(a, b, c, d)
    // Behind all others: the order is that in which they were learnt of.
    this.#paths.delete(key)
    if (this.#paths.size >= MOST_PATHS) this.#paths.delete(this.#paths.keys().next().value ?? 0)
    this.#paths.set(key, { ip, mtu: believed, sinceUs: now })
    this.#measure()
    return true
  }

  /** MTU of the path to the destination of the IP header at `at`. */
  ofIpv4(bytes: Uint8Array, at: number): number {
    return this.#find(4, 0, 0, 0, u32(bytes, at + Ipv4At.DESTINATION))
  }

  /** MTU of the path to the destination of the IPv6 header at `at`. */
  ofIpv6(bytes: Uint8Array, at: number): number {
    const to = at + Ipv6At.DESTINATION
    return this.#find(6, u32(bytes, to), u32(bytes, to + 4), u32(bytes, to + 8), u32(bytes, to + 12))
  }

  #find(version: number, a: number, b: number, c: number, d: number): number {
    if (this.#paths.size === 0) return UNLIMITED
    const key = hashOf(a, b, c, d)
    const path = this.#paths.get(key)
    if (path?.ip.version !== version) return UNLIMITED
    const { words } = path.ip
    if (words[0] !== a || words[1] !== b || words[2] !== c || words[3] !== d) return UNLIMITED
    if (this.#clock.nowUs() - path.sinceUs < PATH_MTU_US) return path.mtu
    this.#paths.delete(key)
    this.#measure()
    return UNLIMITED
  }

  #measure(): void {
    let least = UNLIMITED
    for (const { mtu } of this.#paths.values()) least = Math.min(least, mtu)
    this.leastPath = least
  }
}

const hashOf = (a: number, b: number, c: number, d: number): number => {
  let h = Math.imul(a ^ (b >>> 7), 0x9e3779b1) ^ c
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b) ^ b ^ d
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 1
}
