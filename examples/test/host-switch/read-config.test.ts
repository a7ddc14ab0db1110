/** What of a configuration is refused, where and why; what is taken comes out in one way of writing. */
import test from 'ava'
import * as E from 'fp-ts/lib/Either.js'
import { parseConfig } from '../../host-switch/read-config.js'
import { rehearse } from '../../host-switch/program.js'
import { aConfig, damaged } from './a-config.js'

const problems = (json: unknown): readonly string[] => {
  const read = parseConfig(typeof json === 'string' ? json : JSON.stringify(json))
  return (E.isLeft(read) ? read.left : rehearse(read.right)).map(({ path, reason }) => `${path}: ${reason}`)
}

test('unit: a configuration that is fine has no problems', (t) => {
  t.deepEqual(problems(aConfig()), [])
})

test('unit: a name and ports are enough', (t) => {
  t.deepEqual(problems({ name: 'h', ports: {} }), [])
})

test('unit: addresses come out in one way of writing', (t) => {
  const read = parseConfig(JSON.stringify(damaged('/ports/red-1/ip', ['10.0.0.4', 'FD00:10:0:0::4'])))
  t.true(E.isRight(read))
  if (E.isRight(read)) t.deepEqual(read.right.ports['red-1']?.ip, ['10.0.0.4', 'fd00:10::4'])
})

test('unit: a TAP device has the MAC of its port, unless it is given another', (t) => {
  const port = { mac: '00:15:5d:00:00:01' }
  const nics = { a: { tap: { interface: 'a' } }, b: { tap: { interface: 'b', mac: '00:15:5d:00:00:09' } } }
  const read = parseConfig(JSON.stringify({ name: 'h', ports: { a: { ...port, nic: nics.a }, b: { ...port, vni: 2, nic: nics.b } } }))
  t.true(E.isRight(read))
  if (E.isRight(read)) t.deepEqual(Object.values(read.right.ports).map(({ nic }) => nic.tap?.mac), ['00:15:5d:00:00:01', '00:15:5d:00:00:09'])
})

const cases: readonly (readonly [string, unknown, RegExp])[] = [
  ['/name', undefined, /^\/name: is missing/],
  ['/name', '', /^\/name: expected a name/],
  ['/sttaus', '/x', /^\/sttaus: unknown property; known are name, ports, status, underlay, mtu, mappings$/],
  ['/underlay/addresses', [], /^\/underlay\/addresses: .*at least one/],
  ['/underlay/addresses/0', '192.0.2.1', /^\/underlay\/addresses\/0: expected an address and prefix length/],
  ['/underlay/addresses/0', '192.0.2.1/33', /^\/underlay\/addresses\/0: expected an address and prefix length/],
  ['/underlay', { interface: 'under0', udp: ['vxlan'], addresses: ['192.0.2.1/24'] }, /^\/underlay: needs one of "interface" and "udp"/],
  ['/underlay', { addresses: ['192.0.2.1/24'] }, /^\/underlay: needs one of "interface" and "udp"/],
  ['/underlay', { udp: ['vxlan'], addresses: ['192.0.2.1/24'], routes: [] }, /^\/underlay\/routes: with "udp" the kernel routes/],
  ['/underlay/mtu', 1500, /^\/underlay\/mtu: is that of the interface/],
  ['/underlay/routes/0/via', 'nowhere', /^\/underlay\/routes\/0\/via: /],
  ['/mtu', { oversize: 'truncate' }, /^\/mtu\/oversize: expected one of tooBig, fragment, drop/],
  ['/mappings/0/at', [], /^\/mappings\/0\/at: .*at least one/],
  ['/mappings/0/at/0/pa', 7, /^\/mappings\/0\/at\/0\/pa: expected an IP address as text/],
  ['/mappings/0/vni', 2 ** 24, /^\/mappings\/0\/vni: expected a VNI/],
  ['/mappings/0/tunnel', 'gre', /^\/mappings\/0\/tunnel: expected one of vxlan, geneve, nvgre/],
  ['/ports/red-1/mac', '01:00:5e:00:00:01', /^\/ports\/red-1\/mac: .*group/],
  ['/ports/vm', { mac: '02:00:0a:00:00:09', nic: { tap: { interface: 'x' } } }, /^\/ports\/vm: a port needs a name, and not vm or network/],
  ['/ports/red-1/nic', {}, /^\/ports\/red-1\/nic: needs one of "afPacket", "tap", "qemu", and has none/],
  ['/ports/red-1/nic', { tap: { interface: 'a' }, qemu: { path: 'b' } }, /and has tap and qemu$/],
  ['/ports/red-1/nic', { qemu: { host: 'a' } }, /^\/ports\/red-1\/nic\/qemu: needs a "path", or a "port"/],
  ['/ports/red-1/nic/afPacket/interface', 'a name that is too long', /^\/ports\/red-1\/nic\/afPacket\/interface: expected the name of an interface/],
  ['/ports/red-1/nic/afPacket/interface', 'under0', /^\/ports\/red-1\/nic\/afPacket\/interface: the interface under0 is taken already, by \/underlay\/interface$/],
  ['/ports/red-1/layers/0/layer', 'gaurd', /^\/ports\/red-1\/layers\/0\/layer: expected a layer: acl, /],
  ['/ports/red-1/layers/0/layer', 'acl', /^\/ports\/red-1\/layers\/1: a layer named acl is taken already, by \/ports\/red-1\/layers\/0$/],
  ['/ports/red-1/layers/1/policy/outbound/0/allow', { dstPort: 'x' }, /^\/ports\/red-1\/layers\/1\/policy\/outbound\/0\/allow\/dstPort: /],
  ['/ports/red-1/layers/2/policy/routes/0', 'x', /^\/ports\/red-1\/layers\/2\/policy\/routes\/0: /],
  ['/ports/red-1/layers/2/policy/directory', 'elsewhere', /^\/ports\/red-1\/layers\/2\/policy\/directory: the switch was not opened with a resource named "elsewhere"/],
  ['/ports/red-1/vni', undefined, /^\/ports\/red-1\/layers\/2\/policy\/vni: is missing, and the port has no "vni"/],
  ['/underlay', undefined, /^\/ports\/red-1\/layers\/2\/policy\/underlay: is missing/],
  ['/ports/blue-1/vni', 5001, /^\/ports\/blue-1: .*MacTaken|^\/ports\/blue-1: .*02:00:0a:00:00:04/],
]

for (const [path, value, expected] of cases) {
  test(`unit: ${path} as ${value === undefined ? 'nothing' : JSON.stringify(value)} is refused with its place`, (t) => {
    const found = problems(damaged(path, value))
    t.is(found.length, 1, found.join('\n'))
    t.regex(found[0] ?? '', expected)
  })
}

test('unit: all mistakes of form are told at once', (t) => {
  const config = damaged('/ports/red-1/mac', 'x')
  config['extra'] = 1
  Reflect.deleteProperty(config, 'name')
  t.deepEqual(problems(config).map((line) => line.split(':')[0]).sort(), ['/extra', '/name', '/ports/red-1/mac'])
})

test('unit: all refused policies are told at once', (t) => {
  const config = damaged('/ports/red-1/layers/1/policy/otherwise', 'maybe')
  const { layers } = (config['ports'] as Record<string, { layers: { policy: unknown }[] }>)['red-1'] ?? { layers: [] }
  layers[2] = { ...layers[2], policy: { routes: ['x'] } }
  t.deepEqual(problems(config).map((line) => line.split(':')[0]), ['/ports/red-1/layers/1/policy/otherwise', '/ports/red-1/layers/2/policy/routes/0'])
})

test('unit: a text that is no JSON, and a property that is there twice, are refused', (t) => {
  t.regex(problems('{"name": ')[0] ?? '', /^: no JSON: /)
  t.deepEqual(problems('{"name": "a", "name": "b", "ports": {}}'), ['/name: is there twice, and only one would count'])
  t.deepEqual(problems('[]').map((line) => line.slice(0, 30)), [': expected a host: an object; '])
})

test('unit: whatever is cut off a configuration, it is refused with a reason and nothing throws', (t) => {
  const text = JSON.stringify(aConfig())
  for (let length = 0; length < text.length; length++) t.true(problems(text.slice(0, length)).length > 0)
})
