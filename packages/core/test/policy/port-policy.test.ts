import test from 'ava'
import { isRight } from 'fp-ts/lib/Either.js'
import { List } from 'immutable'
import fc from 'fast-check'
import {
  emptyPolicy, findLayer, type GroupInForce, insertLayer, type Place, type PortPolicy, removeLayer, replaceGroups,
} from '../../src/policy/port-policy.js'

const add = (policy: PortPolicy, key: number, place: Place) =>
  insertLayer(policy, { key, name: `l${key}`, type: 'any', version: 0, groups: List<GroupInForce>() }, place)

const names = (policy: PortPolicy): readonly string[] => policy.layers.map((l) => l.name).toArray()

const build = (...places: readonly Place[]): PortPolicy =>
  places.reduce((policy, place, i) => {
    const next = add(policy, i, place)
    return isRight(next) ? next.right : policy
  }, emptyPolicy)

test('insertLayer: sorts by order, equal orders as they came', (t) => {
  t.deepEqual(names(build({ order: 10 }, { order: 5 }, { order: 10 }, { order: 7 }, { order: -1 })), ['l4', 'l1', 'l3', 'l0', 'l2'])
})

test('insertLayer: puts a layer right before or right behind a named one', (t) => {
  t.deepEqual(names(build({ order: 10 }, { order: 20 }, { before: 'l1' }, { after: 'l0' })), ['l0', 'l3', 'l2', 'l1'])
})

test('insertLayer: gives a layer placed by name the order of its neighbour, so that orders stay sorted', (t) => {
  const policy = build({ order: 10 }, { order: 20 }, { after: 'l0' }, { order: 10 }, { order: 15 })
  t.deepEqual(names(policy), ['l0', 'l2', 'l3', 'l4', 'l1'])
})

test('insertLayer: refuses a neighbour that is not there by its name', (t) => {
  t.deepEqual(add(build({ order: 1 }), 9, { before: 'nobody' }), { _tag: 'Left', left: 'nobody' })
  t.deepEqual(add(build({ order: 1 }), 9, { after: 'nobody' }), { _tag: 'Left', left: 'nobody' })
})

test('insertLayer: keeps orders sorted whatever is placed where', (t) => {
  const place = fc.oneof(
    fc.integer({ min: -3, max: 3 }).map((order): Place => ({ order })),
    fc.nat(5).map((n): Place => ({ before: `l${n}` })),
    fc.nat(5).map((n): Place => ({ after: `l${n}` })),
  )
  fc.assert(fc.property(fc.array(place, { maxLength: 8 }), (places) => {
    const policy = build(...places)
    const orders = policy.layers.map((l) => l.order).toArray()
    return policy.generation === orders.length && orders.every((o, i) => i === 0 || orders[i - 1]! <= o)
  }))
  t.pass()
})

test('PortPolicy: a change makes a new snapshot of the next generation and leaves the old one alone', (t) => {
  const before = build({ order: 1 }, { order: 2 })
  const text = JSON.stringify(before)
  const removed = removeLayer(before, 0)
  const replaced = replaceGroups(before, 1, List<GroupInForce>())
  t.is(removed.generation, before.generation + 1)
  t.is(replaced.generation, before.generation + 1)
  t.is(findLayer(removed, 0), undefined)
  t.is(findLayer(replaced, 1)?.version, 1)
  t.is(findLayer(replaced, 0)?.version, 0)
  t.is(JSON.stringify(before), text)
})
