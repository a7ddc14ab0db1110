/** What values the fields of a transposition may have. Each function returns what is wrong, as a sentence, or `undefined`. */
import type { IpAddress } from '../wire/address.js'
import type { VlanTag } from '../wire/vlan.js'
import type { Changes, EcnValue, Push, TtlValue, Value } from './header-transposition.js'

/** Greatest value of each numeric field. */
const LIMITS = {
  dstMac: 2 ** 48 - 1, srcMac: 2 ** 48 - 1, srcPort: 0xffff, dstPort: 0xffff, tcpFlags: 0x1ff, icmpId: 0xffff, vni: 0xffffff,
  arpOperation: 0xffff, arpSenderMac: 2 ** 48 - 1, arpTargetMac: 2 ** 48 - 1,
} as const
const LIMITED = Object.keys(LIMITS) as readonly (keyof typeof LIMITS)[]
const WORD = 0xffffffff
/** Groups a value can be read from: more than any frame has. */
const GROUPS = 255

/** What is wrong with changes, their addresses' versions aside. */
export const wrongChanges = (changes: Changes): string | undefined => {
  for (const name of LIMITED) {
    const value = changes[name]
    if (value !== undefined && !within(value, LIMITS[name])) return outOfRange(name, value, LIMITS[name])
  }
  for (const name of ['srcIp', 'dstIp', 'arpSender', 'arpTarget'] as const) {
    const why = changes[name] && wrongAddress(changes[name])
    if (why !== undefined) return why
  }
  if ((changes.arpSender ?? changes.arpTarget)?.version === 6 || changes.arpTarget?.version === 6) return 'ARP knows IPv4 addresses only'
  return (changes.dscp === undefined ? undefined : wrongDscp(changes.dscp)) ?? (changes.ecn === undefined ? undefined : wrongEcn(changes.ecn)) ??
    (changes.ttl === undefined ? undefined : wrongTtl(changes.ttl))
}

/** What is wrong with a group to push. */
export const wrongPush = (p: Push): string | undefined => {
  for (const name of ['dstMac', 'srcMac', 'srcPort', 'dstPort', 'vni'] as const) {
    if (!within(p[name], LIMITS[name])) return outOfRange(name, p[name], LIMITS[name])
  }
  const why = wrongDscp(p.dscp) ?? wrongEcn(p.ecn) ?? wrongTtl(p.ttl) ?? wrongTags(p.vlans) ?? wrongAddress(p.srcIp) ?? wrongAddress(p.dstIp)
  if (why !== undefined) return why
  if (p.srcIp.version !== p.dstIp.version) return 'source and destination addresses are of different IP versions'
  const inUdp = p.tunnel === 'vxlan' || p.tunnel === 'geneve'
  if (inUdp !== p.dstPort > 0) return inUdp ? 'a tunnel in UDP has a destination port from 1 to 65535, not 0' : `${p.tunnel} is not in UDP and has no destination port`
  if (p.tunnel === 'gre' && p.vni !== 0) return 'plain GRE has no network identifier: use NVGRE'
  return p.tunnel === 'geneve' ? wrongOptions(p.options) : p.options.length > 0 ? `${p.tunnel} has no options` : undefined
}

/** What is wrong with a list of VLAN tags. */
export const wrongTags = (tags: readonly VlanTag[]): string | undefined => {
  if (tags.length > 2) return `a header has at most two VLAN tags, not ${tags.length}`
  for (const { tpid, pcp, vid } of tags) {
    if (tpid !== 0x8100 && tpid !== 0x88a8) return `a VLAN tag's TPID is 0x8100 or 0x88a8, not 0x${tpid.toString(16)}`
    if (!within(pcp, 7)) return outOfRange('pcp', pcp, 7)
    if (!within(vid, 4095)) return outOfRange('vid', vid, 4095)
  }
  return undefined
}

/** What is wrong with how many tags are popped. */
export const wrongPop = (pop: number | 'all'): string | undefined => (pop === 'all' || within(pop, 2) ? undefined : `a header has at most two VLAN tags: ${pop} cannot be popped`)

const wrongDscp = (value: Value): string | undefined => (typeof value === 'number' ? (within(value, 63) ? undefined : outOfRange('dscp', value, 63)) : wrongGroup('dscp', value.original))

const wrongEcn = (value: EcnValue): string | undefined => {
  if (typeof value === 'number') return within(value, 3) ? undefined : outOfRange('ecn', value, 3)
  return 'original' in value ? wrongGroup('ecn', value.original) : wrongEcn(value.outer) ?? wrongEcn(value.inner)
}

const wrongTtl = (value: TtlValue): string | undefined => {
  if (typeof value === 'number') return within(value, 255) ? undefined : outOfRange('ttl', value, 255)
  return wrongGroup('ttl', value.original) ?? (within(value.minus, 255) ? undefined : outOfRange('what is taken from a ttl', value.minus, 255))
}

const wrongGroup = (name: string, group: number): string | undefined => (within(group, GROUPS) ? undefined : `${name} cannot be copied from group ${group}`)

/** Whole options, one behind the other. @see RFC 8926 §3.5 */
const wrongOptions = (options: Uint8Array): string | undefined => {
  if (options.length > 252 || options.length % 4 !== 0) return `Geneve options are a multiple of 4 up to 252 bytes, not ${options.length}`
  for (let at = 0; at < options.length; at += 4 + 4 * (options[at + 3]! & 0x1f)) {
    if (at + 4 + 4 * (options[at + 3]! & 0x1f) > options.length) return 'the last Geneve option is longer than the options'
  }
  return undefined
}

const wrongAddress = ({ version, words: [a, b, c, d] }: IpAddress): string | undefined => {
  if (!(within(a, WORD) && within(b, WORD) && within(c, WORD) && within(d, WORD))) return 'an IP address is four words of 32 bits'
  return version === 4 && (a | b | c) !== 0 ? 'an IPv4 address is in the last of its words' : undefined
}

const within = (value: number, limit: number): boolean => Number.isInteger(value) && value >= 0 && value <= limit

const outOfRange = (name: string, value: number, limit: number): string => `${name} is a number from 0 to ${limit}, not ${value}`
