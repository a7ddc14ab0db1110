/**
 * Where the words of a transposed flow id came from, so that a rule's look at a field that an earlier layer wrote is not
 * mistaken for a look at the packet, nor a look at a copied field for none.
 *
 * For each group of the current flow id the book says which group of the original it is, and which of its bits were
 * **written** since. A written bit is a constant or a value read from elsewhere in the original: of the latter the composed
 * transposition tells from where ({@link consultReads}). VLAN tags that were popped and pushed count as written, because doing
 * it looks at all the tags ({@link consultShape}).
 */
import { type Field, fieldBits, FIELDS } from '../flow/field.js'
import { FIRST_VOLATILE, Shape, UFID_WORDS, Word, WORDS } from '../flow/layout.js'
import { MAX_GROUPS, QUOTE } from '../wire/frame-view.js'
import { TAG_BITS } from './flow.js'
import type { Changes, EcnValue, Edit, Need, Transposition, TtlValue, Value } from './header-transposition.js'
import { needBits, NeedBit } from './need.js'
import { editNeed } from './normal-form.js'

/**
 * Brings the book of origins up to date with `t`, which must fit the flow it is kept for. `origin[g]` is the group of
 * the original frame that group `g` of the current one is, or -1 for pushed groups and those not there; `written` is a
 * mask, laid out like a UFID, of the bits that are not the original's own any more. Start with `0, 1, 2` and zeros.
 */
export const traceFlow = (t: Transposition, origin: Int8Array, written: Uint32Array): void => {
  const pops = t.pop.length
  const pushes = t.push.length
  t.edit.forEach((edit, e) => {
    if (pops + e < MAX_GROUPS) markEdit(edit, written, (pops + e) * WORDS)
  })
  if (typeof t.quote === 'object') markChanges(t.quote.set, written, QUOTE * WORDS)

  origin.copyWithin(pushes, pops)
  const quote = written.slice(QUOTE * WORDS)
  written.copyWithin(pushes * WORDS, pops * WORDS, QUOTE * WORDS)
  const staying = Math.max(0, MAX_GROUPS - pops)
  origin.fill(-1, Math.min(MAX_GROUPS, pushes + staying))
  origin.fill(-1, 0, Math.min(MAX_GROUPS, pushes))
  written.fill(0xffffffff, Math.min(UFID_WORDS, (pushes + staying) * WORDS))
  written.fill(0xffffffff, 0, Math.min(UFID_WORDS, pushes * WORDS))
  written.set(quote, QUOTE * WORDS)
}

/**
 * Adds to `consulted`, a mask over the original flow id, what looking at `mask` in the current one means for fields that were
 * set to values read from elsewhere; `soFar` is the composition of all that was done.
 */
export const consultReads = (soFar: Transposition, mask: Uint32Array, consulted: Uint32Array): void => {
  const reads = soFar.push.length + soFar.edit.length
  for (let g = 0; g < MAX_GROUPS && g < reads; g++) {
    const set: Pick<Changes, 'dscp' | 'ecn' | 'ttl'> | undefined = soFar.push[g] ?? soFar.edit[g - soFar.push.length]?.set
    if (set === undefined) continue
    const w = g * WORDS
    if ((mask[w + Word.CLASS]! & DSCP_BITS) !== 0) consultCopy(set.dscp, Word.CLASS, DSCP_BITS, consulted)
    if ((mask[w + Word.TTL_ECN]! & TTL_BITS) !== 0) consultCopy(set.ttl, Word.TTL_ECN, TTL_BITS, consulted)
    if ((mask[w + Word.TTL_ECN]! & ECN_BITS) !== 0) consultEcn(set.ecn, consulted)
  }
}

/**
 * Adds to `consulted`, a mask over the UFID that `t` is applied to, the bits that decide whether it fits and what comes of it: the
 * IP version of groups it needs one of, the type of ICMP messages it edits or translates, the tags it pops and pushes. All other
 * needs are met or not by what every lookup compares: which groups are tunnels, and the headers of the innermost one.
 */
export const consultShape = (t: Transposition, consulted: Uint32Array): void => {
  t.pop.forEach((need, g) => { consultNeed(need, g, consulted) })
  t.edit.forEach((edit, e) => {
    const g = t.pop.length + e
    consultNeed(editNeed(edit), g, consulted)
    if (g >= MAX_GROUPS) return
    if (edit.vlans !== undefined) look(g, TAG_BITS, 0, edit.vlans.pop === 'all' ? 0 : 0xffffffff, consulted)
    if (edit.translate !== undefined) look(g, Shape.PART_MASK, 0xffff, 0, consulted)
  })
}

const consultNeed = (need: Need, g: number, consulted: Uint32Array): void => {
  if (g >= MAX_GROUPS) return
  const bits = needBits(need)
  const version = (bits & (NeedBit.Ipv4 | NeedBit.Ipv6 | NeedBit.Arp)) !== 0
  look(g, (version ? Shape.PART_MASK << Shape.L3_SHIFT : 0) | (need.tags === undefined ? 0 : TAG_BITS), (bits & NeedBit.Echo) !== 0 ? ICMP_TYPE_BITS : 0, 0, consulted)
}

const look = (g: number, shape: number, icmp: number, vlan: number, consulted: Uint32Array): void => {
  const w = g * WORDS
  consulted[w] = consulted[w]! | shape
  consulted[w + Word.ICMP] = consulted[w + Word.ICMP]! | icmp
  consulted[w + Word.VLAN] = consulted[w + Word.VLAN]! | vlan
}

const consultCopy = (value: Value | TtlValue | undefined, word: number, bits: number, consulted: Uint32Array): void => {
  if (typeof value !== 'object' || value.original >= MAX_GROUPS) return
  const at = value.original * WORDS + word
  consulted[at] = consulted[at]! | bits
}

const consultEcn = (value: EcnValue | undefined, consulted: Uint32Array): void => {
  if (typeof value !== 'object') return
  if ('original' in value) {
    consultCopy(value, Word.TTL_ECN, ECN_BITS, consulted)
    return
  }
  consultEcn(value.outer, consulted)
  consultEcn(value.inner, consulted)
}

const markEdit = ({ vlans, translate, set }: Edit, written: Uint32Array, w: number): void => {
  markChanges(set, written, w)
  if (vlans !== undefined) {
    written[w] = written[w]! | TAG_BITS
    written[w + Word.VLAN] = 0xffffffff
  }
  if (translate === undefined) return
  written[w] = written[w]! | Shape.PART_MASK
  // EtherType; protocol, kind of transport and ICMP type were looked at when it was translated.
  written[w + Word.PROTO] = 0xffffffff
  written[w + Word.ICMP] = 0xffffffff
}

const markChanges = (set: Changes, written: Uint32Array, w: number): void => {
  for (const name of CHANGES) {
    if (set[name] === undefined) continue
    const field: Field = FIELDS[name]
    for (let i = 0; i < FIRST_VOLATILE + 1; i++) written[w + i] = written[w + i]! | fieldBits(field, i)
    // The identifier stands in both halves.
    if (name === 'icmpId') written[w + Word.PORTS] = 0xffffffff
  }
  if (set.echo !== undefined) written[w + Word.ICMP] = written[w + Word.ICMP]! | ICMP_TYPE_BITS
}

const CHANGES = [
  'dstMac', 'srcMac', 'srcIp', 'dstIp', 'dscp', 'ecn', 'ttl', 'srcPort', 'dstPort', 'tcpFlags', 'icmpId', 'vni', 'arpOperation', 'arpSender', 'arpTarget',
] as const
const DSCP_BITS = fieldBits(FIELDS.dscp, Word.CLASS)
const ECN_BITS = fieldBits(FIELDS.ecn, Word.TTL_ECN)
const TTL_BITS = fieldBits(FIELDS.ttl, Word.TTL_ECN)
const ICMP_TYPE_BITS = fieldBits(FIELDS.icmpType, Word.ICMP)
