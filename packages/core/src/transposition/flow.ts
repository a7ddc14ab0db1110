/**
 * Transpositions of metadata: what a frame's flow id becomes, without touching the frame.
 *
 * A walk carries the UFID from layer to layer: each layer matches the packet as the ones before left it, though its
 * bytes are rewritten only once, at the end. The law that makes this right: `transposeFlow` gives what `apply`, parsing and
 * extraction would give, but for those volatile words that need the frame's length (see {@link transposeFlow}).
 *
 * `traceFlow` keeps book of where the words of such a UFID came from, so that a rule's look at a field that an earlier
 * layer wrote is not mistaken for a look at the packet.
 */
import { FIELDS, fieldBits, type Field } from '../flow/field.js'
import { FIRST_VOLATILE, Shape, UFID_WORDS, Word, WORDS } from '../flow/layout.js'
import type { IpAddress, Mac } from '../wire/address.js'
import { EtherType } from '../wire/ethernet.js'
import { L3, L4, MAX_GROUPS, Tunnel } from '../wire/frame-view.js'
import { IpProtocol } from '../wire/ip-protocol.js'
import { UdpPort } from '../wire/udp.js'
import { ApplyCode } from './apply-code.js'
import type { Changes, HeaderTransposition, Push, Transposition, Value } from './header-transposition.js'
import { needBits, NeedBit, offerOfWords } from './need.js'
import { editBits, isKeep } from './normal-form.js'

/**
 * Applies `t` to the UFID of `depth` groups in `words`, in place. Answers the new depth, or a negated
 * {@link ApplyCode} with `words` unchanged: `-Invalid`, `-Shape` or `-TooDeep`.
 *
 * Of a pushed group, LENGTH_ID is 0, because the frame's length is not part of a UFID; all other words are exact.
 * Words behind the new depth are 0.
 */
export const transposeFlow = (t: HeaderTransposition, words: Uint32Array, depth: number): number => {
  if (t._tag === 'Invalid') return -ApplyCode.Invalid
  const pops = t.pop.length
  for (let g = 0; g < pops; g++) if (lacks(words, depth, g, needBits(t.pop[g]!) | NeedBit.Tunnel)) return -ApplyCode.Shape
  for (let e = 0; e < t.edit.length; e++) {
    const edit = t.edit[e]!
    if (!isKeep(edit) && lacks(words, depth, pops + e, editBits(edit))) return -ApplyCode.Shape
  }
  const pushes = t.push.length
  const result = depth - pops + pushes
  if (result > MAX_GROUPS) return -ApplyCode.TooDeep

  // Copied values are the original's: read before anything moves.
  const classes = t.push.map((p) => ({ dscp: readDscp(p.dscp, words, depth), ecn: readEcn(p.ecn, words, depth) }))
  t.edit.forEach((edit, e) => editWords(edit.set, words, (pops + e) * WORDS))
  words.copyWithin(pushes * WORDS, pops * WORDS, depth * WORDS)
  words.fill(0, result * WORDS)
  t.push.forEach((p, i) => pushWords(p, classes[i]!.dscp, classes[i]!.ecn, words, i * WORDS))
  return result
}

/**
 * Brings the book of origins up to date with `t`, which must fit the flow it is kept for. `origin[g]` is the group of
 * the original frame that group `g` of the current one is, or -1 for pushed groups and those not there; `written` is a
 * mask, laid out like a UFID, of the bits that no longer depend on the original frame. Start with `0, 1, 2` and zeros.
 *
 * In a pushed group all bits are written but DSCP and ECN where they are copied; which group of the original they then
 * are copied from, the composed transposition says (`push[g].dscp`).
 */
export const traceFlow = (t: Transposition, origin: Int8Array, written: Uint32Array): void => {
  const pops = t.pop.length
  const pushes = t.push.length
  // A copy of a constant is a constant. Copies are of the frame before this transposition: asked before its edits.
  const classes = t.push.map((p) => (isWritten(p.dscp, DSCP_BITS, Word.CLASS, written) ? DSCP_BITS : 0))
  const ecns = t.push.map((p) => (isWritten(p.ecn, ECN_BITS, Word.TTL_ECN, written) ? ECN_BITS : 0))
  t.edit.forEach((edit, e) => {
    if (pops + e < MAX_GROUPS) markChanges(edit.set, written, (pops + e) * WORDS)
  })

  origin.copyWithin(pushes, pops)
  written.copyWithin(pushes * WORDS, pops * WORDS)
  const staying = Math.max(0, MAX_GROUPS - pops)
  origin.fill(-1, Math.min(MAX_GROUPS, pushes + staying))
  written.fill(0xffffffff, Math.min(UFID_WORDS, (pushes + staying) * WORDS))
  for (let i = 0; i < pushes && i < MAX_GROUPS; i++) {
    const w = i * WORDS
    origin[i] = -1
    written.fill(0xffffffff, w, w + WORDS)
    written[w + Word.CLASS] = (~DSCP_BITS | classes[i]!) >>> 0
    written[w + Word.TTL_ECN] = (~ECN_BITS | ecns[i]!) >>> 0
  }
}

/**
 * Adds to `consulted`, a mask over the UFID that `t` is applied to, the bits that decide whether it fits: the IP version
 * of groups it needs one of, and the type of ICMP messages whose echo identifier it edits. All other needs are met or not
 * by what every lookup compares: which groups are tunnels, and the headers of the innermost one.
 */
export const consultShape = (t: Transposition, consulted: Uint32Array): void => {
  const look = (g: number, bits: number): void => {
    const w = g * WORDS
    if (w >= UFID_WORDS) return
    if ((bits & (NeedBit.Ipv4 | NeedBit.Ipv6)) !== 0) consulted[w] = consulted[w]! | (Shape.PART_MASK << Shape.L3_SHIFT)
    if ((bits & NeedBit.Echo) !== 0) consulted[w + Word.ICMP] = consulted[w + Word.ICMP]! | ICMP_TYPE_BITS
  }
  t.pop.forEach((need, g) => { look(g, needBits(need)) })
  t.edit.forEach((edit, e) => { look(t.pop.length + e, editBits(edit)) })
}

const lacks = (words: Uint32Array, depth: number, g: number, need: number): boolean =>
  g >= depth || (need & ~offerOfWords(words, g)) !== 0

const readDscp = (value: Value, words: Uint32Array, depth: number): number =>
  typeof value === 'number' ? value : value.original < depth ? words[value.original * WORDS + Word.CLASS]! >>> 16 : 0

const readEcn = (value: Value, words: Uint32Array, depth: number): number =>
  typeof value === 'number' ? value : value.original < depth ? words[value.original * WORDS + Word.TTL_ECN]! & 3 : 0

const editWords = (set: Changes, words: Uint32Array, w: number): void => {
  if (set.dstMac !== undefined) putDstMac(set.dstMac, words, w)
  if (set.srcMac !== undefined) putSrcMac(set.srcMac, words, w)
  if (set.srcIp !== undefined) putIp(set.srcIp, words, w + Word.SRC_IP)
  if (set.dstIp !== undefined) putIp(set.dstIp, words, w + Word.DST_IP)
  if (set.dscp !== undefined) words[w + Word.CLASS] = (set.dscp << 16) | (words[w + Word.CLASS]! & 0xffff)
  if (set.ecn !== undefined) words[w + Word.TTL_ECN] = (words[w + Word.TTL_ECN]! & ~3) | set.ecn
  if (set.ttl !== undefined) words[w + Word.TTL_ECN] = (set.ttl << 8) | (words[w + Word.TTL_ECN]! & 0xff)
  if (set.vni !== undefined) words[w + Word.VNI] = set.vni
  if (set.srcPort !== undefined) words[w + Word.PORTS] = (set.srcPort << 16) | (words[w + Word.PORTS]! & 0xffff)
  if (set.dstPort !== undefined) words[w + Word.PORTS] = (words[w + Word.PORTS]! & 0xffff0000) | set.dstPort
  if (set.icmpId !== undefined) words[w + Word.PORTS] = set.icmpId * 0x1_0001
}

/** The words that extraction would find in a pushed group; the stretch holds anything before. */
const pushWords = (p: Push, dscp: number, ecn: number, words: Uint32Array, w: number): void => {
  const is4 = p.srcIp.version === 4
  words.fill(0, w, w + WORDS)
  words[w + Word.SHAPE] = (is4 ? L3.Ipv4 : L3.Ipv6) | (L4.Udp << Shape.L4_SHIFT) | (Tunnel.Vxlan << Shape.TUNNEL_SHIFT)
  words[w + Word.PROTO] = ((is4 ? EtherType.Ipv4 : EtherType.Ipv6) << 16) | IpProtocol.Udp
  words[w + Word.PORTS] = (p.srcPort << 16) | UdpPort.Vxlan
  putIp(p.srcIp, words, w + Word.SRC_IP)
  putIp(p.dstIp, words, w + Word.DST_IP)
  words[w + Word.VNI] = p.vni
  putDstMac(p.dstMac, words, w)
  putSrcMac(p.srcMac, words, w)
  words[w + Word.CLASS] = dscp << 16
  words[w + Word.TTL_ECN] = (p.ttl << 8) | ecn
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

const markChanges = (set: Changes, written: Uint32Array, w: number): void => {
  for (const name of CHANGES) {
    if (set[name] === undefined) continue
    const field: Field = FIELDS[name]
    for (let i = 0; i < FIRST_VOLATILE + 1; i++) written[w + i] = written[w + i]! | fieldBits(field, i)
    // The identifier stands in both halves.
    if (name === 'icmpId') written[w + Word.PORTS] = 0xffffffff
  }
}

const isWritten = (value: Value, bits: number, word: number, written: Uint32Array): boolean =>
  typeof value === 'number' || value.original >= MAX_GROUPS || (~written[value.original * WORDS + word]! & bits) === 0

const CHANGES = ['dstMac', 'srcMac', 'srcIp', 'dstIp', 'dscp', 'ecn', 'ttl', 'srcPort', 'dstPort', 'icmpId', 'vni'] as const
const DSCP_BITS = fieldBits(FIELDS.dscp, Word.CLASS)
const ECN_BITS = fieldBits(FIELDS.ecn, Word.TTL_ECN)
const ICMP_TYPE_BITS = fieldBits(FIELDS.icmpType, Word.ICMP)
