/**
 * Values that transpositions are made of. They come partly from small pools, so that independently drawn transpositions meet: the same
 * field twice, the ports of tunnels, addresses of both versions, copies of copies.
 */
import fc from 'fast-check'
import type { Changes, EcnValue, QuoteChanges, TtlValue, Value, VlanEdit } from '../transposition/header-transposition.js'
import type { PushSpec } from '../transposition/construct.js'
import { type IpAddress, ipv4, ipv6, type Mac } from '../wire/address.js'
import { EtherType } from '../wire/ethernet.js'
import { compileTunnelEnds } from '../wire/tunnel-ends.js'
import { UdpPort } from '../wire/udp.js'
import type { VlanTag } from '../wire/vlan.js'

/** Generates a number of `bits` bits, often the least or the greatest. */
export const uint = (bits: number): fc.Arbitrary<number> => fc.oneof(fc.nat(2 ** bits - 1), fc.constantFrom(0, 1, 2 ** bits - 1))

/** A MAC address. */
export const mac = (): fc.Arbitrary<Mac> => fc.oneof(fc.maxSafeNat().map((n) => n % 2 ** 48), fc.constantFrom(0x00155d000001, 0xffffffffffff))

const word = (): fc.Arbitrary<number> => fc.oneof(fc.nat(0xffffffff), fc.constantFrom(0, 0xffff, 0xffffffff))

/** An IPv4 address. */
export const ip4 = (): fc.Arbitrary<IpAddress> => word().map(ipv4)
/** An IPv6 address. */
export const ip6 = (): fc.Arbitrary<IpAddress> => fc.tuple(word(), word(), word(), word()).map((w) => ipv6(...w))
/** An address of a version. */
export const ip = (version: 4 | 6): fc.Arbitrary<IpAddress> => (version === 4 ? ip4() : ip6())

const group = (): fc.Arbitrary<number> => fc.nat(3)

/** A DSCP, constant or copied. */
export const dscp = (): fc.Arbitrary<Value> => fc.oneof(fc.nat(63), group().map((original) => ({ original })))

/** An ECN field, constant, copied or combined. */
export const ecn = (): fc.Arbitrary<EcnValue> => {
  const simple: fc.Arbitrary<EcnValue> = fc.oneof(fc.nat(3), group().map((original) => ({ original })))
  const combination = fc.record({ outer: simple, inner: simple })
  return fc.oneof({ weight: 3, arbitrary: simple }, { weight: 2, arbitrary: combination }, { weight: 1, arbitrary: fc.record({ outer: combination, inner: simple }) })
}

/** A TTL, constant or read from a group. */
export const ttl = (): fc.Arbitrary<TtlValue> => fc.oneof(uint(8), fc.record({ original: group(), minus: fc.oneof(fc.nat(3), fc.constantFrom(0, 1, 254, 255)) }))

/** A VLAN tag. */
export const vlanTag = (): fc.Arbitrary<VlanTag> =>
  fc.record({ tpid: fc.constantFrom(EtherType.Vlan, EtherType.ServiceVlan), pcp: fc.nat(7), dei: fc.boolean(), vid: fc.nat(4095) })

/** An edit of a stack of tags. */
export const vlanEdit = (): fc.Arbitrary<VlanEdit> =>
  fc.record({ pop: fc.constantFrom(0 as const, 0 as const, 1 as const, 1 as const, 2 as const, 'all' as const), push: fc.array(vlanTag(), { maxLength: 2 }) })

/** Geneve options: some whole ones. */
const options = (): fc.Arbitrary<Uint8Array> =>
  fc.array(fc.tuple(fc.nat(0xffff), fc.nat(0x7f), fc.uint8Array({ maxLength: 3 })), { maxLength: 2 }).map((list) =>
    Uint8Array.from(list.flatMap(([space, type, data]) => [space >>> 8, space & 0xff, type, data.length, ...[...data].flatMap((byte) => [byte, 0, 0, 1])])))

/** What a pushed group's values may be. */
export interface PushValues {
  readonly ecn?: fc.Arbitrary<EcnValue>
  readonly ttl?: fc.Arbitrary<TtlValue>
}

/** Ports of tunnels that are not the standard ones: of VXLAN, Linux's default. Whoever reads generated frames again looks into them, see {@link TEST_ENDS}. */
export const OTHER_PORTS = { vxlan: 8472, geneve: 6082 } as const

/** Ends for reading what tests have made: tunnels of every kind anywhere, on the standard and the {@link OTHER_PORTS}. */
export const TEST_ENDS = compileTunnelEnds([{}, { kind: 'vxlan', udpPort: OTHER_PORTS.vxlan }, { kind: 'geneve', udpPort: OTHER_PORTS.geneve }])

/** A group to push, of any kind. */
export const pushSpec = (values: PushValues = {}): fc.Arbitrary<PushSpec> =>
  fc.tuple(fc.constantFrom(4 as const, 6 as const), fc.constantFrom('vxlan' as const, 'vxlan' as const, 'nvgre' as const, 'geneve' as const, 'gre' as const)).chain(([version, tunnel]) =>
    fc.record(
      {
        tunnel: fc.constant(tunnel), dstMac: mac(), srcMac: mac(), srcIp: ip(version), dstIp: ip(version), srcPort: uint(16),
        dstPort: tunnel === 'vxlan' ? fc.constantFrom(UdpPort.Vxlan, UdpPort.Vxlan, OTHER_PORTS.vxlan) : tunnel === 'geneve' ? fc.constantFrom(UdpPort.Geneve, OTHER_PORTS.geneve) : fc.constant(0),
        vni: tunnel === 'gre' ? fc.constant(0) : uint(24),
        vlans: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(vlanTag(), { maxLength: 2 }) }),
        options: tunnel === 'geneve' ? options() : fc.constant(new Uint8Array(0)),
        dscp: dscp(), ecn: values.ecn ?? ecn(), ttl: values.ttl ?? ttl(),
      },
      { requiredKeys: ['tunnel', 'dstMac', 'srcMac', 'srcIp', 'dstIp', 'srcPort', 'vni'] },
    ))

/** Every field with any value. */
export const anyChanges = () => ({
  dstMac: mac(), srcMac: mac(), srcIp: fc.oneof(ip4(), ip6()), dstIp: fc.oneof(ip4(), ip6()), dscp: dscp(), ecn: ecn(), ttl: ttl(),
  srcPort: uint(16), dstPort: fc.oneof(uint(16), fc.constantFrom(UdpPort.Vxlan, UdpPort.Geneve)), tcpFlags: uint(9), icmpId: uint(16), echo: echo(), vni: uint(24),
  arpOperation: uint(16), arpSenderMac: mac(), arpSender: ip4(), arpTargetMac: mac(), arpTarget: ip4(),
}) as const

/** Request or reply. */
export const echo = (): fc.Arbitrary<'request' | 'reply'> => fc.constantFrom('request', 'reply')

/** Fields of a quoted packet. */
export const quoteChanges = (version: 4 | 6): fc.Arbitrary<QuoteChanges> =>
  sparse({ srcIp: ip(version), dstIp: ip(version), srcPort: uint(16), dstPort: uint(16), icmpId: uint(16) })

/** A record of up to three of these fields, so that contradictions are common but not the rule. */
export const sparse = (fields: { readonly [K in keyof Changes]: fc.Arbitrary<NonNullable<Changes[K]>> }): fc.Arbitrary<Changes> =>
  fc
    .tuple(fc.record(fields), fc.subarray(Object.keys(fields), { minLength: 1, maxLength: Math.min(3, Object.keys(fields).length) }))
    .map(([all, names]): Changes => Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name))))
