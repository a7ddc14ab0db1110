/**
 * Flow ids without frames: built from field values, for tests of whatever decides on metadata.
 *
 * The values of a packet stand in the words, its headers in their shape words; nothing is parsed.
 */
import fc from 'fast-check'
import { type Field, type FieldName, FIELDS } from '../flow/field.js'
import { Shape, UFID_WORDS, Word, WORDS } from '../flow/layout.js'
import type { ScalarOf } from '../policy/condition.js'
import { type IpAddress, ipv4, ipv6 } from '../wire/address.js'
import { L3, L4, MAX_GROUPS, QUOTE, Tunnel } from '../wire/frame-view.js'

/** A UFID and its number of header groups. */
export interface Flow {
  /** Words of the flow id, as `extractFlow` writes them. */
  readonly words: Uint32Array
  /** Number of header groups, 1–3. */
  readonly depth: number
}

/** One header group: what headers it has, and the values of its fields; 0 where none is given. */
export type GroupSpec = { readonly [F in FieldName]?: ScalarOf<F> } & {
  /** No network header unless said. */
  readonly l3?: 'arp' | 'ipv4' | 'ipv6'
  /** No transport header unless said. Not checked against `l3`. */
  readonly l4?: 'tcp' | 'udp' | 'icmp' | 'icmpv6'
  /** Number of VLAN tags, 0 unless said. */
  readonly vlans?: 0 | 1 | 2
}

/**
 * Returns a flow id of up to three groups, outermost first. EtherType and protocol follow from the headers unless given; all groups but
 * the last encapsulate, by VXLAN unless `tunnel` names another. Values of fields that the headers do not have are written all the same.
 *
 * ```ts
 * import { invertTransposition, ipv4, modify, formatTransposition } from '@vfp-ts/core'
 * import { makeFlow } from '@vfp-ts/core/testing'
 *
 * const flow = makeFlow({ l3: 'ipv4', l4: 'tcp', dstIp: ipv4(0x0a000005), dstPort: 443 })
 * console.log(formatTransposition(invertTransposition(modify({ dstPort: 8443 }), flow.words, flow.depth)))
 * ```
 *
 * ```text output
 * 0: srcPort=443
 * ```
 */
export const makeFlow = (...groups: readonly GroupSpec[]): Flow => {
  const words = new Uint32Array(UFID_WORDS)
  groups.forEach((spec, g) => { writeGroup(words, g, spec, g < groups.length - 1) })
  return { words, depth: groups.length }
}

/** Returns the same flow id, but its innermost group quotes `packet`. The packet needs an IP header; MACs, tags and tunnel of it are left out. */
export const quoting = (flow: Flow, packet: GroupSpec & { readonly l3: 'ipv4' | 'ipv6' }): Flow => {
  const words = flow.words.slice()
  words.fill(0, QUOTE * WORDS, (QUOTE + 1) * WORDS)
  const { dstMac: _d, srcMac: _s, vlans: _v, vlanId: _i, vlanPriority: _p, innerVlanId: _n, tunnel: _t, vni: _w, ...rest } = packet
  writeGroup(words, QUOTE, rest, false)
  return { words, depth: flow.depth }
}

/** Returns the words of {@link makeFlow} alone. */
export const makeUfid = (...groups: readonly GroupSpec[]): Uint32Array => makeFlow(...groups).words

/** Writes a field's value, present or not; bits beyond its width are cut off. */
export const writeField = (words: Uint32Array, field: Field, group: number, value: number | IpAddress): void => {
  const base = group * WORDS
  if (typeof value === 'object') words.set(value.words, base + field.word)
  else if (field.kind === 'mac') writeMac(words, field, base, value)
  else {
    const mask = field.bits === 32 ? 0xffffffff : (1 << field.bits) - 1
    const at = base + field.word
    words[at] = (words[at]! & ~(mask << field.shift)) | ((value & mask) << field.shift)
    // The identifier of an echo stands for both ports.
    if (field.name === 'icmpId') words[at] = (value << 16) | (value & 0xffff)
  }
}

/** The headers a group may have. */
export const GROUP_KINDS: readonly GroupSpec[] = [
  {}, { l3: 'arp' }, { l3: 'ipv4' }, { l3: 'ipv4', l4: 'tcp' }, { l3: 'ipv4', l4: 'udp' }, { l3: 'ipv4', l4: 'icmp' },
  { l3: 'ipv6' }, { l3: 'ipv6', l4: 'tcp' }, { l3: 'ipv6', l4: 'udp' }, { l3: 'ipv6', l4: 'icmpv6' },
]

/** The headers a group that encapsulates may have. */
const OUTER_KINDS: readonly GroupSpec[] = (['ipv4', 'ipv6'] as const).flatMap((l3): readonly GroupSpec[] => [
  { l3, l4: 'udp', tunnel: Tunnel.Vxlan }, { l3, l4: 'udp', tunnel: Tunnel.Geneve }, { l3, proto: 47, tunnel: Tunnel.Nvgre }, { l3, proto: 47, tunnel: Tunnel.Gre },
])

/** Generates flow ids of every shape with values from all over their fields: few of them equal, few of them near each other. */
export const flowArbitrary = (): fc.Arbitrary<Flow> =>
  fc.integer({ min: 1, max: MAX_GROUPS }).chain((depth) =>
    fc.tuple(...Array.from({ length: depth }, (_, g) => groupSpec(g < depth - 1))).map((groups) => makeFlow(...groups)))

const ETHER_TYPES = { arp: 0x0806, ipv4: 0x0800, ipv6: 0x86dd } as const
const PROTOCOLS = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58 } as const
const L3_KINDS = { arp: L3.Arp, ipv4: L3.Ipv4, ipv6: L3.Ipv6 } as const
const L4_KINDS = { tcp: L4.Tcp, udp: L4.Udp, icmp: L4.Icmp, icmpv6: L4.Icmpv6 } as const

const writeGroup = (words: Uint32Array, g: number, spec: GroupSpec, encapsulates: boolean): void => {
  const l3 = spec.l3 === undefined ? L3.None : L3_KINDS[spec.l3]
  const l4 = spec.l4 === undefined ? L4.None : L4_KINDS[spec.l4]
  words[g * WORDS + Word.SHAPE] =
    l3 | (l4 << Shape.L4_SHIFT) | ((encapsulates ? (spec.tunnel ?? Tunnel.Vxlan) : Tunnel.None) << Shape.TUNNEL_SHIFT) | ((spec.vlans ?? 0) << Shape.VLANS_SHIFT)
  if (spec.l3 !== undefined) writeField(words, FIELDS.etherType, g, ETHER_TYPES[spec.l3])
  if (spec.l4 !== undefined) writeField(words, FIELDS.proto, g, PROTOCOLS[spec.l4])
  for (const field of Object.values(FIELDS)) {
    const value = spec[field.name]
    if (value !== undefined) writeField(words, field, g, value)
  }
}

const writeMac = (words: Uint32Array, field: Field, base: number, mac: number): void => {
  const high = Math.floor(mac / 0x1_0000_0000)
  const middle = words[base + Word.MAC_1]!
  if (field.name === 'dstMac') {
    words[base + Word.MAC_0] = Math.floor(mac / 0x1_0000)
    words[base + Word.MAC_1] = (middle & 0xffff) | (mac << 16)
  } else {
    words[base + Word.MAC_1] = (middle & 0xffff0000) | high
    words[base + Word.MAC_2] = mac
  }
}

const groupSpec = (encapsulates: boolean): fc.Arbitrary<GroupSpec> =>
  fc
    .record({
      kind: encapsulates ? fc.constantFrom(...OUTER_KINDS) : fc.constantFrom(...GROUP_KINDS),
      vlans: fc.constantFrom<(0 | 1 | 2)[]>(0, 0, 1, 2),
      dstMac: fc.nat(2 ** 48 - 1),
      srcMac: fc.nat(2 ** 48 - 1),
      addresses: fc.array(fc.nat(0xffffffff), { minLength: 8, maxLength: 8 }),
      ports: fc.tuple(fc.nat(0xffff), fc.nat(0xffff)),
      icmp: fc.tuple(fc.constantFrom(0, 3, 8, 128, 129, 135), fc.nat(3)),
      vlanTags: fc.nat(0xffffffff),
      numbers: fc.array(fc.nat(0xffffffff), { minLength: 4, maxLength: 4 }),
    })
    .map(({ kind, vlans, dstMac, srcMac, addresses, ports, icmp, vlanTags, numbers }) => {
      const [a, b, c, d, e, f, g, h] = addresses as [number, number, number, number, number, number, number, number]
      const [srcIp, dstIp] = kind.l3 === 'ipv6' ? [ipv6(a, b, c, d), ipv6(e, f, g, h)] : [ipv4(d), ipv4(h)]
      return {
        ...kind, vlans, dstMac, srcMac,
        ...(vlans > 0 ? { vlanId: vlanTags & 0xfff, vlanPriority: vlanTags >>> 29 } : {}),
        ...(vlans > 1 ? { innerVlanId: (vlanTags >>> 12) & 0xfff } : {}),
        ...(kind.l3 === undefined ? {} : kind.l3 === 'arp' ? { arpSender: srcIp, arpTarget: dstIp, arpOperation: 1 + (numbers[0]! & 1) } : {
          srcIp, dstIp, dscp: numbers[0]! & 63, ecn: numbers[0]! >>> 30, ttl: numbers[1]! & 255, ipLength: numbers[1]! >>> 16,
        }),
        ...(kind.l3 === 'ipv4' ? { ipId: numbers[2]! & 0xffff } : {}),
        ...(kind.l4 === 'tcp' ? { tcpFlags: numbers[2]! >>> 23, tcpSeq: numbers[2]!, tcpAck: numbers[3]!, tcpWindow: numbers[3]! & 0xffff } : {}),
        ...(kind.l4 === 'tcp' || kind.l4 === 'udp' ? { srcPort: ports[0], dstPort: ports[1] } : {}),
        ...(kind.l4 === 'icmp' || kind.l4 === 'icmpv6' ? { icmpType: icmp[0], icmpCode: icmp[1] } : {}),
        ...(kind.l4 === 'icmp' && icmp[0] < 9 && icmp[0] !== 3 ? { icmpId: ports[0] } : {}),
        ...(kind.l4 === 'icmpv6' && (icmp[0] === 128 || icmp[0] === 129) ? { icmpId: ports[0] } : {}),
        ...(kind.l4 === 'icmpv6' && icmp[0] === 135 ? { ndpTarget: dstIp } : {}),
        ...(encapsulates && kind.tunnel !== Tunnel.Gre ? { vni: numbers[3]! >>> 8 } : {}),
      }
    })
