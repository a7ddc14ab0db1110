/**
 * What a transposition says of the frame that another one leaves, said of the frame before it: half of composition.
 *
 * Behind `a`, groups 0 … m−1 are its pushes, and group m+j is the original's group p+j as a's edits left it. A need of a pushed
 * group is met or not, once and for all; a need of another is a need of the original, but that tags which `a` put there need
 * not have been there, that a translated header was of the other version, and that a TTL which `a` lowered must have been
 * higher. A value read from a pushed group is what was pushed; from another, what `a` set there or else what the original had.
 */
import { combined } from './ecn.js'
import type { Changes, EcnValue, Edit, Need, Push, Transposition, TtlValue, Value } from './header-transposition.js'
import { needBits, NeedBit, needOf, offer } from './need.js'
import { KEEP } from './normal-form.js'
import { tagsBefore } from './vlan-edit.js'
import { Frag, L3, L4, Tunnel } from '../wire/frame-view.js'

/** A need of one group of the original frame. */
export interface PlacedNeed {
  readonly group: number
  readonly need: Need
}

/** A need of group `i` behind `a` as needs of the original, none if every frame behind `a` meets it; or why none does. */
export const needBehind = (a: Transposition, need: Need, i: number): readonly PlacedNeed[] | string => {
  const pushed = a.push[i]
  if (pushed !== undefined) {
    const why = unmet(needBits(need), pushed)
    if (why !== undefined) return why
    if ((need.tags ?? 0) > pushed.vlans.length) return 'a pushed header has fewer VLAN tags'
    return need.hops === undefined ? [] : hopsBehind(pushed.ttl, need.hops)
  }
  const group = i - a.push.length + a.pop.length
  const edit = a.edit[i - a.push.length] ?? KEEP
  const tags = tagsBefore(edit.vlans, need.tags ?? 0)
  if (tags < 0) return 'there cannot be as many VLAN tags'
  const bits = bitsBefore(edit, needBits(need))
  if (typeof bits === 'string') return bits
  const hops = need.hops === undefined ? [] : hopsBehind(edit.set.ttl ?? { original: group, minus: 0 }, need.hops)
  return typeof hops === 'string' ? hops : [{ group, need: needOf(bits, tags) }, ...hops]
}

/** Values behind `a` in terms of the original. */
export const valuesBehind = (a: Transposition): {
  readonly dscp: (value: Value) => Value
  readonly ecn: (value: EcnValue) => EcnValue
  readonly ttl: (value: TtlValue) => TtlValue
  readonly changes: (set: Changes) => Changes
} => {
  const m = a.push.length
  const place = (i: number): number => i - m + a.pop.length
  const dscp = (value: Value): Value =>
    typeof value === 'number' ? value : a.push[value.original]?.dscp ?? a.edit[value.original - m]?.set.dscp ?? { original: place(value.original) }
  const ecn = (value: EcnValue): EcnValue => {
    if (typeof value === 'number') return value
    if ('outer' in value) return combined(ecn(value.outer), ecn(value.inner))
    return a.push[value.original]?.ecn ?? a.edit[value.original - m]?.set.ecn ?? { original: place(value.original) }
  }
  const ttl = (value: TtlValue): TtlValue => {
    if (typeof value === 'number') return value
    const base = a.push[value.original]?.ttl ?? a.edit[value.original - m]?.set.ttl ?? { original: place(value.original), minus: 0 }
    return typeof base === 'number' ? base - value.minus : { original: base.original, minus: base.minus + value.minus }
  }
  const changes = (set: Changes): Changes => ({
    ...set,
    ...(set.dscp !== undefined && { dscp: dscp(set.dscp) }),
    ...(set.ecn !== undefined && { ecn: ecn(set.ecn) }),
    ...(set.ttl !== undefined && { ttl: ttl(set.ttl) }),
  })
  return { dscp, ecn, ttl, changes }
}

const hopsBehind = (ttl: TtlValue, hops: number): readonly PlacedNeed[] | string => {
  if (typeof ttl !== 'number') return [{ group: ttl.original, need: needOf(0, 0, ttl.minus + hops) }]
  return ttl > hops ? [] : 'the TTL would be used up'
}

/** Atoms needed behind an edit as atoms needed before it. */
const bitsBefore = ({ translate }: Edit, bits: number): number | string => {
  if (translate === undefined) return bits
  const other = translate.to === 4 ? NeedBit.Ipv6 : NeedBit.Ipv4
  if ((bits & (other | NeedBit.Arp)) !== 0) return `a header translated to IPv${translate.to} is nothing else`
  return bits & ~(NeedBit.Ipv4 | NeedBit.Ipv6 | NeedBit.Ip)
}

/** Why a pushed group is not what these atoms ask for, or `undefined` if it is. */
const unmet = (bits: number, push: Push): string | undefined => {
  const { version } = push.srcIp
  const missing = bits & ~offer(version === 4 ? L3.Ipv4 : L3.Ipv6, TUNNELS[push.tunnel].l4, Frag.Whole, TUNNELS[push.tunnel].kind, 0)
  if (missing === 0) return undefined
  if ((missing & NeedBit.Echo) !== 0) return 'a pushed tunnel header has no ICMP echo identifier'
  if ((missing & NeedBit.Leaf) !== 0) return 'a pushed header is exchanged by pop and push, not translated'
  if ((missing & (NeedBit.UdpPlain | NeedBit.UdpVxlan | NeedBit.UdpGeneve)) !== 0) return 'the destination port of a pushed tunnel header is that of the tunnel'
  if ((missing & (NeedBit.Ports | NeedBit.Tcp)) !== 0) return `a pushed ${push.tunnel} header has no such ports`
  if ((missing & NeedBit.Vni) !== 0) return 'a pushed GRE header has no network identifier'
  return `a pushed IPv${version} header is ${(missing & NeedBit.Arp) !== 0 ? 'not ARP' : `not an IPv${version === 4 ? 6 : 4} one`}`
}

/** How each kind of pushed group parses. */
export const TUNNELS = {
  vxlan: { kind: Tunnel.Vxlan, l4: L4.Udp },
  nvgre: { kind: Tunnel.Nvgre, l4: L4.None },
  geneve: { kind: Tunnel.Geneve, l4: L4.Udp },
  gre: { kind: Tunnel.Gre, l4: L4.None },
} as const
