/**
 * A transposition from one flow to another: the proof that the language is complete.
 *
 * Every tunnel of the first flow is popped, every tunnel of the second pushed; of the innermost group each field that differs is set,
 * its tags are exchanged, its IP header translated where the versions differ. What a transposition cannot do is make one
 * transport protocol of another: headers change, what they carry does not, and a TCP stream in UDP datagrams would be no UDP
 * (VFP table 1: transport headers are not pushed or popped).
 *
 * @see VFP §6.1.2: "any valid flow can be transformed into any other valid flow by one HT"
 */
import { left, type Either, right } from 'fp-ts/lib/Either.js'
import { FIELDS, isEcho, isIcmp, readMac } from '../flow/field.js'
import { Shape, Word, WORDS } from '../flow/layout.js'
import { L3, L4, Tunnel } from '../wire/frame-view.js'
import { composeAll } from './compose.js'
import { modify, pop, push, translate, vlans } from './construct.js'
import { transposeFlow } from './flow.js'
import type { Changes, HeaderTransposition, Transposition } from './header-transposition.js'
import { isEchoRequest, readIp, readTags, tunnelOf } from './read-flow.js'
import { sameTags } from './vlan-edit.js'

/** The error of `transpositionBetween`: no transposition makes the one flow of the other. */
export interface Unreachable {
  readonly _tag: 'Unreachable'
  /** What stands against it, as a sentence. */
  readonly reason: string
}

/** A flow id: the words that `extractFlow` writes, and the number of header groups in them. */
export interface FlowWords {
  /** Words of the flow id, as long as `makeUfid()` makes them; volatile words do not matter. */
  readonly words: Uint32Array
  /** Number of header groups, 1–3, outermost first. */
  readonly depth: number
}

/**
 * Returns a transposition that makes frames of flow `to` from frames of flow `from`: tunnels, tags, addresses, ports, identifiers, DSCP,
 * ECN, TTL and TCP flags. Lengths, identifications and sequence numbers stay the packet's own.
 *
 * Fails with `Unreachable` where the innermost headers are of different kinds, as TCP and UDP, or where `to` is not a valid flow, as one
 * with the port of a tunnel and no tunnel behind it.
 */
export const transpositionBetween = (from: FlowWords, to: FlowWords): Either<Unreachable, Transposition> => {
  const inner = innermost(from, to)
  if (typeof inner === 'string') return unreachable(inner)
  const pushes: HeaderTransposition[] = []
  for (let g = to.depth - 2; g >= 0; g--) pushes.push(pushGroup(to.words, g))
  const t = composeAll([pop(from.depth - 1), inner, ...pushes])
  if (t._tag === 'Invalid') return unreachable(t.reason)
  const scratch = from.words.slice()
  return transposeFlow(t, scratch, from.depth) === to.depth ? right(t) : unreachable('the first flow is not what its own headers say')
}

const unreachable = (reason: string): Either<Unreachable, never> => left({ _tag: 'Unreachable', reason })

/** The edit of the innermost group, which is the outermost one when it is made; or why there is none. */
const innermost = (from: FlowWords, to: FlowWords): HeaderTransposition | string => {
  const a = from.words.subarray((from.depth - 1) * WORDS)
  const b = to.words.subarray((to.depth - 1) * WORDS)
  const l3 = a[0]! & Shape.PART_MASK
  const other = b[0]! & Shape.PART_MASK
  const tags = readTags(b, 0)
  const tagged = sameTags(readTags(a, 0), tags) ? [] : [vlans({ pop: 'all', push: tags })]
  if (isIp(l3) !== isIp(other) || (!isIp(l3) && l3 !== other)) return 'one flow is IP and the other is not'
  if (!isIp(l3)) {
    if (a[Word.PROTO] !== b[Word.PROTO]) return 'the EtherTypes differ, and neither is IP'
    return composeAll([...tagged, modify({ ...macs(a, b), ...(l3 === L3.Arp && arp(a, b)) })])
  }
  const why = differentTransport(a, b)
  if (why !== undefined) return why
  const changes: Changes = { ...macs(a, b), ...classes(a, b), ...transport(a, b) }
  const srcIp = readIp(b, 0, Word.SRC_IP)
  const dstIp = readIp(b, 0, Word.DST_IP)
  const moved = l3 === other
    ? modify({ ...changes, ...(differs(a, b, Word.SRC_IP, 4) && { srcIp }), ...(differs(a, b, Word.DST_IP, 4) && { dstIp }) })
    : translate({ from: l3 === L3.Ipv4 ? 4 : 6, to: l3 === L3.Ipv4 ? 6 : 4 }, { ...changes, srcIp, dstIp })
  return composeAll([...tagged, moved])
}

const isIp = (l3: number): boolean => l3 === L3.Ipv4 || l3 === L3.Ipv6

const l4Of = (words: Uint32Array): number => (words[0]! >>> Shape.L4_SHIFT) & Shape.PART_MASK

const differentTransport = (a: Uint32Array, b: Uint32Array): string | undefined => {
  const FRAGMENT = Shape.PART_MASK << Shape.FRAG_SHIFT
  if (((a[0]! ^ b[0]!) & FRAGMENT) !== 0) return 'the flows are of different places in a fragmented datagram'
  if (((b[0]! >>> Shape.TUNNEL_SHIFT) & Shape.PART_MASK) !== Tunnel.None) return 'the innermost group of the second flow is a tunnel'
  const icmp = isIcmp(l4Of(a))
  if (icmp !== isIcmp(l4Of(b)) || (!icmp && (l4Of(a) !== l4Of(b) || (a[Word.PROTO]! & 0xff) !== (b[Word.PROTO]! & 0xff)))) return 'the transport protocols differ'
  const echo = (words: Uint32Array): boolean => isEcho(l4Of(words), words[Word.ICMP]! >>> 8)
  if (!icmp || (echo(a) && echo(b) && ((a[Word.ICMP]! ^ b[Word.ICMP]!) & 0xff) === 0)) return undefined
  // Beyond echo, messages are not made of one another; a translation keeps what they say.
  return l4Of(a) === l4Of(b) ? (a[Word.ICMP] === b[Word.ICMP] ? undefined : 'the ICMP messages differ') : 'only echo messages are taken from ICMP to ICMPv6'
}

const differs = (a: Uint32Array, b: Uint32Array, word: number, words = 1): boolean => {
  for (let i = word; i < word + words; i++) if (a[i] !== b[i]) return true
  return false
}

const macs = (a: Uint32Array, b: Uint32Array): Changes => {
  const dstMac = readMac(FIELDS.dstMac, b, 0)
  const srcMac = readMac(FIELDS.srcMac, b, 0)
  return { ...(readMac(FIELDS.dstMac, a, 0) !== dstMac && { dstMac }), ...(readMac(FIELDS.srcMac, a, 0) !== srcMac && { srcMac }) }
}

const classes = (a: Uint32Array, b: Uint32Array): Changes => {
  const dscp = b[Word.CLASS]! >>> 16
  const ttl = (b[Word.TTL_ECN]! >>> 8) & 0xff
  const ecn = b[Word.TTL_ECN]! & 3
  return {
    ...(a[Word.CLASS]! >>> 16 !== dscp && { dscp }),
    ...(((a[Word.TTL_ECN]! >>> 8) & 0xff) !== ttl && { ttl }),
    ...((a[Word.TTL_ECN]! & 3) !== ecn && { ecn }),
  }
}

const transport = (a: Uint32Array, b: Uint32Array): Changes => {
  const l4 = l4Of(b)
  const ports = b[Word.PORTS]!
  const changed = a[Word.PORTS]! ^ ports
  if (isIcmp(l4)) {
    if (!isEcho(l4, b[Word.ICMP]! >>> 8)) return {}
    return { ...(changed !== 0 && { icmpId: ports >>> 16 }), ...(isEchoRequest(a, 0) !== isEchoRequest(b, 0) && { echo: isEchoRequest(b, 0) ? 'request' : 'reply' }) }
  }
  if (l4 !== L4.Tcp && l4 !== L4.Udp) return {}
  const flags = b[Word.CLASS]! & 0x1ff
  return {
    ...(changed >>> 16 !== 0 && { srcPort: ports >>> 16 }),
    ...((changed & 0xffff) !== 0 && { dstPort: ports & 0xffff }),
    ...(l4 === L4.Tcp && (a[Word.CLASS]! & 0x1ff) !== flags && { tcpFlags: flags }),
  }
}

const arp = (a: Uint32Array, b: Uint32Array): Changes => ({
  ...(a[Word.ICMP] !== b[Word.ICMP] && { arpOperation: b[Word.ICMP]! }),
  ...(differs(a, b, Word.SRC_IP, 4) && { arpSender: readIp(b, 0, Word.SRC_IP) }),
  ...(differs(a, b, Word.DST_IP, 4) && { arpTarget: readIp(b, 0, Word.DST_IP) }),
})

const pushGroup = (words: Uint32Array, g: number): HeaderTransposition => {
  const w = g * WORDS
  return push({
    dstMac: readMac(FIELDS.dstMac, words, g),
    srcMac: readMac(FIELDS.srcMac, words, g),
    vlans: readTags(words, g),
    srcIp: readIp(words, g, Word.SRC_IP),
    dstIp: readIp(words, g, Word.DST_IP),
    dscp: words[w + Word.CLASS]! >>> 16,
    ecn: words[w + Word.TTL_ECN]! & 3,
    ttl: (words[w + Word.TTL_ECN]! >>> 8) & 0xff,
    srcPort: words[w + Word.PORTS]! >>> 16,
    dstPort: words[w + Word.PORTS]! & 0xffff,
    tunnel: tunnelOf(words, g),
    vni: words[w + Word.VNI]!,
  })
}

