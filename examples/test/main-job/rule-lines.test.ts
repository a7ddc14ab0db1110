import test from 'ava'
import { merged } from '../../main-job/rule-lines.js'

test('rule lines: several orders become one that keeps each of them', (t) => {
  t.deepEqual(merged([['ping', 'otherwise'], ['web', 'ping', 'otherwise'], ['names', 'web', 'otherwise']]), ['names', 'web', 'ping', 'otherwise'])
  t.deepEqual(merged([['a', 'b'], ['c', 'b'], []]), ['a', 'c', 'b'])
  t.deepEqual(merged([]), [])
})

test('rule lines: orders that contradict each other still end with the catch-all, and lose nothing', (t) => {
  t.deepEqual(merged([['otherwise'], ['a', 'b', 'otherwise'], ['b', 'a', 'otherwise']]), ['a', 'b', 'otherwise'])
})
