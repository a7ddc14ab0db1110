/**
 * How transpositions read: a short text for people and a JSON form for programs, of the same content.
 *
 * ```text
 * identity
 * invalid: one header group cannot be both IPv4 and IPv6
 * pop; 0: dstIp=10.0.0.5 dstPort=8080
 * push vxlan(vni=5001 192.0.2.1>192.0.2.2 00:15:5d:00:00:01>00:15:5d:00:00:02 sport=49152 dscp=copy ecn=copy ttl=64)
 * pop[ipv6]; 1: [udp:none] srcPort=7
 * ```
 *
 * Parts are separated by `; ` and come in the order in which they act: one `pop` for each popped group, outermost first;
 * the edits of staying groups by number, 0 the outermost; one `push` for each pushed group, outermost first. What a
 * group must be is in brackets, where it is more than the fields set, or the pop, imply. `copy` is the value of the outermost
 * staying group of the original frame, `copy(n)` that of its group n. Since `;`, brackets and `=` never occur inside a
 * value, the text can be parsed without doubt; an invalid one is its reason to the end of the line.
 */
import { formatIp, formatMac, type IpAddress } from '../wire/address.js'
import type { Changes, Edit, HeaderTransposition, Need, Push, Value } from './header-transposition.js'
import { changesBits, needBits, NeedBit, needOf } from './need.js'
import { isIdentity, isKeep } from './normal-form.js'

/** Fields of a group as JSON: addresses are text. */
export type ChangesJson = { readonly [K in keyof Changes]: number | string }

/** A pushed group as JSON: addresses are text. */
export interface PushJson {
  readonly tunnel: 'vxlan'
  readonly vni: number
  readonly srcIp: string
  readonly dstIp: string
  readonly srcMac: string
  readonly dstMac: string
  readonly srcPort: number
  readonly dscp: Value
  readonly ecn: Value
  readonly ttl: number
}

/** A transposition as JSON. */
export type TranspositionJson =
  | { readonly invalid: string }
  | { readonly pop: readonly Need[]; readonly edit: readonly { readonly need: Need; readonly set: ChangesJson }[]; readonly push: readonly PushJson[] }

/** The short readable form; total. */
export const format = (t: HeaderTransposition): string => {
  if (t._tag === 'Invalid') return `invalid: ${t.reason}`
  if (isIdentity(t)) return 'identity'
  return [
    ...t.pop.map((need) => `pop${brackets(beyond(needBits(need), NeedBit.Tunnel))}`),
    ...t.edit.flatMap((edit, i) => (isKeep(edit) ? [] : [`${i}: ${formatEdit(edit)}`])),
    ...t.push.map((p) => formatPush(p, t.pop.length)),
  ].join('; ')
}

/** The JSON form; total, and of the same content as {@link format}. */
export const toJson = (t: HeaderTransposition): TranspositionJson =>
  t._tag === 'Invalid'
    ? { invalid: t.reason }
    : {
        pop: t.pop,
        edit: t.edit.map(({ need, set }) => ({
          need,
          set: Object.fromEntries(FIELDS.flatMap((name) => (set[name] === undefined ? [] : [[name, fieldJson(name, set[name])]]))),
        })),
        push: t.push.map((p) => ({
          tunnel: p.tunnel, vni: p.vni, srcIp: formatIp(p.srcIp), dstIp: formatIp(p.dstIp), srcMac: formatMac(p.srcMac), dstMac: formatMac(p.dstMac),
          srcPort: p.srcPort, dscp: p.dscp, ecn: p.ecn, ttl: p.ttl,
        })),
      }

const FIELDS = ['srcMac', 'dstMac', 'srcIp', 'dstIp', 'dscp', 'ecn', 'ttl', 'srcPort', 'dstPort', 'icmpId', 'vni'] as const

const formatEdit = ({ need, set }: Edit): string => {
  const fields = FIELDS.flatMap((name) => (set[name] === undefined ? [] : [`${name}=${fieldJson(name, set[name])}`]))
  const needs = brackets(beyond(needBits(need), changesBits(set)))
  return [...(needs === '' ? [] : [needs]), ...fields].join(' ')
}

const formatPush = (p: Push, outermostStaying: number): string => {
  const value = (v: Value): string => (typeof v === 'number' ? String(v) : v.original === outermostStaying ? 'copy' : `copy(${v.original})`)
  return `push vxlan(vni=${p.vni} ${formatIp(p.srcIp)}>${formatIp(p.dstIp)} ${formatMac(p.srcMac)}>${formatMac(p.dstMac)} ` +
    `sport=${p.srcPort} dscp=${value(p.dscp)} ecn=${value(p.ecn)} ttl=${p.ttl})`
}

const fieldJson = (name: keyof Changes, value: number | IpAddress): number | string =>
  typeof value === 'object' ? formatIp(value) : name === 'srcMac' || name === 'dstMac' ? formatMac(value) : value

/** The part of a need that is not implied by `known`. */
const beyond = (bits: number, known: number): Need => {
  const all = needOf(bits | known)
  const implied = needOf(known)
  return {
    ...(all.l3 !== implied.l3 && all.l3 !== undefined && { l3: all.l3 }),
    ...(all.l4 !== implied.l4 && all.l4 !== undefined && { l4: all.l4 }),
    ...(all.tunnel !== implied.tunnel && all.tunnel !== undefined && { tunnel: all.tunnel }),
    ...(all.udp !== implied.udp && all.udp !== undefined && { udp: all.udp }),
  }
}

/** `[ipv4 ports udp:none]`, or nothing. */
const brackets = (need: Need): string => {
  const words = [need.l3, need.l4, need.tunnel && 'tunnel', need.udp && `udp:${need.udp}`].filter((w) => w !== undefined)
  return words.length === 0 ? '' : `[${words.join(' ')}]`
}
