import test from 'ava'
import { manualClock } from '../../src/clock.js'
import { type LateOptions, lateResource } from '../../src/testing/late-resource.js'

const make = (options: Partial<LateOptions> = {}) => {
  const clock = manualClock()
  const resource = lateResource('late', (key: number) => (key < 10 ? -key : undefined), clock, { seed: 7, ...options })
  /** Keys in the order their answers come, with their times. */
  const course = (keys: readonly number[]): readonly string[] => {
    const told: string[] = []
    const known = new Set<number>()
    for (const key of keys) resource.request?.(key)
    for (let next = resource.nextUs(); next !== undefined; next = resource.nextUs()) {
      clock.moveToUs(next)
      const given = resource.deliver()
      const fresh = keys.filter((key) => !known.has(key) && resource.lookup(key)._tag !== 'Unknown')
      for (const key of fresh) known.add(key)
      told.push(`${clock.nowUs()}: ${given} for ${fresh.join(' ')}`)
    }
    return told
  }
  return { clock, resource, course }
}

test('lateResource: knows nothing before, and what is true after, with a cell that has moved', (t) => {
  const { resource, clock } = make()
  const before = resource.lookup(3)
  const { version } = before.cell
  t.is(before._tag, 'Unknown')
  resource.request?.(3)
  resource.request?.(11)
  t.is(resource.lookup(3)._tag, 'Unknown')
  clock.advanceUs(100_000)
  t.is(resource.deliver(), 2)
  t.like(resource.lookup(3), { _tag: 'Found', value: -3, cell: before.cell })
  t.is(before.cell.version, version + 1)
  t.is(resource.lookup(11)._tag, 'Absent')
  t.deepEqual(resource.requests(), ['3', '11'])
  resource.forget(3)
  t.deepEqual([resource.lookup(3)._tag, before.cell.version], ['Unknown', version + 2])
})

test('lateResource: answers come at times of chance within the bound, not in the order of requests, and equal seeds are equal', (t) => {
  const keys = Array.from({ length: 20 }, (_, i) => i)
  const course = make().course(keys)
  t.deepEqual(course, make().course(keys))
  t.notDeepEqual(course, make({ seed: 8 }).course(keys))
  const order = course.map((line) => Number(line.split(' ').at(-1)))
  t.notDeepEqual(order, keys)
  t.deepEqual([...order].sort((a, b) => a - b), keys)
  t.true(make({ maxDelayUs: 9 }).course(keys).every((line) => Number(line.split(':')[0]) <= 9))
})

test('lateResource: may answer twice or never', (t) => {
  const keys = [1, 2, 3]
  const given = (options: Partial<LateOptions>): number => make(options).course(keys).reduce((sum, line) => sum + Number(line.split(' ')[1]), 0)
  t.deepEqual([given({}), given({ twicePercent: 100 }), given({ neverPercent: 100 })], [3, 6, 0])
})

test('lateResource: tells those who watch it, until they end it', (t) => {
  const { resource } = make()
  let told = 0
  const ends = [1, 2].map(() => resource.watch?.(() => { told++ }))
  resource.answer(1)
  ends[0]?.()
  resource.answer(2)
  t.deepEqual([told, resource.watchers()], [3, 1])
  t.is(make({ watchable: false }).resource.watch, undefined)
})
