/** Errors of routers about tunnelled packets, made by hand. */
import { wire as protocols } from '@vfp-ts/core'
import test from 'ava'
import { offloadOf } from '../../src/nic/frame-batch.js'
import { HOST_MAC, mac } from './config.js'
import { openWire, PEER_MAC, tagged, type Wire } from './wire.js'

const { checksum, pseudoSum6 } = protocols.checksum
const OURS = { 4: [192, 0, 2, 1], 6: [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] } as const
const FAR = { 4: [198, 51, 100, 2], 6: [0x20, 1, 0xd, 0xb8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2] } as const
const ROUTER = { 4: [203, 0, 113, 7], 6: [0x20, 1, 0xd, 0xb8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7] } as const
const FAR_TEXT = { 4: '198.51.100.2', 6: '2001:db8:9::2' } as const

type Version = 4 | 6
const word = (value: number): readonly number[] => [value >>> 8, value & 0xff]
const macBytes = (address: number): readonly number[] => [0, 1, 2, 3, 4, 5].map((i) => Math.floor(address / 2 ** (40 - 8 * i)) & 0xff)

/** An IP packet. */
const packet = (version: Version, from: readonly number[], to: readonly number[], protocol: number, data: readonly number[], ttl = 64): readonly number[] => {
  if (version === 6) return [0x60, 0, 0, 0, ...word(data.length), protocol, ttl, ...from, ...to, ...data]
  const header = Uint8Array.of(0x45, 0, ...word(20 + data.length), 0, 0, 0x40, 0, ttl, protocol, 0, 0, ...from, ...to)
  header.set(word(checksum(header, 0, 20)), 10)
  return [...header, ...data]
}

const filler = (length: number): readonly number[] => Array.from({ length }, (_, i) => i & 0xff)

/** What is behind the IP header of the tunnels; `length` bytes of frame inside. */
const TUNNELS = {
  vxlan: (length: number): readonly number[] => [...word(50_123), ...word(4_789), ...word(16 + length), 0, 0, 8, 0, 0, 0, 0, 0x13, 0x89, 0, ...filler(length)],
  geneve: (length: number): readonly number[] => [...word(50_123), ...word(6_081), ...word(16 + length), 0, 0, 0, 0, 0x65, 0x58, 0, 0x13, 0x89, 0, ...filler(length)],
  nvgre: (length: number): readonly number[] => [0x20, 0, 0x65, 0x58, 0, 0x13, 0x89, 7, ...filler(length)],
  gre: (length: number): readonly number[] => [0, 0, 0x65, 0x58, ...filler(length)],
} as const
const PROTOCOLS = { vxlan: 17, geneve: 17, nvgre: 47, gre: 47 } as const
type Kind = keyof typeof TUNNELS

const outer = (version: Version, kind: Kind, length = 1_400): readonly number[] => packet(version, OURS[version], FAR[version], PROTOCOLS[kind], TUNNELS[kind](length))

const frameOf = (version: Version, bytes: readonly number[], to: readonly number[] = macBytes(mac(HOST_MAC))): Uint8Array =>
  Uint8Array.of(...to, ...macBytes(mac(PEER_MAC)), ...(version === 4 ? [0x08, 0] : [0x86, 0xdd]), ...bytes)

/** Says of an error what is not as usual. */
interface Said {
  readonly type?: number
  readonly code?: number
  readonly from?: readonly number[]
  readonly to?: readonly number[]
}

/** An error about a packet. */
const error = (version: Version, mtu: number, quote: readonly number[], said: Said = {}): Uint8Array => {
  const { type = version === 4 ? 3 : 2, code = version === 4 ? 4 : 0, from = ROUTER[version], to = OURS[version] } = said
  const message = Uint8Array.of(type, code, 0, 0, ...(version === 4 ? [0, 0] : word(mtu >>> 16)), ...word(mtu & 0xffff), ...quote)
  const bytes = Uint8Array.from(packet(version, from, to, version === 4 ? 1 : 58, [...message]))
  const at = version === 4 ? 20 : 40
  bytes.set(word(checksum(bytes, at, bytes.length, version === 4 ? 0 : pseudoSum6(bytes, 0, 58, message.length))), at + 2)
  return frameOf(version, [...bytes])
}

const wireWithRoutes = (): Wire =>
  openWire({ routes: [{ prefix: '0.0.0.0/0', via: '192.0.2.2' }, { prefix: '::/0', via: '2001:db8::2' }], neighbours: [{ ip: '192.0.2.2', mac: PEER_MAC }, { ip: '2001:db8::2', mac: PEER_MAC }] })

const send = (wire: Wire, version: Version, bytes: readonly number[], offload = 0): void => {
  const frame = frameOf(version, bytes)
  wire.underlay.send(frame, 0, frame.length, offload)
}

const sentFirst = (version: Version, kind: Kind, length = 1_400): { readonly wire: Wire; readonly sent: readonly number[] } => {
  const wire = wireWithRoutes()
  const sent = outer(version, kind, length)
  send(wire, version, sent)
  return { wire, sent }
}

const header = (version: Version): number => (version === 4 ? 20 : 40)

for (const version of [4, 6] as const) {
  for (const kind of ['vxlan', 'geneve', 'nvgre', 'gre'] as const) {
    for (const [how, quoted] of [['whole', 5_000], ['548 bytes', 548], ['the VNI', 16], ['8 bytes', 8]] as const) {
      test(`network errors: an error over IPv${version} about ${kind} that was sent, quoting ${how}, tells the path’s MTU`, (t) => {
        const { wire, sent } = sentFirst(version, kind)
        wire.say(error(version, 1_400, sent.slice(0, header(version) + quoted)))
        t.deepEqual(wire.paths, [`${FAR_TEXT[version]} 1400`])
        t.deepEqual(wire.underlay.counters().receiveDrops, { PathMtu: 1 })
        t.deepEqual(wire.delivered(), [])
      })
    }

    /** The quote with a byte behind its IP header changed. */
    const altered = (at: number): readonly number[] => outer(version, kind).map((byte, i) => (i === header(version) + at ? byte ^ 1 : byte))
    for (const [what, quote, said] of [
      ['of another flow', altered(kind === 'gre' ? 4 : kind === 'nvgre' ? 7 : 1), {}],
      ['of another VNI or key', altered(kind === 'nvgre' || kind === 'gre' ? 5 : 13), {}],
      ['to another host', outer(version, kind).map((byte, i) => (i === header(version) - 1 ? byte ^ 1 : byte)), {}],
      ['from another host', outer(version, kind).map((byte, i) => (i === (version === 4 ? 15 : 23) ? byte ^ 2 : byte)), {}],
      ['longer than any that was sent', outer(version, kind, 1_401), {}],
      ['cut before its eighth byte', outer(version, kind).slice(0, header(version) + 7), {}],
      ['that is no packet', filler(60), {}],
      ['that was sent, from a group', outer(version, kind), { from: version === 4 ? [224, 0, 0, 1] : [0xff, 2, ...filler(14)] }],
      ['that was sent, from this host', outer(version, kind), { from: OURS[version] }],
      ['that was sent, with an MTU no smaller', outer(version, kind), undefined],
    ] as const) {
      test(`network errors: an error over IPv${version} about ${kind} ${what} does nothing`, (t) => {
        const { wire } = sentFirst(version, kind)
        wire.say(error(version, said === undefined ? outer(version, kind).length : 1_300, quote, said))
        t.deepEqual(wire.paths, [])
        t.deepEqual(wire.underlay.counters().receiveDrops, { ForgedError: 1 })
        t.deepEqual(wire.delivered(), [])
      })
    }
  }

  test(`network errors: nothing that was never sent, or not lately, over IPv${version}, is believed`, (t) => {
    const wire = wireWithRoutes()
    const quote = outer(version, 'vxlan')
    wire.say(error(version, 1_400, quote))
    send(wire, version, quote)
    wire.timers.advance(30_000)
    wire.say(error(version, 1_400, quote))
    t.deepEqual(wire.paths, [`${FAR_TEXT[version]} 1400`])
    wire.timers.advance(1)
    wire.say(error(version, 1_300, quote))
    t.is(wire.paths.length, 1)
  })

  test(`network errors: one behind a priority tag counts, over IPv${version}`, (t) => {
    const { wire, sent } = sentFirst(version, 'vxlan')
    wire.say(tagged(error(version, 1_400, sent), [0x8100, 0xe000]))
    t.deepEqual(wire.paths, [`${FAR_TEXT[version]} 1400`])
  })

  test(`network errors: one with a wrong checksum, to another host or to many is left to others, over IPv${version}`, (t) => {
    const { wire, sent } = sentFirst(version, 'vxlan')
    const broken = error(version, 1_400, sent)
    broken[broken.length - 1]! ^= 1
    const frames = [broken, error(version, 1_400, sent, { to: FAR[version] }), error(version, 1_400, sent)]
    frames[2]!.set([version === 4 ? 0xff : 0x33, 0x33, 0, 0, 0, 1])
    wire.say(...frames)
    t.deepEqual(wire.paths, [])
    t.is(wire.delivered().length, 3)
  })

  test(`network errors: segments are as long as the link takes, over IPv${version}`, (t) => {
    const wire = openWire({ addresses: ['192.0.2.1/24', '2001:db8::1/64'], routes: [{ prefix: '0.0.0.0/0', via: '192.0.2.2' }, { prefix: '::/0', via: '2001:db8::2' }], neighbours: [{ ip: '192.0.2.2', mac: PEER_MAC }, { ip: '2001:db8::2', mac: PEER_MAC }] },
      { offloads: { checksum: true, segmentation: true } })
    send(wire, version, outer(version, 'vxlan', 20_000), offloadOf(true, 1_300))
    const segment = outer(version, 'vxlan', 1_500 - header(version) - 16)
    wire.say(error(version, 1_400, segment.slice(0, header(version) + 8)))
    t.deepEqual(wire.paths, [`${FAR_TEXT[version]} 1400`])
  })

  test(`network errors: once too many were not believed, none is read until the second is over, over IPv${version}`, (t) => {
    const { wire, sent } = sentFirst(version, 'vxlan')
    const wrong = error(version, 1_400, outer(version, 'geneve'))
    wire.say(...Array.from({ length: 20 }, () => wrong), error(version, 1_400, sent))
    t.deepEqual(wire.paths, [])
    t.deepEqual(wire.underlay.counters().receiveDrops, { ForgedError: 16, ErrorLimit: 5 })
    wire.timers.advance(1_000)
    wire.say(error(version, 1_400, sent))
    t.is(wire.paths.length, 1)
  })

  test(`network errors: others are counted by what they are, and tell no MTU, over IPv${version}`, (t) => {
    const { wire, sent } = sentFirst(version, 'vxlan')
    for (const said of version === 4 ? [{ type: 3, code: 1 }, { type: 3, code: 3 }, { type: 11, code: 0 }, { type: 12, code: 0 }] : [{ type: 1, code: 0 }, { type: 1, code: 4 }, { type: 3, code: 0 }, { type: 4, code: 1 }]) {
      wire.say(error(version, 1_400, sent, said))
    }
    t.deepEqual(wire.paths, [])
    t.deepEqual(wire.underlay.counters().receiveDrops, { Unreachable: 2, TimeExceeded: 1, ParameterProblem: 1 })
    t.deepEqual(wire.delivered(), [])
  })
}

test('network errors: the code of Packet Too Big means nothing', (t) => {
  const { wire, sent } = sentFirst(6, 'vxlan')
  wire.say(error(6, 1_400, sent.slice(0, 300), { code: 1 }))
  t.deepEqual(wire.paths, ['2001:db8:9::2 1400'])
})

test('network errors: of a router that tells no MTU it is the next usual one below the packet', (t) => {
  const { wire, sent } = sentFirst(4, 'vxlan', 1_464)
  t.is(sent.length, 1_500)
  wire.say(error(4, 0, sent.slice(0, 28)))
  t.deepEqual(wire.paths, ['198.51.100.2 1492'])
})

test('network errors: an MTU that no link has is not believed', (t) => {
  const four = sentFirst(4, 'vxlan')
  four.wire.say(...[1, 67].map((mtu) => error(4, mtu, four.sent)), error(4, 68, four.sent))
  t.deepEqual(four.wire.paths, ['198.51.100.2 68'])
  const six = sentFirst(6, 'vxlan')
  six.wire.say(...[0, 1_279, 0x1_0000 + 1_400, 0xffff_ffff].map((mtu) => error(6, mtu, six.sent)), error(6, 1_280, six.sent))
  t.deepEqual(six.wire.paths, ['2001:db8:9::2 1280'])
})

test('network errors: four flows of one place in the memory are told apart, and many flows do not stop the last from counting', (t) => {
  const wire = wireWithRoutes()
  const flow = (port: number): readonly number[] => outer(4, 'vxlan').map((byte, i) => (i === 20 ? port >>> 8 : i === 21 ? port & 0xff : byte))
  for (let port = 0; port < 10_000; port++) send(wire, 4, flow(port))
  wire.say(error(4, 1_400, flow(9_999)))
  t.is(wire.paths.length, 1)
})
