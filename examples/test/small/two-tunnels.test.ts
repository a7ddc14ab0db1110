import test from 'ava'
import { below, linesOf } from './run.js'

const lines = linesOf('two-tunnels')
const tunnels = (title: string): readonly string[] => below(lines, title).map((line) => line.trim()).filter((line) => / vni /.test(line))

test('two-tunnels: web traffic leaves in the appliance\'s tunnel around the tenant\'s, other traffic in the tenant\'s alone', (t) => {
  t.deepEqual(tunnels('to port 443'), ['Geneve vni 77', 'VXLAN vni 5001'])
  t.deepEqual(tunnels('to port 5432'), ['VXLAN vni 5001'])
})

test('two-tunnels: an answer loses both tunnels, and one that avoided the appliance is dropped', (t) => {
  const answer = below(lines, 'answer by the appliance: Passed')
  t.is(answer[1], 'IPv4 10.0.1.5 > 10.0.0.4, TCP, ttl 64, id 0, DF')
  t.is(answer.length, 4)
  t.true(lines.includes('answer around it: {"_tag":"Dropped","reason":"NotInspected","by":{"port":"vm-1","layer":"chain","group":"web","rule":"around-it"}}'))
})
