import test from 'ava'
import { linesOf } from './run.js'

const lines = linesOf('rule-type-as-data')

test('rule-type-as-data: the rule is explained by its type\'s name and leaves in the tunnel its parameters say', (t) => {
  t.true(lines.includes('  decided by: rule routes/tenant-a (tenant): continue'))
  t.regex(lines.find((line) => line.startsWith('  composed: ')) ?? '', /push nvgre\(vni=5001 192\.0\.2\.1>192\.0\.2\.[23] .* dscp=10 /)
})

test('rule-type-as-data: flows are spread over both hosts, and an address that nobody has drops under the definition\'s reason', (t) => {
  const counts = [...(lines.find((line) => line.startsWith('a hundred flows')) ?? '').matchAll(/192\.0\.2\.[23]: (\d+)/g)].map(([, n]) => Number(n))
  t.is(counts.length, 2)
  t.is(counts.reduce((sum, n) => sum + n, 0), 100)
  t.true(counts.every((n) => n > 25), counts.join(' '))
  t.true(lines.includes('to 10.0.1.6: {"_tag":"Dropped","reason":"NobodyThere","by":{"port":"vm-1","layer":"network","group":"routes","rule":"tenant-a"}}'))
})

test('rule-type-as-data: four mistakes are refused by place and reason, and change nothing', (t) => {
  t.deepEqual(lines.filter((line) => line.startsWith('  /')), [
    '  /types/0/lookups/home/in: there is no resource houses; did you mean "homes"?',
    '  /types/0/transposition/push/0/dstIp/or/field: a MAC address is given where an IP address is wanted',
    '  /types/0/transposition/push/0/dscp/param: there is no such parameter; known are vni, underlay, class; did you mean "class"?',
    '  /outbound/0/rules/0/with/class: expected a number from 0 to 63',
  ])
  t.is(lines.at(-1), 'generation 2')
})
