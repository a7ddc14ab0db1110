/**
 * Transpositions of metadata: what a frame's flow id becomes, without touching the frame.
 *
 * A walk carries the UFID from layer to layer: each layer matches the packet as the ones before left it, though its
 * bytes are rewritten only once, at the end. The law that makes this right: `transposeFlow` gives what `apply`, parsing and
 * extraction would give, but for those volatile words that need the frame's length (see {@link transposeFlow}).
 *
 * What differs from packet to packet does not decide about a flow: whether a TTL is used up and whether a mark of congestion is lost
 * is found out when the bytes are rewritten. Here such a TTL becomes 0, and such an ECN field 0.
 */
import { isEcho, isIcmp } from '../flow/field.js'
import { Shape, Word, WORDS } from '../flow/layout.js'
import type { IpAddress, Mac } from '../wire/address.js'
import { EtherType } from '../wire/ethernet.js'
import { L3, L4, MAX_GROUPS, QUOTE } from '../wire/frame-view.js'
import { IpProtocol } from '../wire/ip-protocol.js'
import { MAX_VLANS, type VlanTag } from '../wire/vlan.js'
import { ApplyCode } from './apply-code.js'
import { combineEcn } from './ecn.js'
import type { Changes, EcnValue, Edit, HeaderTransposition, Need, Push, Translation, Transposition, TtlValue, Value } from './header-transposition.js'
import { needBits, NeedBit, offerOfWords } from './need.js'
import { editNeed, isKeep } from './normal-form.js'
import { TUNNELS } from './reading.js'
import { translatedIcmp } from './translate/translate.js'
import { tagsLeft } from './vlan-edit.js'

/**
 * Applies `t` to the flow id of `depth` groups in `words`, in place. Returns the new depth, or a negated {@link ApplyCode} with `words`
 * unchanged: `-Invalid`, `-Shape`, `-TooDeep` or `-Untranslatable`.
 *
 * LENGTH_ID of a pushed or translated group is 0, and so is the length of a group around one whose tags or version changed, because the
 * frame's length is not part of a flow id; all other words are exact. Words behind the new depth are 0.
 */
export const transposeFlow = (t: HeaderTransposition, words: Uint32Array, depth: number): number => {
  if (t._tag === 'Invalid') return -ApplyCode.Invalid
  const refused = refusal(t, words, depth)
  if (refused !== ApplyCode.Ok) return -refused
  const pops = t.pop.length
  const pushes = t.push.length
  const result = depth - pops + pushes

  // Values are the original's: read before anything moves.
  const before = words.slice()
  const read = (set: Values): ReadValues => readValues(set, before, depth)
  for (let e = t.edit.length - 1; e >= 0; e--) {
    const edit = t.edit[e]!
    if (isKeep(edit)) continue
    editWords(edit, read(edit.set), words, (pops + e) * WORDS)
    if (edit.vlans === undefined && edit.translate === undefined) continue
    for (let g = pops; g < pops + e; g++) words[g * WORDS + Word.LENGTH_ID] = words[g * WORDS + Word.LENGTH_ID]! & 0xffff
  }
  if (typeof t.quote === 'object' && quoteShape(words) !== 0) {
    const translated = t.edit.find((e) => e.translate !== undefined)?.translate
    if (translated !== undefined) translateWords(translated, words, QUOTE * WORDS)
    editQuote(t.quote.set, words)
  }
  words.copyWithin(pushes * WORDS, pops * WORDS, depth * WORDS)
  words.fill(0, result * WORDS, QUOTE * WORDS)
  t.push.forEach((p, i) => { pushWords(p, read(p), words, i * WORDS) })
  return result
}

/** Why `t` does not fit, or `Ok`. */
const refusal = (t: Transposition, words: Uint32Array, depth: number): ApplyCode => {
  const pops = t.pop.length
  for (let g = 0; g < pops; g++) if (lacks(words, depth, g, t.pop[g]!, NeedBit.Tunnel)) return ApplyCode.Shape
  for (let e = 0; e < t.edit.length; e++) {
    const edit = t.edit[e]!
    if (!isKeep(edit) && lacks(words, depth, pops + e, editNeed(edit), 0)) return ApplyCode.Shape
  }
  if (quoteRefused(t, words)) return ApplyCode.Shape
  for (let e = 0; e < t.edit.length; e++) if (isUntranslatable(t.edit[e]!, words, (pops + e) * WORDS)) return ApplyCode.Untranslatable
  if (depth - pops + t.push.length > MAX_GROUPS) return ApplyCode.TooDeep
  const crowded = t.edit.some(({ vlans }, e) => vlans !== undefined && tagsLeft(vlans, tagCount(words, pops + e)) > MAX_VLANS)
  return crowded || t.push.some((p) => p.vlans.length > MAX_VLANS) ? ApplyCode.TooDeep : ApplyCode.Ok
}

const lacks = (words: Uint32Array, depth: number, g: number, need: Need, more: number): boolean =>
  g >= depth || ((needBits(need) | more) & ~offerOfWords(words, g)) !== 0 || (need.tags ?? 0) > tagCount(words, g)

const tagCount = (words: Uint32Array, g: number): number => (words[g * WORDS]! >>> Shape.VLANS_SHIFT) & Shape.PART_MASK

const quoteRefused = (t: Transposition, words: Uint32Array): boolean => {
  const shape = quoteShape(words)
  if (shape === 0 || t.quote === undefined) return false
  return t.quote === 'refused' || (t.quote.version !== undefined && t.quote.version !== versionOf(shape))
}

/** 0 where nothing is quoted, also in a buffer that has no room for it. */
const quoteShape = (words: Uint32Array): number => words[QUOTE * WORDS] ?? 0

const versionOf = (shape: number): 4 | 6 => ((shape & Shape.PART_MASK) === L3.Ipv6 ? 6 : 4)

const isUntranslatable = ({ translate }: Edit, words: Uint32Array, w: number): boolean =>
  translate !== undefined && isIcmp((words[w]! >>> Shape.L4_SHIFT) & Shape.PART_MASK) && icmpBehind(translate, words[w + Word.ICMP]!) < 0

/** Type and code of an ICMP message as a translation leaves them, or -1. */
const icmpBehind = ({ from, to }: Translation, typeCode: number): number => {
  const once = translatedIcmp(from, typeCode)
  return once < 0 || from !== to ? once : translatedIcmp(from === 4 ? 6 : 4, once)
}

type Values = Pick<Changes, 'dscp' | 'ecn' | 'ttl'>

/** Values of a frame, where they are set. */
interface ReadValues {
  readonly dscp: number
  readonly ecn: number
  readonly ttl: number
}

const readValues = ({ dscp = 0, ecn = 0, ttl = 0 }: Values, words: Uint32Array, depth: number): ReadValues =>
  ({ dscp: readDscp(dscp, words, depth), ecn: Math.max(0, readEcn(ecn, words, depth)), ttl: readTtl(ttl, words, depth) })

const readDscp = (value: Value, words: Uint32Array, depth: number): number =>
  typeof value === 'number' ? value : value.original < depth ? words[value.original * WORDS + Word.CLASS]! >>> 16 : 0

const readEcn = (value: EcnValue, words: Uint32Array, depth: number): number => {
  if (typeof value === 'number') return value
  if ('original' in value) return value.original < depth ? words[value.original * WORDS + Word.TTL_ECN]! & 3 : 0
  const outer = readEcn(value.outer, words, depth)
  const inner = readEcn(value.inner, words, depth)
  return outer < 0 || inner < 0 ? -1 : combineEcn(outer, inner)
}

const readTtl = (value: TtlValue, words: Uint32Array, depth: number): number =>
  typeof value === 'number' ? value : value.original < depth ? Math.max(0, (words[value.original * WORDS + Word.TTL_ECN]! >>> 8) - value.minus) : 0

const editWords = ({ vlans, translate, set }: Edit, read: ReadValues, words: Uint32Array, w: number): void => {
  if (vlans !== undefined) editTagWords(vlans.pop, vlans.push, words, w)
  if (translate !== undefined) translateWords(translate, words, w)
  if (set.dstMac !== undefined) putDstMac(set.dstMac, words, w)
  if (set.srcMac !== undefined) putSrcMac(set.srcMac, words, w)
  if (set.srcIp !== undefined) putIp(set.srcIp, words, w + Word.SRC_IP)
  if (set.dstIp !== undefined) putIp(set.dstIp, words, w + Word.DST_IP)
  if (set.dscp !== undefined) words[w + Word.CLASS] = (read.dscp << 16) | (words[w + Word.CLASS]! & 0xffff)
  const l3 = words[w]! & Shape.PART_MASK
  if (set.ecn !== undefined && (l3 === L3.Ipv4 || l3 === L3.Ipv6)) words[w + Word.TTL_ECN] = (words[w + Word.TTL_ECN]! & ~3) | read.ecn
  if (set.ttl !== undefined) words[w + Word.TTL_ECN] = (read.ttl << 8) | (words[w + Word.TTL_ECN]! & 0xff)
  if (set.vni !== undefined) words[w + Word.VNI] = set.vni
  if (set.srcPort !== undefined) words[w + Word.PORTS] = (set.srcPort << 16) | (words[w + Word.PORTS]! & 0xffff)
  if (set.dstPort !== undefined) words[w + Word.PORTS] = (words[w + Word.PORTS]! & 0xffff0000) | set.dstPort
  if (set.tcpFlags !== undefined) words[w + Word.CLASS] = (words[w + Word.CLASS]! & 0xffff0000) | set.tcpFlags
  if (set.icmpId !== undefined) words[w + Word.PORTS] = set.icmpId * 0x1_0001
  if (set.echo !== undefined) words[w + Word.ICMP] = (echoType(words[w]!, set.echo) << 8) | (words[w + Word.ICMP]! & 0xff)
  if (set.arpOperation !== undefined) words[w + Word.ICMP] = set.arpOperation
  if (set.arpSender !== undefined) putIp(set.arpSender, words, w + Word.SRC_IP)
  if (set.arpTarget !== undefined) putIp(set.arpTarget, words, w + Word.DST_IP)
}

/** Type of an echo message in the group of this shape. @see RFC 792; RFC 4443 §4 */
const echoType = (shape: number, echo: 'request' | 'reply'): number =>
  (shape & Shape.PART_MASK) === L3.Ipv4 ? (echo === 'request' ? 8 : 0) : echo === 'request' ? 128 : 129

const editTagWords = (pop: number | 'all', push: readonly VlanTag[], words: Uint32Array, w: number): void => {
  const shape = words[w]!
  const count = (shape >>> Shape.VLANS_SHIFT) & Shape.PART_MASK
  const service = (shape >>> Shape.STAGS_SHIFT) & Shape.PART_MASK
  const there = [words[w + Word.VLAN]! >>> 16, words[w + Word.VLAN]! & 0xffff].slice(0, count).map((tci, i) => ({ tci, service: (service >>> i) & 1 }))
  const tags = [
    ...push.map(({ tpid, pcp, dei, vid }) => ({ tci: (pcp << 13) | (dei ? 0x1000 : 0) | vid, service: tpid === EtherType.ServiceVlan ? 1 : 0 })),
    ...there.slice(pop === 'all' ? count : pop),
  ]
  const bits = tags.reduce((all, tag, i) => all | (tag.service << i), 0)
  words[w] = (shape & ~TAG_BITS) | (tags.length << Shape.VLANS_SHIFT) | (bits << Shape.STAGS_SHIFT)
  words[w + Word.VLAN] = ((tags[0]?.tci ?? 0) << 16) | (tags[1]?.tci ?? 0)
}

/** The bits of SHAPE that tell of tags. */
export const TAG_BITS = (Shape.PART_MASK << Shape.VLANS_SHIFT) | (Shape.PART_MASK << Shape.STAGS_SHIFT)

/** A group's words behind a translation; the addresses are set afterwards. */
const translateWords = (translation: Translation, words: Uint32Array, w: number): void => {
  const { to } = translation
  const l4 = (words[w]! >>> Shape.L4_SHIFT) & Shape.PART_MASK
  const proto = words[w + Word.PROTO]! & 0xff
  const icmp = proto === IpProtocol.Icmp || proto === IpProtocol.Icmpv6
  const kind = isIcmp(l4) ? (to === 4 ? L4.Icmp : L4.Icmpv6) : l4
  if (isIcmp(l4)) words[w + Word.ICMP] = icmpBehind(translation, words[w + Word.ICMP]!)
  words[w] = (words[w]! & ~0xff) | (to === 4 ? L3.Ipv4 : L3.Ipv6) | (kind << Shape.L4_SHIFT)
  words[w + Word.PROTO] = ((to === 4 ? EtherType.Ipv4 : EtherType.Ipv6) << 16) |
    (icmp && isIcmp(l4) ? (to === 4 ? IpProtocol.Icmp : IpProtocol.Icmpv6) : proto)
  words[w + Word.LENGTH_ID] = 0
}

/** What the quote does not have is left alone. */
const editQuote = (set: Changes, words: Uint32Array): void => {
  const w = QUOTE * WORDS
  const l4 = (words[w]! >>> Shape.L4_SHIFT) & Shape.PART_MASK
  if (set.srcIp !== undefined) putIp(set.srcIp, words, w + Word.SRC_IP)
  if (set.dstIp !== undefined) putIp(set.dstIp, words, w + Word.DST_IP)
  const ports = l4 === L4.Tcp || l4 === L4.Udp
  if (set.srcPort !== undefined && ports) words[w + Word.PORTS] = (set.srcPort << 16) | (words[w + Word.PORTS]! & 0xffff)
  if (set.dstPort !== undefined && ports) words[w + Word.PORTS] = (words[w + Word.PORTS]! & 0xffff0000) | set.dstPort
  if (set.icmpId !== undefined && isEcho(l4, words[w + Word.ICMP]! >>> 8)) words[w + Word.PORTS] = set.icmpId * 0x1_0001
}

/** The words that extraction would find in a pushed group; the stretch holds anything before. */
const pushWords = (p: Push, read: ReadValues, words: Uint32Array, w: number): void => {
  const is4 = p.srcIp.version === 4
  const { kind, l4 } = TUNNELS[p.tunnel]
  words.fill(0, w, w + WORDS)
  words[w + Word.SHAPE] = (is4 ? L3.Ipv4 : L3.Ipv6) | (l4 << Shape.L4_SHIFT) | (kind << Shape.TUNNEL_SHIFT)
  words[w + Word.PROTO] = ((is4 ? EtherType.Ipv4 : EtherType.Ipv6) << 16) | (l4 === L4.Udp ? IpProtocol.Udp : IpProtocol.Gre)
  if (l4 === L4.Udp) words[w + Word.PORTS] = (p.srcPort << 16) | p.dstPort
  putIp(p.srcIp, words, w + Word.SRC_IP)
  putIp(p.dstIp, words, w + Word.DST_IP)
  words[w + Word.VNI] = p.vni
  putDstMac(p.dstMac, words, w)
  putSrcMac(p.srcMac, words, w)
  editTagWords('all', p.vlans, words, w)
  words[w + Word.CLASS] = read.dscp << 16
  words[w + Word.TTL_ECN] = (read.ttl << 8) | read.ecn
}

const putDstMac = (mac: Mac, words: Uint32Array, w: number): void => {
  words[w + Word.MAC_0] = Math.floor(mac / 0x1_0000)
  words[w + Word.MAC_1] = ((mac % 0x1_0000) << 16) | (words[w + Word.MAC_1]! & 0xffff)
}

const putSrcMac = (mac: Mac, words: Uint32Array, w: number): void => {
  words[w + Word.MAC_1] = (words[w + Word.MAC_1]! & 0xffff0000) | Math.floor(mac / 0x1_0000_0000)
  words[w + Word.MAC_2] = mac % 0x1_0000_0000
}

const putIp = (ip: IpAddress, words: Uint32Array, at: number): void => {
  for (let i = 0; i < 4; i++) words[at + i] = ip.words[i]!
}
