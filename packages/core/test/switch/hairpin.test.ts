import test from 'ava'
import { type Environment, orThrow, type Port, type RuleJson } from '../../src/index.js'
import { MAX_DELIVERIES } from '../../src/switch/forwarding.js'
import { MAX_HAIRPINS } from '../../src/switch/switch-port.js'
import { BROADCAST, builtIn, frame, groupOf, hostOf, macOf, show, tell } from './support.js'

const program = (port: Port | undefined, rules: { readonly outbound?: readonly RuleJson[]; readonly inbound?: readonly RuleJson[] }): void => {
  const groups = (list: readonly RuleJson[] | undefined) => (list === undefined ? [] : [groupOf('g', list)])
  orThrow(orThrow(port!.addLayer(builtIn, { order: 1 })).updateJson({ outbound: groups(rules.outbound), inbound: groups(rules.inbound) }))
}

const FLOW = 'tcp 10.0.0.1:1000 > 10.0.0.2:80'

test('hairpin: goes through the outbound path of the target and leaves there', (t) => {
  const { ports } = hostOf(2)
  program(ports[0], { inbound: [{ do: 'hairpin', with: { port: 'vm-2' } }] })
  program(ports[1], { outbound: [{ do: 'nat', with: { srcPort: 7 } }], inbound: [{ do: 'block' }] })
  t.is(tell(ports[0]!.process('inbound', frame())), 'passed; network: tcp 10.0.0.1:7 > 10.0.0.2:80')
  t.deepEqual(ports.map((p) => p.counters().packets), [1, 1])
})

test('hairpin: to the same port turns inbound into outbound', (t) => {
  const { ports } = hostOf(1)
  program(ports[0], { inbound: [{ do: 'hairpin', with: { port: 'vm-1' } }], outbound: [{ do: 'nat', with: { srcPort: 7 } }] })
  t.is(tell(ports[0]!.process('inbound', frame())), 'passed; network: tcp 10.0.0.1:7 > 10.0.0.2:80')
  t.is(ports[0]!.counters().packets, 2)
})

test('hairpin: is cached, and the cached one goes the same way', (t) => {
  const { ports } = hostOf(2)
  program(ports[0], { inbound: [{ do: 'hairpin', with: { port: 'vm-2' } }] })
  const first = ports[0]!.process('inbound', frame())
  t.deepEqual(ports[0]!.process('inbound', frame()), first)
  t.deepEqual(ports.map((p) => p.counters().fast), [1, 1])
})

test('hairpin: keeps the change its rule makes and skips the layers behind it', (t) => {
  const { ports } = hostOf(2)
  const nat = orThrow(ports[0]!.addLayer(builtIn, { order: 1, name: 'nat' }))
  const turn = orThrow(ports[0]!.addLayer(builtIn, { order: 2, name: 'turn' }))
  const never = orThrow(ports[0]!.addLayer(builtIn, { order: 3, name: 'never' }))
  orThrow(nat.updateJson({ outbound: [groupOf('g', [{ do: 'nat', with: { dstPort: 8080 } }])] }))
  orThrow(turn.updateJson({ outbound: [groupOf('g', [{ do: 'hairpin', with: { port: 'vm-2' } }])] }))
  orThrow(never.updateJson({ outbound: [groupOf('g', [{ do: 'block' }])] }))
  t.is(tell(ports[0]!.process('outbound', frame())), 'passed; network: tcp 10.0.0.1:1000 > 10.0.0.2:8080')
})

test('hairpin: to a port that is not there or not connected is a counted drop', (t) => {
  const { ports } = hostOf(2)
  program(ports[0], { outbound: [{ do: 'hairpin', with: { port: 'nobody' }, when: { dstPort: 80 } }, { do: 'hairpin', with: { port: 'vm-2' } }] })
  orThrow(ports[1]!.disconnect())
  t.is(tell(ports[0]!.process('outbound', frame())), 'NoSuchPort')
  t.deepEqual(ports[0]!.counters().drops, { NoSuchPort: 1 })
  t.is(tell(ports[0]!.process('outbound', frame({ dstPort: 443 }))), 'PortDisconnected')
  t.deepEqual(ports[1]!.counters().drops, { PortDisconnected: 1 })
})

test('hairpin: a loop ends after a bounded number of re-entries, counted', (t) => {
  const { ports } = hostOf(2)
  program(ports[0], { outbound: [{ do: 'hairpin', with: { port: 'vm-2' } }] })
  program(ports[1], { outbound: [{ do: 'hairpin', with: { port: 'vm-1' } }] })
  t.is(tell(ports[0]!.process('outbound', frame())), 'HairpinLimit')
  t.is(ports[0]!.counters().packets + ports[1]!.counters().packets, MAX_HAIRPINS + 1)
  t.is((ports[0]!.counters().drops['HairpinLimit'] ?? 0) + (ports[1]!.counters().drops['HairpinLimit'] ?? 0), 1)
})

test('hairpin: a chain as long as the limit passes', (t) => {
  const { ports } = hostOf(MAX_HAIRPINS + 1)
  for (let i = 0; i < MAX_HAIRPINS; i++) program(ports[i], { outbound: [{ do: 'hairpin', with: { port: `vm-${i + 2}` } }] })
  t.is(tell(ports[0]!.process('outbound', frame())), `passed; network: ${FLOW}`)
})

/** Three VMs; what arrives at them is written down. */
const bridged = () => {
  const log: string[] = []
  const environment: Environment = {
    toVm: (p, bytes) => { log.push(`${p.name} < ${show(bytes)}`) },
    toNetwork: (bytes) => { log.push(`network < ${show(bytes)}`) },
  }
  return { ...hostOf(3, { environment }), log }
}

test('hairpin: what leaves the target for the port it came from is delivered there', (t) => {
  const { host, ports, log } = bridged()
  program(ports[0], { outbound: [{ do: 'hairpin', with: { port: 'vm-2' } }] })
  program(ports[1], { outbound: [{ do: 'nat', with: { dstMac: macOf(1), srcMac: macOf(2) } }] })
  t.deepEqual(host.fromVm('vm-1', frame()), { _tag: 'Passed' })
  t.deepEqual(log, [`vm-1 < ${FLOW}`])
})

test('hairpin: a loop through the bridge ends too, counted', (t) => {
  const { host, ports, log } = bridged()
  // Each of 1 and 2 turns what arrives back through 3, which sends it to the respective other.
  program(ports[0], { inbound: [{ do: 'nat', with: { dstMac: macOf(2) } }] })
  orThrow(orThrow(ports[0]!.addLayer(builtIn, { order: 0, name: 'turn' })).updateJson({ inbound: [groupOf('g', [{ do: 'hairpin', with: { port: 'vm-3' } }])] }))
  program(ports[1], { inbound: [{ do: 'nat', with: { dstMac: macOf(1) } }] })
  orThrow(orThrow(ports[1]!.addLayer(builtIn, { order: 0, name: 'turn' })).updateJson({ inbound: [groupOf('g', [{ do: 'hairpin', with: { port: 'vm-3' } }])] }))
  t.notThrows(() => host.fromNetwork(frame({ toMac: macOf(1) })))
  t.deepEqual(log, [])
  t.deepEqual(host.drops(), { HairpinLimit: 1 })
  t.true(ports[2]!.counters().packets <= MAX_HAIRPINS + 1)
})

test('hairpin: a broadcast that every port turns back does not multiply beyond a bound, counted', (t) => {
  // What it taught: a bound on turns alone lets n ports make n to the power of the bound frames of one.
  const n = 8
  let delivered = 0
  const { host, ports } = hostOf(n, { environment: { toVm: () => { delivered++ } } })
  for (const port of ports) program(port, { inbound: [{ do: 'hairpin', with: { port: port.identity.name } }] })
  host.fromNetwork(frame({ toMac: BROADCAST }))
  const taken = ports.reduce((sum, p) => sum + p.counters().packets, 0)
  t.is(taken, 2 * (n + MAX_DELIVERIES), 'each delivery is one frame in and one out')
  t.is(delivered, 0)
  t.true((host.drops()['HairpinLimit'] ?? 0) > 0)
  host.fromNetwork(frame({ toMac: BROADCAST }))
  t.is(ports.reduce((sum, p) => sum + p.counters().packets, 0), 2 * taken, 'the next frame has a bound of its own')
})

test('hairpin: a copy that every port sends on to the network is bounded too', (t) => {
  const { host, ports } = hostOf(8)
  for (const port of ports) program(port, { inbound: [{ do: 'mirror', with: { port: 'network' } }] })
  host.fromNetwork(frame({ toMac: BROADCAST }))
  t.is(ports.reduce((sum, p) => sum + p.counters().packets, 0), 8 + MAX_DELIVERIES)
})

test('hairpin: a broadcast that nobody turns back reaches every port, however many there are', (t) => {
  const reached = new Set<string>()
  const n = 2 * MAX_DELIVERIES
  const { host } = hostOf(n, { environment: { toVm: (p) => { reached.add(p.name) } } })
  host.fromVm('vm-1', frame({ toMac: BROADCAST }))
  t.is(reached.size, n - 1)
  t.deepEqual(host.drops(), {})
})
