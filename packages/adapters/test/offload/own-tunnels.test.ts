import { makeFrameView, OFFLOAD_PARTIAL } from '@vfp-ts/core'
import test from 'ava'
import { placedOffload, segmentOf } from '../../src/nic/frame-batch.js'
import { FinishCode, finishCodeName } from '../../src/offload/finish-code.js'
import { Segmenter } from '../../src/offload/segment.js'
import { Splitter } from '../../src/offload/split.js'
import { GSO_ACCURATE_ECN, GSO_ECN, readVirtioHeader, virtioHeaderRefusal } from '../../src/offload/virtio-net-header.js'
import { bytes, ethernet, ip4, pseudo4, tcp, udp, vxlan, type Wrap, wrapped } from './hand-made.js'
import { HEADER, type OwnTunnel, ownTunnels, payloadOf, segmentsByHand, superFrame } from './own-tunnels.js'

const segmenter = new Segmenter()
const view = makeFrameView()
const read = (whole: Uint8Array): number => readVirtioHeader(whole, 0, HEADER, whole.length, view)
const refusal = (whole: Uint8Array): string | undefined => virtioHeaderRefusal(whole, 0, HEADER, whole.length, view)

const cut = (frame: Uint8Array, start: number, end: number, word: number, into: Uint8Array[]): string =>
  finishCodeName(segmenter.segment(frame, start, end, word, (room, from, to) => into.push(room.slice(from, to)) > 0))

const segments = (whole: Uint8Array): readonly Uint8Array[] | string => {
  const made: Uint8Array[] = []
  const word = read(whole)
  const code = word < 0 ? refusal(whole) ?? '' : cut(whole, HEADER, whole.length, word, made)
  return code === 'Ok' ? made : code
}

for (const tunnel of ownTunnels) {
  test(`own tunnels: ${tunnel.title} is segmented at the place that the header names`, (t) => {
    for (const [length, size] of [[3000, 1000], [2501, 833], [1001, 1000], [47, 7]] as const) {
      const whole = superFrame(tunnel, payloadOf(length), size, GSO_ECN)
      const before = whole.slice()
      t.deepEqual(segments(whole), segmentsByHand(tunnel, payloadOf(length), size))
      t.deepEqual(whole, before)
    }
  })

  test(`own tunnels: ${tunnel.title} is finished in one piece where it is short enough, and split where it is too long`, (t) => {
    const payload = payloadOf(1000)
    t.deepEqual(segments(superFrame(tunnel, payload, 1000)), segmentsByHand(tunnel, payload, 1000))
    const long = superFrame(tunnel, payloadOf(5001), 400, GSO_ECN)
    const made: Uint8Array[] = []
    const code = new Splitter().split(long, HEADER, long.length, read(long), 2000, (room, from, to, word) => {
      t.true(to - from <= 2000)
      t.true(to - from > 1400 || segmentOf(word) < 400)
      t.is(cut(room, from, to, word, made), 'Ok')
      return true
    })
    t.is(code, FinishCode.Ok)
    t.deepEqual(made, segmentsByHand(tunnel, payloadOf(5001), 400))
  })
}

test('own tunnels: with Accurate ECN every segment repeats the counter', (t) => {
  for (const tunnel of ownTunnels.slice(0, 12)) {
    for (const type of [GSO_ACCURATE_ECN, GSO_ACCURATE_ECN | GSO_ECN]) {
      t.deepEqual(segments(superFrame(tunnel, payloadOf(2100), 1000, type)), segmentsByHand(tunnel, payloadOf(2100), 1000, true))
    }
  }
})

test('own tunnels: datagrams that each hold a VXLAN frame are cut at the outer UDP header', (t) => {
  for (const port of [8472, 4789]) {
    const one = wrapped([vxlan, ethernet(0x0800), ip4(6, 5), tcp(0x10, pseudo4, 0)], payloadOf(300), 0)
    const three = [...one, ...one, ...one]
    const around: readonly Wrap[] = [ethernet(0x0800), ip4(17, 60), udp(port, pseudo4)]
    const frame = wrapped(around, three, 0)
    const le = (value: number): readonly number[] => [value & 0xff, value >>> 8]
    const whole = Uint8Array.from([1, 5, 0, 0, ...le(one.length), ...le(34), 6, 0, ...frame])
    t.deepEqual(segments(whole), [0, 1, 2].map((i) => Uint8Array.from(wrapped(around, one, i))))
  }
})

const plain = ownTunnels[0]!
const refused = (title: string, name: string, ...wraps: readonly Wrap[]): void => {
  const tunnel: OwnTunnel = { title, wraps, inner: 4 }
  test(`own tunnels: ${title} is refused as ${name}`, (t) => {
    t.is(refusal(superFrame(tunnel, payloadOf(3000), 1000)), name)
    t.is(read(superFrame(tunnel, payloadOf(3000), 1000)), -1)
  })
}
const fragment: Wrap = (inside, i) => {
  const packet = [...ip4(17, 3)(inside, i)]
  packet[6] = 0x20
  return packet
}
const wrongLength: Wrap = (inside, i) => {
  const packet = [...ip4(6, 3)(inside, i)]
  packet[3]! ^= 1
  return packet
}
refused('ESP', 'UnknownTunnel', ethernet(0x0800), ip4(50, 1), bytes(0, 0, 0, 1, 0, 0, 0, 2), ip4(6, 1))
refused('a tunnel over an unknown protocol', 'UnknownTunnel', ethernet(0x0800), ip4(253, 1), ip4(6, 1))
refused('GRE with a source route', 'UnknownTunnel', ethernet(0x0800), ip4(47, 1), bytes(0x40, 0, 8, 0, 0, 0, 0, 0), ip4(6, 1))
refused('a tunnel without an IP header inside', 'UnknownTunnel', ethernet(0x0800), ip4(17, 1), udp(8472), vxlan)
refused('a tunnel whose inner length is wrong', 'UnknownTunnel', ethernet(0x0800), ip4(17, 1), udp(8472), vxlan, ethernet(0x0800), wrongLength)
refused('a fragment of a tunnel', 'Fragment', ethernet(0x0800), fragment, udp(8472), vxlan, ethernet(0x0800), ip4(6, 1))
refused('another protocol at the place', 'WrongSegmentation', ethernet(0x0800), ip4(17, 1))

test('own tunnels: a word whose place is not that of a transport header is refused, wherever it is', (t) => {
  const whole = superFrame(plain, payloadOf(3000), 1000)
  const right = whole.length - HEADER - 84
  for (let place = 1; place <= whole.length + 20; place++) {
    const made: Uint8Array[] = []
    const code = cut(whole, HEADER, whole.length, placedOffload(place, 1000, 0), made)
    t.is(code === 'Ok', place === right, `${place}: ${code}`)
    t.is(made.length, place === right ? 3 : 0)
  }
  t.is(read(superFrame(plain, payloadOf(10), 1000)) & OFFLOAD_PARTIAL, OFFLOAD_PARTIAL)
})
