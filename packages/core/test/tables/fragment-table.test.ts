import test from 'ava'
import { makeUfid, extractFlow } from '../../src/flow/flow-id.js'
import { Shape, Word, WORDS } from '../../src/flow/layout.js'
import { firstFragment, FragmentTable, lendTransport } from '../../src/tables/fragment-table.js'
import { frameOf, type Packet } from '../../src/testing/traffic-frames.js'
import { type FrameView, makeFrameView, Tunnel } from '../../src/wire/frame-view.js'
import { parseFrame } from '../../src/wire/parse.js'

const PLAIN: Packet = { kind: 'first', host: 0, peer: 0, ports: [0, 0], payload: 0, tunnel: undefined, tweak: {} }

const parsed = (said: Partial<Packet>): { readonly view: FrameView; readonly words: Uint32Array } => {
  const frame = frameOf({ ...PLAIN, ...said }, 'inbound')
  const view = makeFrameView()
  parseFrame(view, frame, 0, frame.length)
  const words = makeUfid()
  extractFlow(view, words)
  return { view, words }
}

const remembered = (capacity: number, ...packets: readonly Partial<Packet>[]): FragmentTable => {
  const table = new FragmentTable(capacity)
  for (const said of packets) {
    const { view, words } = parsed(said)
    table.remember(firstFragment(view, words, 0))
  }
  return table
}

const finds = (table: FragmentTable, said: Partial<Packet>, nowUs = 0): boolean => {
  const { view, words } = parsed(said)
  return table.find(view, words, nowUs) !== undefined
}

test('fragment table: a later fragment is found by tenant, addresses and identification', (t) => {
  const tunnel = { underlay: 4, tenant: 0, from: 0 } as const
  const table = remembered(10, {}, { kind: 'first6' }, { tunnel })
  t.true(finds(table, { kind: 'later' }))
  t.true(finds(table, { kind: 'later6' }))
  t.true(finds(table, { kind: 'later', tunnel: { ...tunnel, from: 1 } }))
  t.false(finds(table, { kind: 'later', tunnel: { ...tunnel, tenant: 1 } }))
  t.false(finds(table, { kind: 'later', host: 1 }))
  t.false(finds(table, { kind: 'later', peer: 1 }))
  t.false(finds(table, { kind: 'later', tweak: { identification: 2 } }))
})

test('fragment table: one network by another tunnel is another tenant', (t) => {
  const tunnel = { underlay: 4, tenant: 0, from: 0 } as const
  const table = remembered(10, { tunnel })
  const { view, words } = parsed({ kind: 'later', tunnel })
  t.not(table.find(view, words, 0), undefined)
  words[Word.SHAPE] = words[Word.SHAPE]! ^ ((Tunnel.Vxlan ^ Tunnel.Geneve) << Shape.TUNNEL_SHIFT)
  t.is(table.find(view, words, 0), undefined)
})

test('fragment table: a datagram is forgotten after 30 seconds', (t) => {
  t.true(finds(remembered(10, {}), { kind: 'later' }, 29_999_999))
  t.false(finds(remembered(10, {}), { kind: 'later' }, 30_000_000))
})

test('fragment table: the oldest datagram gives way when the table is full', (t) => {
  const table = remembered(2, {}, { host: 1 }, { peer: 1 })
  t.is(table.size, 2)
  t.deepEqual([{ kind: 'later' as const }, { kind: 'later' as const, host: 1 }, { kind: 'later' as const, peer: 1 }].map((p) => finds(table, p)), [false, true, true])
})

test('fragment table: a datagram seen again is the youngest, and the same', (t) => {
  const table = remembered(2, {}, { host: 1 }, {}, { peer: 1 })
  t.deepEqual([finds(table, { kind: 'later' }), finds(table, { kind: 'later', host: 1 })], [true, false])
})

test('fragment table: expire forgets what is over and keeps the rest', (t) => {
  const table = remembered(10, {})
  const { view, words } = parsed({ host: 1 })
  table.remember(firstFragment(view, words, 20_000_000))
  table.expire(29_999_999)
  t.is(table.size, 2)
  table.expire(30_000_000)
  t.is(table.size, 1)
  t.true(finds(table, { kind: 'later', host: 1 }, 30_000_000))
})

test('fragment table: a later fragment is lent the transport of its first, and keeps all else', (t) => {
  const first = parsed({ kind: 'first', tweak: { srcMac: 2, vlan: 7, dscp: 46, ttl: 3 } })
  const { view, words } = parsed({ kind: 'later', tweak: { srcMac: 3, vlan: 8, dscp: 10, ttl: 9 } })
  const own = words.slice()
  first.words[Word.CLASS] = first.words[Word.CLASS]! | 0x102
  first.words[Word.SEQ] = 5
  lendTransport(firstFragment(first.view, first.words, 0), words, view.depth)
  const lent = [Word.SHAPE, Word.PORTS, Word.CLASS, Word.SEQ]
  t.deepEqual(Array.from({ length: WORDS }, (_, i) => i).filter((i) => words[i] !== own[i]), lent)
  const l4 = Shape.PART_MASK << Shape.L4_SHIFT
  t.is(words[Word.SHAPE]! & l4, first.words[Word.SHAPE]! & l4)
  t.is(words[Word.SHAPE]! & ~l4, own[Word.SHAPE]! & ~l4)
  t.is(words[Word.PORTS], first.words[Word.PORTS])
  t.is(words[Word.CLASS], (10 << 16) | 0x102)
})
