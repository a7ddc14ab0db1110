import test from 'ava'
import { linesOf } from './run.js'

const lines = linesOf('pending-mapping')

test('pending-mapping: each address is asked for once, however many packets wait for it', (t) => {
  t.deepEqual(lines.filter((line) => line.includes('asked:')).map((line) => line.trim()), [
    '0 ms  asked: where is vni 5001 10.0.1.5?', '0 ms  asked: where is vni 5001 10.0.1.6?', '15 ms  asked: where is vni 5001 10.0.1.7?',
  ])
  t.true(lines.includes('waiting: 4 frames for 2 keys; cached flows: 0'))
})

test('pending-mapping: the answer releases what waited for it, each flow in its order, and no other', (t) => {
  t.deepEqual(lines.filter((line) => line.includes('released:')).map((line) => /(\d+ ms) .* port (\d+), sequence (\d)/.exec(line)?.slice(1)), [
    ['15 ms', '40001', '1'], ['15 ms', '40001', '2'], ['15 ms', '40002', '1'],
  ])
})

test('pending-mapping: who is nowhere and who was never answered are counted drops, and nobody waits any more', (t) => {
  const end: unknown = JSON.parse((lines.at(-1) ?? '').replace('in the end: ', ''))
  t.deepEqual(end, { waiting: 0, waitingBytes: 0, keys: 0, asked: 3, released: 3, timedOut: 1, drops: { NoMapping: 1, PendingTimeout: 1 } })
})
