import test from 'ava'
import { WORDS } from '../../src/flow/layout.js'
import { proceed } from '../../src/policy/decision.js'
import { LayerFlowTable, type LayerFlowPair } from '../../src/tables/layer-flow-table.js'
import { type Flow, type GroupSpec, makeFlow } from '../../src/testing/flow-arbitraries.js'
import { identity } from '../../src/transposition/construct.js'
import { ipv4 } from '../../src/wire/address.js'

const HERE = ipv4(0x0a000004)
const THERE = ipv4(0x0a000104)
const NATTED = ipv4(0xc000020a)
const OUT: GroupSpec = { l3: 'ipv4', l4: 'tcp', srcIp: HERE, dstIp: THERE, srcPort: 1000, dstPort: 80, srcMac: 1, dstMac: 2, ttl: 64 }
const BACK: GroupSpec = { l3: 'ipv4', l4: 'tcp', srcIp: THERE, dstIp: HERE, srcPort: 80, dstPort: 1000, srcMac: 9, dstMac: 8, ttl: 3, dscp: 5 }

const pairOf = ({ words, depth }: Flow, lastUsedUs = 0): LayerFlowPair<string> => ({
  direction: 'outbound', initial: words.slice(0, depth * WORDS), initialDepth: depth, flowHash: 0, decision: proceed(), reverse: identity, rule: 'r',
  idleUs: 100, lastUsedUs, checked: 0, alive: true, ended: undefined,
    cells: [],
    versions: [],
})

const added = (before: Flow, after: Flow = before) => {
  const table = new LayerFlowTable<string>()
  const pair = pairOf(before)
  const ok = table.add(pair, after.words, after.depth, 0)
  return { table, pair, ok }
}

test('layer flow table: a pair is found from both directions, whatever MACs, TTL and DSCP are', (t) => {
  const { table, pair, ok } = added(makeFlow(OUT))
  t.true(ok)
  const find = (d: 'outbound' | 'inbound', spec: GroupSpec): unknown => table.find(d, makeFlow(spec).words, 1, 50)
  t.is(find('outbound', { ...OUT, srcMac: 7, ttl: 1 }), pair)
  t.is(find('inbound', BACK), pair)
  t.is(find('inbound', OUT), undefined)
  t.is(find('outbound', BACK), undefined)
  t.is(find('outbound', { ...OUT, srcPort: 1001 }), undefined)
  t.is(find('outbound', { ...OUT, l4: 'udp' }), undefined)
})

test('layer flow table: the way back is that of the packet as it left', (t) => {
  const { table, pair } = added(makeFlow(OUT), makeFlow({ ...OUT, srcIp: NATTED }))
  t.is(table.find('inbound', makeFlow({ ...BACK, dstIp: NATTED }).words, 1, 0), pair)
  t.is(table.find('inbound', makeFlow(BACK).words, 1, 0), undefined)
})

test('layer flow table: tunnels are told apart by tenant and addresses, not by entropy', (t) => {
  const outer: GroupSpec = { l3: 'ipv4', l4: 'udp', srcIp: ipv4(1), dstIp: ipv4(2), srcPort: 50_000, dstPort: 4789, vni: 7 }
  const { table, pair } = added(makeFlow(outer, OUT))
  const find = (o: GroupSpec): unknown => table.find('inbound', makeFlow({ ...o, srcIp: ipv4(2), dstIp: ipv4(1) }, BACK).words, 2, 0)
  t.is(find({ ...outer, srcPort: 60_000 }), pair)
  t.is(find({ ...outer, vni: 8 }), undefined)
  t.is(table.find('outbound', makeFlow({ ...outer, dstIp: ipv4(3) }, OUT).words, 2, 0), undefined)
})

test('layer flow table: an echo and its reply are one connection by their identifier', (t) => {
  const echo: GroupSpec = { l3: 'ipv4', l4: 'icmp', srcIp: HERE, dstIp: THERE, icmpType: 8, icmpId: 5 }
  const { table, pair } = added(makeFlow(echo))
  const reply = (icmpId: number): Flow => makeFlow({ ...echo, srcIp: THERE, dstIp: HERE, icmpType: 0, icmpId })
  t.is(table.find('inbound', reply(5).words, 1, 0), pair)
  t.is(table.find('inbound', reply(6).words, 1, 0), undefined)
})

test('layer flow table: a pair ends when it has been idle for its time, to the microsecond', (t) => {
  const { table, pair } = added(makeFlow(OUT))
  t.is(table.find('outbound', makeFlow(OUT).words, 1, 99), pair)
  t.is(table.peek('outbound', makeFlow(OUT).words, 1, 100), undefined)
  t.is(table.size, 2)
  t.is(table.find('outbound', makeFlow(OUT).words, 1, 100), undefined)
  t.is(table.size, 0)
  t.false(pair.alive)
})

test('layer flow table: the way back belongs to one living pair', (t) => {
  const left = makeFlow({ ...OUT, srcIp: NATTED })
  const { table, pair } = added(makeFlow(OUT), left)
  const other = pairOf(makeFlow({ ...OUT, srcIp: ipv4(0x0a000005) }), 100)
  t.is(table.holder('outbound', left.words, 1, 99), pair)
  t.false(table.add(other, left.words, 1, 99))
  t.is(table.find('outbound', other.initial, 1, 99), undefined)
  t.is(table.holder('outbound', left.words, 1, 100), undefined)
  t.true(table.add(other, left.words, 1, 100))
  t.deepEqual([pair.alive, table.size, [...table.pairs()].length], [false, 2, 1])
})

test('layer flow table: adding a pair changes the absence of both its ways, fragments included', (t) => {
  const table = new LayerFlowTable<string>()
  const first = makeFlow({ ...BACK, fragment: 1 })
  const cells = [
    table.absence('outbound', makeFlow(OUT).words, 1), table.absence('inbound', makeFlow(BACK).words, 1),
    // Found by law 5: a first fragment had a cell of its own, which nobody changed.
    table.absence('inbound', first.words, 1),
    table.vacancy('inbound', makeFlow(BACK).words, 1), table.vacancy('outbound', makeFlow(OUT).words, 1),
  ]
  const before = cells.map((c) => c.version)
  table.add(pairOf(makeFlow(OUT)), makeFlow(OUT).words, 1, 0)
  t.true(cells.every((c, i) => c.version > before[i]!))
  t.not(table.find('inbound', first.words, 1, 0), undefined)
})

test('layer flow table: expire and removeIfHeld forget pairs of this table, and no others', (t) => {
  const { table, pair } = added(makeFlow(OUT))
  table.add(pairOf(makeFlow({ ...OUT, srcPort: 7 }), 50), makeFlow({ ...OUT, srcPort: 7 }).words, 1, 50)
  t.is(table.expire(120), 1)
  t.false(pair.alive)
  t.is(table.size, 2)
  const [left] = table.pairs()
  new LayerFlowTable<string>().removeIfHeld(left!)
  t.true(left!.alive)
  table.removeIfHeld(left!)
  t.is(table.size, 0)
})
