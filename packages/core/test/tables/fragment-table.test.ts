import test from 'ava'
import { makeUfid, extractFlow } from '../../src/flow/flow-id.js'
import { FragmentTable } from '../../src/tables/fragment-table.js'
import { frameOf, type Packet } from '../../src/testing/traffic-frames.js'
import { type FrameView, makeFrameView } from '../../src/wire/frame-view.js'
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
    table.remember('inbound', view, words, 0)
  }
  return table
}

const finds = (table: FragmentTable, said: Partial<Packet>, nowUs = 0, direction: 'inbound' | 'outbound' = 'inbound'): boolean => {
  const { view, words } = parsed(said)
  return table.find(direction, view, words, nowUs) !== undefined
}

test('fragment table: a later fragment is found by direction, tenant, addresses and identification', (t) => {
  const tunnel = { underlay: 4, tenant: 0, from: 0 } as const
  const table = remembered(10, {}, { kind: 'first6' }, { tunnel })
  t.true(finds(table, { kind: 'later' }))
  t.true(finds(table, { kind: 'later6' }))
  t.true(finds(table, { kind: 'later', tunnel: { ...tunnel, from: 1 } }))
  t.false(finds(table, { kind: 'later', tunnel: { ...tunnel, tenant: 1 } }))
  t.false(finds(table, { kind: 'later', host: 1 }))
  t.false(finds(table, { kind: 'later', peer: 1 }))
  t.false(finds(table, { kind: 'later', tweak: { identification: 2 } }))
  t.false(finds(table, { kind: 'later' }, 0, 'outbound'))
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
  table.remember('inbound', view, words, 20_000_000)
  table.expire(29_999_999)
  t.is(table.size, 2)
  table.expire(30_000_000)
  t.is(table.size, 1)
  t.true(finds(table, { kind: 'later', host: 1 }, 30_000_000))
})
