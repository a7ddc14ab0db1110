/**
 * The fields that conditions, actions and explanations can name: where each lies in a flow id, how wide it is,
 * which packets have it, and how its values read.
 *
 * @see VFP §5.3.1 and §6.1.1
 */
import { L3, L4, QUOTE, Tunnel } from '../wire/frame-view.js'
import { Shape, Word, WORDS } from './layout.js'

/** How the values of a field are written: as a number, a MAC address or an IP address. */
export type FieldKind = 'number' | 'mac' | 'ip'

/** Which header groups have a field: the SHAPE word tells, and for fields of ICMP messages their type. */
export type Presence =
  | 'always' | 'mac' | 'ip' | 'arp' | 'ports' | 'tcp' | 'icmp' | 'icmp-echo' | 'ndp' | 'tunnel' | 'vni' | 'vlan' | 'vlan2' | 'ipv4'

/** One parsed field of a header group. */
export interface Field {
  /** Name of the field in policies and explanations. */
  readonly name: FieldName
  /** How its values are written. */
  readonly kind: FieldKind
  /** Which header groups have it. */
  readonly presence: Presence
  /** Index of its (most significant) word inside a group. */
  readonly word: number
  /** Words it covers: 4 for IP addresses, 2 for MACs, 1 for numbers. */
  readonly words: 1 | 2 | 4
  /** Bits to the right of it in its word; 0 for MACs and addresses. */
  readonly shift: number
  /** Width in bits: 1–32 for numbers, 48 for MACs, 128 for addresses. */
  readonly bits: number
}

const field = <N extends string>(
  name: N, kind: FieldKind, presence: Presence, word: number, shift: number, bits: number, words: 1 | 2 | 4 = 1,
) => ({ name, kind, presence, word, words, shift, bits })

/** Every field by name. */
export const FIELDS = {
  dstMac: field('dstMac', 'mac', 'mac', Word.MAC_0, 0, 48, 2),
  srcMac: field('srcMac', 'mac', 'mac', Word.MAC_1, 0, 48, 2),
  etherType: field('etherType', 'number', 'always', Word.PROTO, 16, 16),
  vlanId: field('vlanId', 'number', 'vlan', Word.VLAN, 16, 12),
  vlanPriority: field('vlanPriority', 'number', 'vlan', Word.VLAN, 29, 3),
  innerVlanId: field('innerVlanId', 'number', 'vlan2', Word.VLAN, 0, 12),
  arpOperation: field('arpOperation', 'number', 'arp', Word.ICMP, 0, 16),
  arpSender: field('arpSender', 'ip', 'arp', Word.SRC_IP, 0, 128, 4),
  arpTarget: field('arpTarget', 'ip', 'arp', Word.DST_IP, 0, 128, 4),
  srcIp: field('srcIp', 'ip', 'ip', Word.SRC_IP, 0, 128, 4),
  dstIp: field('dstIp', 'ip', 'ip', Word.DST_IP, 0, 128, 4),
  proto: field('proto', 'number', 'ip', Word.PROTO, 0, 8),
  dscp: field('dscp', 'number', 'ip', Word.CLASS, 16, 6),
  ecn: field('ecn', 'number', 'ip', Word.TTL_ECN, 0, 2),
  routerAlert: field('routerAlert', 'number', 'ip', Word.TTL_ECN, 2, 1),
  ttl: field('ttl', 'number', 'ip', Word.TTL_ECN, 8, 8),
  ipLength: field('ipLength', 'number', 'ip', Word.LENGTH_ID, 16, 16),
  ipId: field('ipId', 'number', 'ipv4', Word.LENGTH_ID, 0, 16),
  fragment: field('fragment', 'number', 'ip', Word.SHAPE, Shape.FRAG_SHIFT, 4),
  srcPort: field('srcPort', 'number', 'ports', Word.PORTS, 16, 16),
  dstPort: field('dstPort', 'number', 'ports', Word.PORTS, 0, 16),
  tcpFlags: field('tcpFlags', 'number', 'tcp', Word.CLASS, 0, 9),
  tcpSeq: field('tcpSeq', 'number', 'tcp', Word.SEQ, 0, 32),
  tcpAck: field('tcpAck', 'number', 'tcp', Word.ACK, 0, 32),
  tcpWindow: field('tcpWindow', 'number', 'tcp', Word.WINDOW, 16, 16),
  icmpType: field('icmpType', 'number', 'icmp', Word.ICMP, 8, 8),
  icmpCode: field('icmpCode', 'number', 'icmp', Word.ICMP, 0, 8),
  icmpId: field('icmpId', 'number', 'icmp-echo', Word.PORTS, 16, 16),
  ndpTarget: field('ndpTarget', 'ip', 'ndp', Word.SEQ, 0, 128, 4),
  ndpSourceLink: field('ndpSourceLink', 'number', 'icmp', Word.TTL_ECN, 3, 1),
  tunnel: field('tunnel', 'number', 'tunnel', Word.SHAPE, Shape.TUNNEL_SHIFT, 4),
  vni: field('vni', 'number', 'vni', Word.VNI, 0, 24),
} as const

/** The name of a field inside one header group. */
export type FieldName = keyof typeof FIELDS

/**
 * A field of one header group of a packet, *as the layer sees it*. A bare name means the outermost group, which is first on the
 * wire; `inner.` means the group that the first encapsulation carries, `inner2.` the one that the second carries. Outermost first
 * is deliberate: headers inside a tunnel can never satisfy a rule that names a bare field. `quoted.` means the packet that an ICMP
 * error of the innermost group quotes: it has no MACs, tags or tunnel, and fields that a short quote does not hold, such as TCP
 * flags, are 0.
 */
export type FieldRef = FieldName | `inner.${FieldName}` | `inner2.${FieldName}` | `quoted.${FieldName}`

/** The field and the header group that a {@link FieldRef} names. */
export interface ResolvedField {
  /** The field. */
  readonly field: Field
  /** Group index, 0 = outermost, or `QUOTE`. */
  readonly group: number
}

/** By group index; the last is {@link QUOTE}'s. */
const PREFIXES = ['', 'inner.', 'inner2.', 'quoted.'] as const

/** All names of fields as policies spell them, with every prefix. */
export const FIELD_REFS: readonly string[] = PREFIXES.flatMap((prefix) => Object.keys(FIELDS).map((name) => `${prefix}${name}`))

/** Resolves a name as policies spell it; returns `undefined` for a name that is no field. */
export const resolveField = (ref: string): ResolvedField | undefined => {
  const dot = ref.lastIndexOf('.')
  const group = PREFIXES.findIndex((p) => p === ref.slice(0, dot + 1))
  const name = ref.slice(dot + 1)
  if (group < 0 || !Object.hasOwn(FIELDS, name)) return undefined
  return { field: FIELDS[name as FieldName], group }
}

/** Returns whether a group of a flow id, or its quote, has fields of this presence. `depth` is the number of groups of the flow id. */
export const isPresent = (presence: Presence, words: Uint32Array, group: number, depth: number): boolean => {
  if (group >= depth && group !== QUOTE) return false
  const shape = words[group * WORDS]!
  const l3 = shape & 0xf
  const l4 = (shape >>> Shape.L4_SHIFT) & 0xf
  switch (presence) {
    case 'always': return group !== QUOTE || shape > 0
    case 'mac': return group !== QUOTE
    case 'ip': return l3 === L3.Ipv4 || l3 === L3.Ipv6
    case 'ipv4': return l3 === L3.Ipv4
    case 'arp': return l3 === L3.Arp
    case 'ports': return l4 === L4.Tcp || l4 === L4.Udp
    case 'tcp': return l4 === L4.Tcp
    case 'icmp': return isIcmp(l4)
    case 'icmp-echo': return isEcho(l4, words[group * WORDS + Word.ICMP]! >>> 8)
    case 'ndp': return isNdpWithTarget(l4, words[group * WORDS + Word.ICMP]! >>> 8) && hasTarget(words, group * WORDS + Word.SEQ)
    case 'tunnel': return ((shape >>> Shape.TUNNEL_SHIFT) & 0xf) !== Tunnel.None
    case 'vni': return hasVni((shape >>> Shape.TUNNEL_SHIFT) & 0xf)
    case 'vlan': return ((shape >>> Shape.VLANS_SHIFT) & 0xf) >= 1
    case 'vlan2': return ((shape >>> Shape.VLANS_SHIFT) & 0xf) >= 2
  }
}

/** Returns whether an `L4` kind is ICMP or ICMPv6. */
export const isIcmp = (l4: number): boolean => l4 === L4.Icmp || l4 === L4.Icmpv6

/** Returns whether an ICMP message of this `L4` kind and type is an echo request or reply, whose identifier stands for the ports. */
export const isEcho = (l4: number, type: number): boolean =>
  (l4 === L4.Icmp && (type === 0 || type === 8)) || (l4 === L4.Icmpv6 && (type === 128 || type === 129))

/** Returns whether a message of this `L4` kind and type has a target: neighbour solicitation, neighbour advertisement, redirect (RFC 4861 §4.3 to §4.5). */
export const isNdpWithTarget = (l4: number, type: number): boolean => l4 === L4.Icmpv6 && type >= 135 && type <= 137

/** The target of a message too short to have one is 0, and the unspecified address is never a target. */
const hasTarget = (words: Uint32Array, at: number): boolean => (words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!) !== 0

/** Returns whether a {@link Tunnel} kind has a network identifier: all but plain GRE. */
export const hasVni = (tunnel: number): boolean => tunnel !== Tunnel.None && tunnel !== Tunnel.Gre

/**
 * Returns the bits that a field occupies in a word of a group; 0 if it occupies none. The fields that a walk looked at are collected
 * as such masks.
 */
export const fieldBits = (f: Field, word: number): number => {
  if (f.kind === 'mac') {
    if (f.name === 'dstMac') return word === Word.MAC_0 ? 0xffffffff : word === Word.MAC_1 ? 0xffff0000 : 0
    return word === Word.MAC_1 ? 0x0000ffff : word === Word.MAC_2 ? 0xffffffff : 0
  }
  if (word < f.word || word >= f.word + f.words) return 0
  if (f.bits >= 32) return 0xffffffff
  return (((1 << f.bits) - 1) << f.shift) >>> 0
}

/** Returns the value of a one-word field. */
export const readNumber = (f: Field, words: Uint32Array, group: number): number => {
  const w = words[group * WORDS + f.word]!
  return f.bits === 32 ? w : (w >>> f.shift) & ((1 << f.bits) - 1)
}

/** Returns the value of a MAC field, 48 bits. */
export const readMac = (f: Field, words: Uint32Array, group: number): number => {
  const base = group * WORDS
  const mid = words[base + Word.MAC_1]!
  return f.name === 'dstMac'
    ? words[base + Word.MAC_0]! * 0x1_0000 + (mid >>> 16)
    : (mid & 0xffff) * 0x1_0000_0000 + words[base + Word.MAC_2]!
}
