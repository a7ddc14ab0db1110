import test from 'ava'
import { allow, block, buildFrame, openSwitch, orThrow, type Port, type RuleJson, rulesLayer } from '../../src/index.js'

const portWith = (rules: readonly RuleJson[], more: { readonly longestPrefix?: string } = {}): Port => {
  const port = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
  orThrow(orThrow(port.addLayer(rulesLayer('r', [allow, block]), { order: 1 })).updateJson({ outbound: [{ name: 'g', rules, ...more }] }))
  return port
}

const told = (port: Port, proto: 'tcp' | 'icmp' = 'tcp'): unknown =>
  port.explain('outbound', orThrow(buildFrame({ proto, srcIp: '10.0.0.4', dstIp: '10.0.1.5' }))).layers[0]?.groups[0]?.passedOver

test('passedOver: tells the better rules that did not match, by priority, each with its first condition that fails', (t) => {
  const port = portWith([
    { do: 'allow', id: 'worse', priority: 30, when: { dstPort: 23 } },
    { do: 'allow', id: 'match', priority: 20 },
    { do: 'allow', id: 'second', priority: 10, when: { proto: 'tcp', dstPort: 22 } },
    { do: 'allow', id: 'first', priority: 5, when: { srcIp: '10.9.0.0/16', dstPort: 22 } },
  ])
  t.deepEqual(told(port), { rules: [{ rule: 'first', because: 'not srcIp in 10.9.0.0/16' }, { rule: 'second', because: 'not dstPort = 22' }], more: 0 })
})

test('passedOver: says of a field that the packet does not have just that', (t) => {
  t.deepEqual(told(portWith([{ do: 'allow', id: 'port', when: { dstPort: 80 } }]), 'icmp'), { rules: [{ rule: 'port', because: 'the packet has no dstPort' }], more: 0 })
})

test('passedOver: tells the first five and counts the rest', (t) => {
  const rules = Array.from({ length: 9 }, (_, i) => ({ do: 'allow', id: `r${i}`, when: { dstPort: 1000 + i } }))
  t.deepEqual((told(portWith(rules)) as { more: number }).more, 4)
})

test('passedOver: of a longest-prefix group tells every other rule that does not match', (t) => {
  const port = portWith(
    [{ do: 'allow', id: 'all', when: { dstIp: '10.0.0.0/8' } }, { do: 'allow', id: 'other', when: { dstIp: '10.1.0.0/16' } }, { do: 'allow', id: 'near', when: { dstIp: '10.0.1.0/24' } }],
    { longestPrefix: 'dstIp' },
  )
  t.deepEqual(told(port), { rules: [{ rule: 'other', because: 'not dstIp in 10.1.0.0/16' }], more: 0 })
})
