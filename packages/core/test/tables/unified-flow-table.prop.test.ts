import test from 'ava'
import fc from 'fast-check'
import type { FlowMask } from '../../src/flow/flow-mask.js'
import type { Direction } from '../../src/flow/flow-id.js'
import { Word, WORDS } from '../../src/flow/layout.js'
import { identity } from '../../src/transposition/construct.js'
import { compile } from '../../src/transposition/program.js'
import type { UnifiedFlow } from '../../src/tables/unified-flow.js'
import { MAX_ALIKE, UnifiedFlowTable } from '../../src/tables/unified-flow-table.js'
import { makeFlow } from '../../src/testing/flow-arbitraries.js'
import { runs } from '../datapath/support.js'

const NO_MASK: FlowMask = { at: new Uint16Array(0), bits: new Uint32Array(0) }
const MASK: FlowMask = { at: Uint16Array.of(Word.MAC_2), bits: Uint32Array.of(0xff) }
const PROGRAM = compile(identity)

/** A key of few possible ones: an always-word and a named one. */
interface Key {
  readonly direction: Direction
  readonly port: number
  readonly mac: number
}

const wordsOf = ({ port, mac }: Key): Uint32Array => makeFlow({ l3: 'ipv4', l4: 'udp', dstPort: port, srcMac: mac }).words

/** Hashes of four values only, the worst spread there is: runs overlap and wrap around. */
const hashOf = ({ port }: Key): number => [0, 1, -1, 0x8000003f | 0][port % 4]!

const flowOf = (key: Key, mask: FlowMask, lastHitUs = 0): UnifiedFlow => ({
  direction: key.direction, words: wordsOf(key).slice(0, WORDS), depth: 1, hash: hashOf(key), mask, verdict: { _tag: 'Continue' }, transposition: identity,
  program: PROGRAM, contexts: [], mirrors: [], tallies: [], reason: 0, by: undefined, generation: 0, cells: [], versions: [], lifelines: [], peer: undefined,
  createdUs: 0, lastHitUs, packets: 0, bytes: 0, installed: false,
})

const key = fc.record({ direction: fc.constantFrom<Direction[]>('outbound', 'inbound'), port: fc.nat(60), mac: fc.nat(2) })
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('insert' as const), key, masked: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const), budget: fc.nat(100), modulo: fc.integer({ min: 2, max: 5 }) }) },
)

test('unified flow table: finds what a Map would, under any inserts, removals and sweeps', (t) => {
  const seen = { recycled: 0 }
  fc.assert(fc.property(fc.array(step, { size: 'max', maxLength: 300 }), fc.constantFrom(1000, 20), (steps, capacity) => {
    const table = new UnifiedFlowTable(capacity)
    // The model: by always-words, those flows in it, which masks keep from overlapping.
    const model = new Map<string, UnifiedFlow[]>()
    const at = (k: Key): UnifiedFlow[] => model.get(`${k.direction} ${k.port}`) ?? []
    const inModel = (k: Key): UnifiedFlow | undefined => at(k).find((f) => f.mask === NO_MASK || (f.words[Word.MAC_2]! & 0xff) === k.mac)
    const find = (k: Key): UnifiedFlow | undefined => table.lookup(hashOf(k), k.direction, wordsOf(k), 1)
    let size = 0
    let now = 0
    const forget = (k: string, flow: UnifiedFlow): void => {
      model.set(k, (model.get(k) ?? []).filter((f) => f !== flow))
      size--
    }
    for (const s of steps) {
      if (s.do === 'insert') {
        const mine = at(s.key)
        // As the datapath does: only what is not found is inserted, and no flow covers another.
        if (inModel(s.key) !== undefined || (!s.masked && mine.length > 0)) continue
        const flow = flowOf(s.key, s.masked ? MASK : NO_MASK, (now = now + 7 * (s.key.port % 3) - 5))
        const alike = [...model.values()].flat().filter((f) => f.hash === flow.hash)
        if (alike.length === MAX_ALIKE) {
          // Of equally stale ones any may go.
          const before = new Set(table.flows())
          const inserted = table.insert(flow)
          const after = new Set(table.flows())
          const [gone, ...more] = [...before].filter((f) => !after.has(f))
          if (gone === undefined || more.length > 0 || !inserted || gone.installed || !alike.includes(gone)) return false
          if (alike.some((f) => f.lastHitUs < gone.lastHitUs)) return false
          forget(`${gone.direction} ${gone.words[Word.PORTS]! & 0xffff}`, gone)
          model.set(`${s.key.direction} ${s.key.port}`, [...at(s.key), flow])
          size++
          seen.recycled++
          continue
        }
        const full = size >= capacity
        if (table.insert(flow) === full) return false
        if (full) continue
        model.set(`${s.key.direction} ${s.key.port}`, [...mine, flow])
        size++
      } else if (s.do === 'remove') {
        const flow = find(s.key)
        if (flow !== inModel(s.key)) return false
        if (flow === undefined) continue
        table.remove(flow)
        table.remove(flow)
        forget(`${s.key.direction} ${s.key.port}`, flow)
      } else {
        const isOver = (flow: UnifiedFlow): boolean => (flow.words[Word.PORTS]! & 0xffff) % s.modulo === 0
        const before = new Set(table.flows())
        const gone = table.sweep(s.budget, isOver)
        const after = new Set(table.flows())
        const removed = [...before].filter((f) => !after.has(f))
        if (removed.length !== gone || gone > s.budget || !removed.every(isOver)) return false
        for (const flow of removed) forget(`${flow.direction} ${flow.words[Word.PORTS]! & 0xffff}`, flow)
      }
      if (table.size !== size || [...table.flows()].length !== size) return false
    }
    for (const direction of ['outbound', 'inbound'] as const) {
      for (let port = 0; port <= 60; port++) {
        for (let mac = 0; mac <= 2; mac++) if (find({ direction, port, mac }) !== inModel({ direction, port, mac })) return false
      }
    }
    return [...table.flows()].every((f) => f.installed)
  }), { numRuns: runs(200) })
  t.true(seen.recycled > 0)
})

test('unified flow table: a sweep of the whole table looks at every flow', (t) => {
  const table = new UnifiedFlowTable(100)
  for (let port = 0; port < 50; port++) table.insert(flowOf({ direction: 'outbound', port, mac: 0 }, NO_MASK))
  t.is(table.sweep(Number.MAX_SAFE_INTEGER, () => true), 50)
  t.is(table.size, 0)
})

test('unified flow table: sweeps of a small budget come to every flow in turn', (t) => {
  const table = new UnifiedFlowTable(100)
  for (let port = 0; port < 50; port++) table.insert(flowOf({ direction: 'outbound', port, mac: 0 }, NO_MASK))
  const looked = new Set<UnifiedFlow>()
  for (let i = 0; i < 10; i++) table.sweep(5, (flow) => looked.size === looked.add(flow).size && false)
  t.is(looked.size, 50)
})

test('unified flow table: find passes over masks and direction matters', (t) => {
  const table = new UnifiedFlowTable(10)
  const flow = flowOf({ direction: 'outbound', port: 1, mac: 1 }, MASK)
  table.insert(flow)
  const other = { direction: 'outbound', port: 1, mac: 2 } as const
  t.is(table.lookup(hashOf(other), 'outbound', wordsOf(other), 1), undefined)
  t.is(table.find(hashOf(other), 'outbound', wordsOf(other), 1), flow)
  t.is(table.find(hashOf(other), 'inbound', wordsOf(other), 1), undefined)
})

test('unified flow table: a removed flow and its peer let go of each other', (t) => {
  const table = new UnifiedFlowTable(10)
  const a = flowOf({ direction: 'outbound', port: 1, mac: 1 }, NO_MASK)
  const b = flowOf({ direction: 'inbound', port: 1, mac: 1 }, NO_MASK)
  table.insert(a)
  table.insert(b)
  a.peer = b
  b.peer = a
  table.remove(a)
  t.deepEqual([a.peer, b.peer, a.installed, b.installed], [undefined, undefined, false, true])
})

test('unified flow table: of flows with one hash no more than MAX_ALIKE are held, and the stalest goes', (t) => {
  const table = new UnifiedFlowTable(1000)
  const key = { direction: 'outbound', port: 1 } as const
  const flows = Array.from({ length: 100 }, (_, mac) => flowOf({ ...key, mac }, MASK, mac))
  for (const flow of flows) {
    t.true(table.insert(flow))
    // The very first is in use all the time.
    flows[0]!.lastHitUs = flow.lastHitUs + 1
  }
  t.is(table.size, MAX_ALIKE)
  t.deepEqual(flows.filter((f) => f.installed), [flows[0]!, ...flows.slice(1 - MAX_ALIKE)])
})

test('unified flow table: a full table takes a flow whose like makes room', (t) => {
  const table = new UnifiedFlowTable(MAX_ALIKE)
  for (let mac = 0; mac < MAX_ALIKE; mac++) table.insert(flowOf({ direction: 'outbound', port: 1, mac }, MASK, mac))
  t.false(table.insert(flowOf({ direction: 'outbound', port: 2, mac: 0 }, MASK, 50)))
  t.true(table.insert(flowOf({ direction: 'outbound', port: 1, mac: 99 }, MASK, 50)))
  t.is(table.size, MAX_ALIKE)
})
