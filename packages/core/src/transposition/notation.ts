/**
 * The notation of transpositions: a short text for people. `notation-parse.ts` reads it back, `notation-json.ts` writes the same as JSON.
 *
 * ```text
 * identity
 * invalid: one header group cannot be both IPv4 and IPv6
 * pop; 0: dstIp=10.0.0.5 dstPort=8080
 * push vxlan(vni=5001 192.0.2.1>192.0.2.2 00:15:5d:00:00:01>00:15:5d:00:00:02 sport=49152 dscp=copy ecn=copy ttl=64)
 * pop[ipv6]; 1: [udp:none] srcPort=7
 * pop; 0: ecn=combine(0,1) ttl=ttl(1)-1
 * 0: vlans -1 +8100:100:3 translate 4>6 srcIp=64:ff9b::a00:4 dstIp=2001:db8::1; quote: refused
 * ```
 *
 * ```text
 * text    = 'identity' | 'invalid: ' reason | part { '; ' part }
 * part    = 'pop' [need] | group ': ' edit | 'quote: ' ('refused' | [need ' '] fields) | 'guard ' combine | 'push ' kind '(' push ')'
 * edit    = [need] ['vlans' ['-' ('1'|'2'|'all')] {'+' tag}] ['translate' from '>' to] {field '=' value}   with spaces between
 * need    = '[' words ']': ipv4 ipv6 ip arp, ports tcp echo, tunnel vni, leaf, udp:(vxlan|geneve|plain|none), tags:n, hops:n
 * tag     = tpid ':' vid ':' pcp [':dei']      the tpid in hexadecimal, the others in decimal
 * push    = ['vni=' n] srcIp '>' dstIp srcMac '>' dstMac ['vlans=' tag {',' tag}] ['sport=' n] ['dport=' n] 'dscp=' v 'ecn=' v 'ttl=' v ['options=' hex]
 * v       = n | 'copy' | 'copy(' group ')' | 'ttl(' group ')' ['-' n] | combine
 * combine = 'combine(' outer ',' inner ')'     each a group, whose field it is, or not-ect ect1 ect0 ce, or a combine
 * ```
 *
 * Parts come in the order of the grammar, which is that in which they act: one `pop` for each popped group, outermost first; the
 * edits of staying groups by number, 0 the outermost; one `push` for each pushed group, outermost first. Numbers inside values count
 * the groups of the original frame, popped ones too. What a group must be is in brackets, where it is more than what is done
 * implies; a guard is written where no value implies it. `copy` is the value of the outermost staying group. Since `;`, brackets
 * and `=` never occur inside a value, the text can be parsed without doubt; an invalid one is its reason to the end of the line.
 */
import { formatIp, formatMac, type IpAddress } from '../wire/address.js'
import type { VlanTag } from '../wire/vlan.js'
import { CHANGE_KINDS, CHANGE_NAMES, ECN_NAMES } from './change-fields.js'
import { standardPort } from './construct.js'
import { isGuarded, keepsNotEct } from './ecn.js'
import type { Changes, EcnCombination, EcnValue, Edit, HeaderTransposition, Need, Push, Transposition, TtlValue, Value } from './header-transposition.js'
import { joinNeeds, needOf } from './need.js'
import { combinationsOf, isIdentity, makeEdit } from './normal-form.js'

/**
 * Returns a transposition as one line of text, which `parseTransposition` reads back; total. The grammar, by example:
 *
 * | Text | Meaning |
 * |---|---|
 * | `identity` | nothing changes |
 * | `pop; 0: dstIp=10.0.0.5 dstPort=8080` | the outermost group is removed, then fields of the next one are set |
 * | `0: vlans -1 +8100:100:3` | one VLAN tag goes, one comes: TPID, VLAN and priority |
 * | `1: [udp:none] srcPort=7` | what a group must be stands in brackets, where it is more than what is done implies |
 * | `push vxlan(vni=… src>dst srcMac>dstMac sport=… dscp=copy ecn=copy ttl=64)` | a tunnel is put around the frame |
 * | `ecn=combine(0,1) ttl=ttl(1)-1` | values read from groups of the original frame |
 * | `invalid: …` | no frame passes, and why |
 */
export const format = (t: HeaderTransposition): string => {
  if (t._tag === 'Invalid') return `invalid: ${t.reason}`
  if (isIdentity(t)) return 'identity'
  const staying = t.pop.length
  const read = hopsRead(t)
  return [
    ...t.pop.map((need, g) => `pop${brackets(beyond(need, POPPED, read(g)))}`),
    ...t.edit.flatMap((edit, i) => {
      const text = formatEdit(edit, staying + i, read(staying + i))
      return text === '' ? [] : [`${i}: ${text}`]
    }),
    ...(t.quote === undefined ? [] : [formatQuote(t.quote)]),
    ...guardBeyond(t).map((combination) => `guard ${formatEcn(combination)}`),
    ...t.push.map((p) => formatPush(p, staying)),
  ].join('; ')
}

const POPPED: Need = { tunnel: true }

/** The hops that a group of the original needs because its TTL is read. */
const hopsRead = (t: Transposition): ((group: number) => Need) => {
  const hops = new Map<number, number>()
  for (const ttl of [...t.edit.map((e) => e.set.ttl), ...t.push.map((p) => p.ttl)]) {
    if (typeof ttl === 'object') hops.set(ttl.original, Math.max(ttl.minus, hops.get(ttl.original) ?? -1))
  }
  return (group) => needOf(0, 0, hops.get(group) ?? -1)
}

/** Combinations of the guard that values in use do not imply. */
const guardBeyond = (t: Transposition): readonly EcnCombination[] => {
  const said = [...t.edit.map((e) => e.set.ecn), ...t.push.map((p) => p.ecn)].flatMap(combinationsOf)
  const more: EcnCombination[] = []
  for (const combination of t.guard) if (!isGuarded([...said, ...more], combination)) more.push(combination)
  return more
}

const formatEdit = (edit: Edit, group: number, read: Need): string => {
  const { vlans, translate, set } = edit
  return [
    brackets(beyond(edit.need, implied(edit, group), read)),
    ...(vlans === undefined ? [] : ['vlans', ...(vlans.pop === 0 ? [] : [`-${vlans.pop}`]), ...vlans.push.map((tag) => `+${formatTag(tag)}`)]),
    ...(translate === undefined ? [] : [`translate ${translate.from}>${translate.to}`]),
    ...formatFields(set),
  ].filter((word) => word !== '').join(' ')
}

const formatQuote = (quote: NonNullable<Transposition['quote']>): string =>
  quote === 'refused' ? 'quote: refused' : `quote: ${[...(quote.version === undefined ? [] : [`[ipv${quote.version}]`]), ...formatFields(quote.set)].join(' ')}`

const formatFields = (set: Changes): readonly string[] =>
  CHANGE_NAMES.flatMap((name) => {
    const value = set[name]
    return value === undefined ? [] : [`${name}=${formatField(name, value)}`]
  })

const formatField = (name: keyof Changes, value: NonNullable<Changes[keyof Changes]>): string => {
  switch (CHANGE_KINDS[name]) {
    case 'mac': return formatMac(value as number)
    case 'ip': return formatIp(value as IpAddress)
    case 'dscp': return formatDscp(value as Value)
    case 'ecn': return formatEcn(value as EcnValue)
    case 'ttl': return formatTtl(value as TtlValue)
    case 'number': case 'echo': return typeof value === 'object' ? '' : String(value)
  }
}

const formatPush = (p: Push, staying: number): string =>
  `push ${p.tunnel}(${[
    ...(p.tunnel === 'gre' ? [] : [`vni=${p.vni}`]),
    `${formatIp(p.srcIp)}>${formatIp(p.dstIp)}`,
    `${formatMac(p.srcMac)}>${formatMac(p.dstMac)}`,
    ...(p.vlans.length === 0 ? [] : [`vlans=${p.vlans.map(formatTag).join(',')}`]),
    ...(p.tunnel === 'gre' ? [] : [`sport=${p.srcPort}`]),
    ...(p.dstPort === standardPort(p.tunnel) ? [] : [`dport=${p.dstPort}`]),
    `dscp=${formatDscp(p.dscp, staying)}`, `ecn=${formatEcn(p.ecn, staying)}`, `ttl=${formatTtl(p.ttl)}`,
    ...(p.options.length === 0 ? [] : [`options=${formatHex(p.options)}`]),
  ].join(' ')})`

const formatDscp = (value: Value, staying?: number): string => (typeof value === 'number' ? String(value) : formatCopy(value.original, staying))

const formatTtl = (value: TtlValue): string =>
  typeof value === 'number' ? String(value) : `ttl(${value.original})${value.minus === 0 ? '' : `-${value.minus}`}`

const formatEcn = (value: EcnValue, staying?: number): string => {
  if (typeof value === 'number') return String(value)
  return 'original' in value ? formatCopy(value.original, staying) : `combine(${formatOperand(value.outer)},${formatOperand(value.inner)})`
}

const formatOperand = (value: EcnValue): string =>
  typeof value === 'number' ? ECN_NAMES[value] ?? String(value) : 'original' in value ? String(value.original) : formatEcn(value)

const formatCopy = (group: number, staying: number | undefined): string => (group === staying ? 'copy' : `copy(${group})`)

const formatTag = ({ tpid, pcp, dei, vid }: VlanTag): string => `${tpid.toString(16)}:${vid}:${pcp}${dei ? ':dei' : ''}`

/** Returns bytes as hexadecimal digits. */
export const formatHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** What doing this to a group implies; the edits of a normal form never contradict themselves. */
const implied = (edit: Edit, group: number): Need => {
  const { ecn } = edit.set
  const bare = makeEdit(ecn === undefined || keepsNotEct(ecn, group) ? {} : { l3: 'ip' }, edit)
  return typeof bare === 'string' ? {} : bare.need
}

/** The part of a need that is not implied by two others. */
const beyond = (need: Need, one: Need, other: Need): Need => {
  const known = joined(one, other)
  return Object.fromEntries(Object.entries(joined(need, known)).filter(([name, value]) => known[name as keyof Need] !== value))
}

const joined = (a: Need, b: Need): Need => {
  const both = joinNeeds(a, b)
  return typeof both === 'string' ? a : both
}

/** `[ipv4 ports udp:none tags:1]`, or nothing. */
const brackets = (need: Need): string => {
  const words = [
    need.l3, need.l4, need.tunnel === true ? 'tunnel' : need.tunnel, need.leaf && 'leaf', need.udp && `udp:${need.udp}`,
    need.tags === undefined ? undefined : `tags:${need.tags}`, need.hops === undefined ? undefined : `hops:${need.hops}`,
  ].filter((word) => word !== undefined)
  return words.length === 0 ? '' : `[${words.join(' ')}]`
}
