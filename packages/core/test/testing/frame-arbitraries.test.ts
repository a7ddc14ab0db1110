import test from 'ava'
import fc from 'fast-check'
import { dissect } from '../../src/wire/dissect.js'
import { ipv4 } from '../../src/wire/address.js'
import { fragmentOf, type Frame } from '../../src/wire/frame.js'
import { bytesOf, frameArbitrary, mutatedBytesArbitrary, plainFrameArbitrary } from '../../src/testing/frame-arbitraries.js'

/** What a frame is, in a few words. */
const shapes = (frame: Frame): readonly string[] => {
  const innermost = frame.groups.at(-1)!
  const net = innermost.net
  return [
    `groups ${frame.groups.length}`,
    `net ${net?.kind ?? 'opaque'}`,
    `transport ${innermost.transport?.kind ?? 'none'}`,
    `fragment ${fragmentOf(net)}`,
    `vlans ${innermost.vlans.length}`,
    `trailer ${innermost.trailer !== undefined}`,
    ...(net?.kind === 'ipv4' ? [`options ${net.options.length > 0}`] : []),
    ...(net?.kind === 'ipv6' ? net.extensions.map(({ kind }) => `extension ${kind}`) : []),
    ...frame.groups.slice(0, -1).flatMap(({ net: outer, tunnel }) => [
      `underlay ${outer?.kind ?? 'none'}`, `tunnel ${tunnel?.kind ?? 'none'} over ${outer?.kind ?? 'none'}`,
      ...(tunnel?.kind === 'geneve' ? [`geneve options ${tunnel.options.length > 0}`] : []),
      ...(tunnel?.kind === 'vxlan' ? [`group policy ${tunnel.groupPolicy !== undefined}`] : []),
    ]),
    ...(frame.groups.length === 3 ? [`tunnels ${frame.groups[0].tunnel?.kind === frame.groups[1]?.tunnel?.kind ? 'alike' : 'mixed'}`] : []),
    ...(innermost.vlans.length === 2 ? [`tags ${innermost.vlans.map(({ tpid }) => tpid.toString(16)).join(' ')}`] : []),
  ]
}

test('frame-arbitraries: every kind of header, fragment and stack comes up', (t) => {
  const seen = new Set(fc.sample(frameArbitrary(), { numRuns: 2000, seed: 1 }).flatMap(shapes))
  for (const shape of [
    'groups 1', 'groups 2', 'groups 3', 'net arp', 'net ipv4', 'net ipv6', 'net opaque', 'transport tcp', 'transport udp', 'transport icmp',
    'transport icmpv6', 'transport none', 'fragment whole', 'fragment first', 'fragment later', 'vlans 0', 'vlans 1', 'vlans 2', 'trailer true',
    'options true', 'extension hop-by-hop', 'extension routing', 'extension fragment', 'extension authentication', 'extension destination',
    'underlay ipv4', 'underlay ipv6', 'tunnel vxlan over ipv4', 'tunnel nvgre over ipv4', 'tunnel geneve over ipv6', 'tunnel gre over ipv6',
    'geneve options true', 'group policy true', 'group policy false', 'tunnels alike', 'tunnels mixed', 'tags 88a8 8100', 'tags 8100 8100',
  ])
    t.true(seen.has(shape), shape)
})

test('frame-arbitraries: constraints confine what comes up', (t) => {
  const pool = [ipv4(0x01020304)]
  fc.assert(
    fc.property(plainFrameArbitrary({ network: ['ipv4'], transport: ['udp'], ipv4s: pool, ports: [7, 4789, 6081], maxPayload: 3 }), (frame) => {
      t.is(frame.groups.length, 1)
      t.true(frame.payload.length <= 3)
      const [{ net, transport, vlans, trailer }] = frame.groups
      t.like(net, { kind: 'ipv4', source: pool[0], destination: pool[0], options: new Uint8Array(0) })
      t.like(transport, { kind: 'udp', sourcePort: 7, destinationPort: 7 })
      t.deepEqual([vlans.length, trailer], [0, undefined])
    }),
  )
  fc.assert(fc.property(frameArbitrary({ minGroups: 2, maxGroups: 2, tunnels: ['nvgre'] }), ({ groups }) =>
    groups.length === 2 && groups[0].tunnel?.kind === 'nvgre'))
})

test('frame-arbitraries: ICMP errors quote packets, whole and cut short, unless told not to', (t) => {
  const errors = (quotes: boolean): readonly Uint8Array[] =>
    fc.sample(plainFrameArbitrary({ network: ['ipv4'], transport: ['icmp'], quotes }), { numRuns: 500, seed: 1 })
      .flatMap(({ groups: [{ transport }], payload }) => (transport?.kind === 'icmp' && [3, 11].includes(transport.type) ? [payload] : []))
  const missing = (quote: Uint8Array): number => quote[2]! * 256 + quote[3]! - quote.length
  const quoted = errors(true).filter((payload) => payload.length >= 28 && payload[0] === 0x45 && [1, 6, 17].includes(payload[9]!) && missing(payload) >= 0)
  t.true(quoted.some((quote) => missing(quote) === 0) && quoted.some((quote) => missing(quote) > 0))
  t.false(errors(false).some((payload) => payload.length >= 28 && payload[0] === 0x45 && [1, 6, 17].includes(payload[9]!)))
})

test('frame-arbitraries: short frames come padded to the shortest of Ethernet', (t) => {
  const sizes = fc.sample(frameArbitrary({ maxGroups: 1, maxVlans: 0, network: ['arp'] }), { numRuns: 100, seed: 1 }).map((frame) => bytesOf(frame).length)
  t.deepEqual([...new Set(sizes)].sort(), [42, 60])
})

test('frame-arbitraries: damage reaches every reason, and leaves some frames readable', (t) => {
  const outcomes = new Set(
    fc.sample(mutatedBytesArbitrary(), { numRuns: 3000, seed: 1 }).map((bytes) => {
      const frame = dissect(bytes)
      return frame._tag === 'Right' ? 'Ok' : frame.left.reason
    }),
  )
  for (const reason of ['Ok', 'Truncated', 'BadLength', 'BadChecksum', 'BadVersion', 'BadHeader', 'UnsupportedProtocol', 'UnknownCriticalOption'] as const)
    t.true(outcomes.has(reason), reason)
})
