/**
 * Traffic of a few hosts, as steps from which frames are made while a test runs: new packets from small pools, earlier ones
 * again with a detail changed, and answers to what really came out of a port (`traffic-frames.ts`).
 *
 * The last two are why this is not just `frameArbitrary`: connections that live need packets that belong to each other, and
 * what belongs to a translated or tunnelled packet only its output can say.
 */
import fc from 'fast-check'
import type { Packet, Tweak } from './traffic-frames.js'

/** Any tweak; most change nothing. */
export const tweakArbitrary = (): fc.Arbitrary<Tweak> => {
  const one: fc.Arbitrary<Tweak> = fc.oneof(
    fc.constantFrom(1, 64, 65, 128).map((ttl) => ({ ttl })),
    fc.nat(3).map((ecn) => ({ ecn })),
    fc.constantFrom(0, 10, 46).map((dscp) => ({ dscp })),
    fc.constantFrom(0x02, 0x12, 0x10, 0x18, 0x11).map((flags) => ({ flags })),
    fc.constantFrom(0x02, 0x10).map((flags) => ({ flags })),
    fc.constantFrom(0x04, 0x14).map((flags) => ({ flags })),
    fc.nat(3).map((srcMac) => ({ srcMac })),
    fc.constantFrom(0, 7, 8, 0x6000, 0x6007).map((vlan) => ({ vlan })),
    fc.constantFrom(1, 2, 5000).map((identification) => ({ identification })),
    fc.constantFrom(50_000, 60_000).map((entropy) => ({ entropy })),
    fc.nat(2).map((outerSource) => ({ outerSource })),
    fc.constantFrom<(4 | 6)[]>(4, 6).map((underlay) => ({ underlay })),
    fc.constant({ first: true }),
    fc.constant({ later: true }),
  )
  return fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 3, arbitrary: one }, { weight: 1, arbitrary: fc.tuple(one, one).map(([a, b]) => ({ ...a, ...b })) },
    // A later fragment that says other things of itself than its first one.
    { weight: 1, arbitrary: one.map((a) => ({ ...a, later: true })) })
}

/** Any packet; those from the network are tunnelled about as often as not. */
export const packetArbitrary = (direction: 'outbound' | 'inbound'): fc.Arbitrary<Packet> =>
  fc.record({
    kind: fc.constantFrom<Packet['kind'][]>(
      'tcp', 'tcp', 'tcp', 'tcp', 'udp', 'udp', 'udp', 'icmp', 'icmp', 'tcp6', 'tcp6', 'udp6', 'icmp6', 'arp', 'first', 'first', 'later', 'later', 'first6', 'later6', 'error', 'opaque',
    ),
    host: fc.nat(1),
    peer: fc.nat(2),
    ports: fc.tuple(fc.nat(2), fc.nat(2)),
    payload: fc.constantFrom(0, 1, 40),
    tunnel: direction === 'outbound' ? fc.constant(undefined) : fc.option(
      fc.record({ underlay: fc.constantFrom<(4 | 6)[]>(4, 4, 4, 6), tenant: fc.nat(1), from: fc.nat(1), kind: fc.constantFrom('vxlan' as const, 'vxlan' as const, 'nvgre' as const, 'geneve' as const) }), { nil: undefined },
    ),
    tweak: tweakArbitrary(),
  })
