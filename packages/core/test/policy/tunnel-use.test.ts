import test from 'ava'
import { between, type Condition, conditions, formatIp, formatPrefix, inPrefix, is, oneOf, orThrow, parseIp, type TunnelEnd } from '../../src/index.js'
import { tunnelEndsOf } from '../../src/policy/tunnel-use.js'

const shown = ({ kind, udpPort, ip }: TunnelEnd): string =>
  `${kind ?? 'any'}${udpPort === undefined ? '' : `:${udpPort}`}${ip === undefined ? '' : ` ${'words' in ip ? formatIp(ip) : formatPrefix(ip)}`}`
const ends = (when: readonly Condition[], removes: readonly TunnelEnd[] = [{}], group: readonly Condition[] = []): readonly string[] =>
  tunnelEndsOf({ conditions: when, stateful: undefined, tunnels: { removes } }, 'inbound', group).map(shown)
const ip = (text: string) => orThrow(parseIp(text))

test('tunnel use: conditions on the outer header narrow where tunnels end', (t) => {
  t.deepEqual(ends([]), ['vxlan', 'nvgre', 'geneve', 'gre'])
  t.deepEqual(ends([is('vni', 7)]), ['vxlan', 'nvgre', 'geneve'], 'plain GRE has no identifier')
  t.deepEqual(ends([is('tunnel', 4)]), ['gre'])
  t.deepEqual(ends([is('proto', 47)]), ['nvgre', 'gre'])
  t.deepEqual(ends([is('proto', 6)]), [])
  t.deepEqual(ends([is('tunnel', 1), oneOf('dstIp', [ip('192.0.2.1'), ip('2001:db8::1')])]), ['vxlan 192.0.2.1/32', 'vxlan 2001:db8::1/128'])
  t.deepEqual(ends([is('tunnel', 1), inPrefix('dstIp', ip('192.0.2.0'), 30)]), ['vxlan 192.0.2.0/30'])
  t.deepEqual(ends([is('tunnel', 1), between('dstIp', ip('192.0.2.1'), ip('192.0.2.6'))]), ['vxlan 192.0.2.1/32', 'vxlan 192.0.2.2/31', 'vxlan 192.0.2.4/31', 'vxlan 192.0.2.6/32'])
  t.deepEqual(ends([is('tunnel', 1), between('dstIp', ip('0.0.0.0'), ip('255.255.255.255'))]), ['vxlan 0.0.0.0/0'])
  t.deepEqual(ends([is('inner.dstIp', ip('10.0.0.1')), is('tunnel', 2)]), ['nvgre'], 'what is inside narrows the rule, not the end')
})

test('tunnel use: conditions of a rule, its group and its type hold together', (t) => {
  t.deepEqual(ends([is('dstIp', ip('192.0.2.1'))], [{ kind: 'geneve' }], [inPrefix('dstIp', ip('192.0.2.0'), 24)]), ['geneve 192.0.2.1/32'])
  t.deepEqual(ends([is('dstIp', ip('192.0.2.1'))], [{ kind: 'geneve' }], [inPrefix('dstIp', ip('198.51.100.0'), 24)]), [])
  t.deepEqual(ends([inPrefix('dstIp', ip('192.0.2.0'), 24)], [{ kind: 'geneve', ip: ip('192.0.2.9') }]), ['geneve 192.0.2.9/32'])
  t.deepEqual(ends([is('tunnel', 1)], [{ kind: 'geneve' }]), [])
})

test('tunnel use: a UDP port other than the standard one is named with its kind', (t) => {
  t.deepEqual(ends([is('dstPort', 8472)]), [])
  t.deepEqual(ends([is('dstPort', 80)]), [], 'a port alone opens nothing')
  t.deepEqual(ends([is('dstPort', 6081)]), ['geneve:6081'])
  t.deepEqual(ends([is('tunnel', 1), oneOf('dstPort', [8472, 4789])]), ['vxlan:4789', 'vxlan:8472'])
  t.deepEqual(ends([is('tunnel', 3), is('dstPort', 4789)]), ['geneve:4789'])
  t.deepEqual(ends([between('dstPort', 4000, 5000)]), ['vxlan:4789'])
  t.deepEqual(ends([is('dstPort', 8472)], [{ kind: 'vxlan', udpPort: 8472 }]), ['vxlan:8472'])
  t.deepEqual(ends([is('dstPort', 4789)], [{ kind: 'vxlan', udpPort: 8472 }]), [])
})

test('tunnel use: of a rule that removes two, the second tunnel is narrowed by conditions on the group inside', (t) => {
  const when = orThrow(conditions({ tunnel: 'vxlan', dstIp: '192.0.2.1', 'inner.tunnel': 'geneve', 'inner.dstIp': '192.0.2.7' }))
  t.deepEqual(ends(when, [{}, {}]), ['vxlan 192.0.2.1/32', 'geneve 192.0.2.7/32'])
})

test('tunnel use: outbound only stateful rules make ends, where their answers come back to', (t) => {
  const rule = { conditions: [is('dstIp', ip('10.0.0.1'))], tunnels: { removes: [{}], answers: [{ kind: 'nvgre', ip: ip('192.0.2.1') } as const] } }
  t.deepEqual(tunnelEndsOf({ ...rule, stateful: undefined }, 'outbound', []), [])
  t.deepEqual(tunnelEndsOf({ ...rule, stateful: {} }, 'outbound', []).map(shown), ['nvgre 192.0.2.1'])
})
