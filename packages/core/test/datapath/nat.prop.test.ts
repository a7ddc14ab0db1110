/** Law 3 through a port: what a stateful translation did to a connection's packets is undone on their answers. */
import test from 'ava'
import fc from 'fast-check'
import { packetArbitrary } from '../../src/testing/traffic-arbitraries.js'
import type { Packet } from '../../src/testing/traffic-frames.js'
import { answerTo, bench, fate, packet, policy, runs } from './support.js'

/** Translations that a packet of this kind can have. */
const translation = ({ kind }: Packet): fc.Arbitrary<object> => {
  const port = fc.nat(0xffff).filter(isPlain)
  const [src, dst] = kind.endsWith('6') ? ['2001:db8::77', '2001:db8::78'] : ['203.0.113.7', '203.0.113.8']
  const addresses = { srcIp: fc.constant(src), dstIp: fc.constant(dst), srcMac: fc.constant('02:00:00:00:00:07') }
  return kind.startsWith('icmp')
    ? fc.record({ ...addresses, icmpId: fc.nat(0xffff) }, { requiredKeys: [] })
    : fc.record({ ...addresses, srcPort: port, dstPort: port }, { requiredKeys: [] })
}

/** A port that no tunnel has: what is set to it, or was it, stays what it is. */
const isPlain = (port: number): boolean => port !== 4789 && port !== 6081

const translatable = fc.constantFrom<('outbound' | 'inbound')[]>('outbound', 'inbound').chain((direction) =>
  packetArbitrary('outbound')
    .filter(({ kind }) => ['tcp', 'udp', 'icmp', 'tcp6', 'udp6', 'icmp6'].includes(kind))
    .chain((said) => fc.tuple(fc.constant(direction), fc.constant({ ...said, tweak: {} }), fc.array(translation(said), { minLength: 1, maxLength: 3 }))))

test('law 3: the answer to a connection under static NAT comes back as if there were none', (t) => {
  fc.assert(fc.property(translatable, fc.boolean(), ([direction, said, translations], encap) => {
    const back = direction === 'outbound' ? 'inbound' : 'outbound'
    const layers = translations.map((config) => policy({ [direction]: [{ do: 'nat', with: config, stateful: true }], [back]: [{ do: 'block' }] }))
    const tunnel = policy({ outbound: [{ do: 'encap', with: { srcIp: '198.51.100.1', dstIp: '198.51.100.2', vni: 5001 }, stateful: true }] })
    // Nearest the network where the VM begins: then the answers come in the tunnel.
    const { port } = bench(encap && direction === 'outbound' ? [...layers, tunnel] : layers)
    const sent = packet(direction, said)
    for (let i = 0; i < 2; i++) {
      const there = port.process(direction, sent).outputs.at(-1)
      if (there === undefined) return false
      const here = port.process(back, answerTo(there.frame)).outputs.at(-1)
      const untranslated = answerTo(sent)
      if (here === undefined || !Buffer.from(here.frame).equals(untranslated)) return false
      if (fate(port, back, untranslated) === 'passed' && translations.some((c) => 'srcIp' in c || 'dstIp' in c)) return false
    }
    return true
  }), { numRuns: runs(300) })
  t.pass()
})

test('law 3: a load balancer that rewrites inbound is undone outbound, from cached flows as well', (t) => {
  const { port } = bench([policy({ inbound: [{ do: 'nat', with: { dstIp: '10.0.0.4', dstPort: 8080 }, when: { dstIp: '10.0.0.5', proto: 'tcp' }, stateful: true }] })])
  for (let i = 0; i < 3; i++) {
    const sent = packet('inbound', { host: 1 })
    const inside = port.process('inbound', sent).outputs[0]!.frame
    t.deepEqual([...inside.slice(30, 34)], [10, 0, 0, 4])
    t.deepEqual(port.process('outbound', answerTo(inside)).outputs[0]!.frame, answerTo(sent))
  }
  t.like(port.counters(), { slow: 1, fast: 5 })
})
