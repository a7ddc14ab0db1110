import { formatIp } from '@vfp-ts/core'
import test from 'ava'
import type { Neighbour } from '../../src/underlay/neighbour.js'
import { NeighbourTable } from '../../src/underlay/neighbour-table.js'
import type { UnderlayOptions } from '../../src/underlay/underlay-options.js'
import { config, ip, mac } from './config.js'
import { manualTimers, type ManualTimers } from '../../src/nic/index.js'

interface Tried {
  readonly table: NeighbourTable
  readonly timers: ManualTimers
  /** What the table had done, in order; taken away by the call. */
  readonly done: () => readonly string[]
  readonly reach: (address: string) => Neighbour
}

const tried = (options: Partial<UnderlayOptions> = {}): Tried => {
  const timers = manualTimers()
  let log: string[] = []
  const table = new NeighbourTable(config({ timers, ...options }), {
    ask: ({ ip: target, source }, everybody) => log.push(`ask ${everybody ? 'all' : 'one'} ${formatIp(target)} from ${formatIp(source)}`),
    release: (_, frames) => log.push(`release ${frames.map(({ frame }) => frame.join('')).join(' ')}`),
    lose: (frames, reason) => log.push(`lose ${frames} ${reason}`),
    forget: () => log.push('forget'),
  })
  return {
    table,
    timers,
    done: () => {
      const taken = log
      log = []
      return taken
    },
    reach: (address) => {
      const found = table.reach(ip(address), ip('192.0.2.1'))
      if (found === undefined) throw new Error('no room')
      return found
    },
  }
}

const A = mac('02:00:00:00:00:0a')
const B = mac('02:00:00:00:00:0b')
const answered = { solicited: true, override: true }
const unasked = { solicited: false, override: true }
const frame = (n: number): Uint8Array => Uint8Array.of(n)
const TWO = '192.0.2.2'

test('neighbour table: asks once for many frames, and lets them go in order', (t) => {
  const { table, done, reach } = tried()
  const bytes = frame(1)
  table.wait(reach(TWO), bytes, 0)
  bytes[0] = 9
  table.wait(reach(TWO), frame(2), 0)
  t.deepEqual(done(), ['ask all 192.0.2.2 from 192.0.2.1'])
  table.learn(ip(TWO), A, answered)
  t.deepEqual(done(), ['release 1 2'])
  t.like(table.report()[0], { ip: TWO, mac: '02:00:00:00:00:0a', state: 'reachable', waiting: 0 })
})

test('neighbour table: gives up after the tries, refuses for a while, and then asks anew', (t) => {
  const { table, timers, done, reach } = tried()
  table.wait(reach(TWO), frame(1), 0)
  timers.advance(2_999)
  t.is(done().length, 3)
  timers.advance(1)
  t.deepEqual(done(), ['lose 1 Unresolved'])
  table.wait(reach(TWO), frame(2), 0)
  t.deepEqual(done(), ['lose 1 Unresolved'])
  timers.advance(5_000)
  t.deepEqual(done(), ['forget'])
  t.is(timers.pending(), 0)
  table.wait(reach(TWO), frame(3), 0)
  t.deepEqual(done(), ['ask all 192.0.2.2 from 192.0.2.1'])
})

test('neighbour table: an answer for one that was given up brings it back', (t) => {
  const { table, timers, reach } = tried()
  table.wait(reach(TWO), frame(1), 0)
  timers.advance(3_000)
  t.is(reach(TWO).state, 'failed')
  table.learn(ip(TWO), A, answered)
  t.true(reach(TWO).resolved)
})

test('neighbour table: drops the oldest of too many that wait', (t) => {
  const { table, done, reach } = tried({ maxWaiting: 2 })
  for (const n of [1, 2, 3]) table.wait(reach(TWO), frame(n), 0)
  table.learn(ip(TWO), A, answered)
  t.deepEqual(done(), ['ask all 192.0.2.2 from 192.0.2.1', 'lose 1 WaitingOverflow', 'release 2 3'])
})

test('neighbour table: asks a neighbour that is used again and again, one that is not never', (t) => {
  const { table, timers, done, reach } = tried()
  table.wait(reach(TWO), frame(1), 0)
  table.learn(ip(TWO), A, answered)
  done()
  timers.advance(31_000)
  t.is(reach(TWO).state, 'stale')
  timers.advance(60_000)
  t.deepEqual(done(), [])
  reach(TWO).used = true
  timers.advance(1_000)
  t.deepEqual(done(), ['ask one 192.0.2.2 from 192.0.2.1'])
  table.learn(ip(TWO), A, answered)
  t.is(reach(TWO).state, 'reachable')
})

test('neighbour table: asks everybody when the MAC that is known is silent, while frames go on, then gives up', (t) => {
  const { table, timers, done, reach } = tried()
  table.wait(reach(TWO), frame(1), 0)
  table.learn(ip(TWO), A, unasked)
  done()
  reach(TWO).used = true
  timers.advance(6_000)
  t.deepEqual(done().map((each) => each.split(' ')[1]), ['one', 'one', 'one', 'all', 'all', 'all'])
  t.true(reach(TWO).resolved)
  timers.advance(1_000)
  t.is(reach(TWO).state, 'failed')
})

test('neighbour table: forgets a neighbour to whom nothing is sent', (t) => {
  const { table, timers, reach } = tried({ idleMs: 60_000 })
  table.wait(reach(TWO), frame(1), 0)
  table.learn(ip(TWO), A, answered)
  timers.advance(62_000)
  t.deepEqual(table.report(), [])
  t.is(timers.pending(), 0)
})

test('neighbour table: learns nothing of strangers', (t) => {
  const { table, timers } = tried()
  for (let i = 2; i < 250; i++) table.learn(ip(`192.0.2.${i}`), A, answered)
  t.deepEqual(table.report(), [])
  t.is(timers.pending(), 0)
})

// RFC 4861 §7.2.5, case by case.
test('neighbour table: follows a MAC that changed, unless the teller says it does not override', (t) => {
  const { table, reach } = tried()
  const state = (): string => `${table.report()[0]?.mac ?? '-'} ${reach(TWO).state}`
  reach(TWO)
  table.learn(ip(TWO), undefined, answered)
  t.is(state(), '- incomplete')
  table.learn(ip(TWO), A, { solicited: true, override: false })
  t.is(state(), '02:00:00:00:00:0a reachable')
  table.learn(ip(TWO), B, { solicited: true, override: false })
  t.is(state(), '02:00:00:00:00:0a stale')
  table.learn(ip(TWO), B, { solicited: true, override: false })
  t.is(state(), '02:00:00:00:00:0a stale')
  table.learn(ip(TWO), undefined, answered)
  t.is(state(), '02:00:00:00:00:0a reachable')
  table.learn(ip(TWO), A, unasked)
  t.is(state(), '02:00:00:00:00:0a reachable')
  table.learn(ip(TWO), B, unasked)
  t.is(state(), '02:00:00:00:00:0b stale')
  table.learn(ip(TWO), A, answered)
  t.is(state(), '02:00:00:00:00:0a reachable')
})

test('neighbour table: when full, lets go of who failed or is stale and unused, else takes no more', (t) => {
  const { table, timers, reach } = tried({ maxNeighbours: 2 })
  table.wait(reach('192.0.2.2'), frame(1), 0)
  table.wait(reach('192.0.2.3'), frame(1), 0)
  t.is(table.reach(ip('192.0.2.4'), ip('192.0.2.1')), undefined)
  table.learn(ip('192.0.2.2'), A, answered)
  timers.advance(3_000)
  reach('192.0.2.4')
  t.deepEqual(table.report().map((n) => `${n.ip} ${n.state}`), ['192.0.2.2 reachable', '192.0.2.4 incomplete'])
})

test('neighbour table: doubts all after the link was away', (t) => {
  const { table, timers, done, reach } = tried()
  table.wait(reach(TWO), frame(1), 0)
  table.learn(ip(TWO), A, answered)
  table.doubt()
  reach(TWO).used = true
  done()
  timers.advance(1_000)
  t.deepEqual(done(), ['ask one 192.0.2.2 from 192.0.2.1'])
})

test('neighbour table: counts what waits when it is closed, and holds no timer', (t) => {
  const { table, timers, done, reach } = tried()
  table.wait(reach(TWO), frame(1), 0)
  done()
  table.close()
  t.deepEqual(done(), ['lose 1 Unresolved', 'forget'])
  t.is(timers.pending(), 0)
})
