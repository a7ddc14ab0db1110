import test from 'ava'
import { nearest, suggestion } from '../../src/check/suggest.js'

const KNOWN = ['dstPort', 'srcPort', 'ttl', 'vni', 'priority', 'idleMs', 'outbound', 'inbound']

for (const [name, meant] of [
  ['dstport', 'dstPort'], ['dstPrt', 'dstPort'], ['dtsPort', 'dstPort'], ['outbond', 'outbound'], ['prioirty', 'priority'], ['vin', 'vni'], ['tttl', 'ttl'], ['idlems', 'idleMs'], ['VNI', 'vni'],
] as const) {
  test(`nearest: ${name} is taken for ${meant}`, (t) => { t.is(nearest(name, KNOWN), meant) })
}

test('nearest: what is far from all is taken for none, and so is what is endless', (t) => {
  for (const name of ['', 'x', 'colour', 'toString', '__proto__', 'd'.repeat(1_000_000)]) t.is(nearest(name, KNOWN), undefined)
  t.is(nearest('b', ['a', 'c']), undefined)
  t.is(suggestion(7, KNOWN), '')
  t.is(suggestion('vin', KNOWN), '; did you mean "vni"?')
})
