/** What a connection lets in: its own answers, and nothing that merely looks like them. */
import test from 'ava'
import { isSome } from 'fp-ts/lib/Option.js'
import { manualClock } from '../../src/clock.js'
import {
  allow, block, buildFrame, defineRuleType, directory, type Direction, dissect, emitFrame, type Frame, type HeaderGroup, openSwitch, orThrow,
  parseIp, type Port, proceed, refuse, type RuleJson, rulesLayer, strictly, type SwitchOptions, transpose,
} from '../../src/index.js'

const portWith = (rules: { readonly outbound?: readonly RuleJson[]; readonly inbound?: readonly RuleJson[] }, options: SwitchOptions = {}): Port => {
  const port = orThrow(openSwitch(options).addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
  const groups = (list: readonly RuleJson[] = []) => [{ name: 'g', rules: [...list, { do: 'block', priority: 999 }] }]
  orThrow(orThrow(port.addLayer(rulesLayer('acl', [allow, block]), { order: 1 })).updateJson({ outbound: groups(rules.outbound), inbound: groups(rules.inbound) }))
  return port
}

const fate = (port: Port, direction: Direction, frame: Uint8Array): string => {
  const { outcome } = port.process(direction, frame)
  return outcome._tag === 'Passed' ? 'passed' : outcome.reason
}

const edited = (frame: Uint8Array, edit: (group: HeaderGroup) => HeaderGroup): Uint8Array => {
  const { groups, payload } = orThrow(dissect(frame))
  const [first, ...rest] = groups
  const made: Frame = { groups: [edit(first), ...rest], payload }
  return orThrow(emitFrame(made))
}

/** An ICMP message of a type, `rest` being its second word. */
const icmp = (from: string, to: string, type: number, rest: number): Uint8Array =>
  edited(orThrow(buildFrame({ proto: 'icmp', srcIp: from, dstIp: to })), (g) => ({
    ...g, transport: g.transport?.kind === 'icmpv6' ? { kind: 'icmpv6', type, code: 0, rest } : { kind: 'icmp', type, code: 0, rest },
  }))

for (const [name, vm, peer, request, reply] of [['ICMP', '10.0.0.4', '10.0.1.5', 8, 0], ['ICMPv6', 'fd00::4', 'fd00::5', 128, 129]] as const) {
  test(`connections: an ${name} echo request lets in the replies to it and no other message`, (t) => {
    const port = portWith({ outbound: [{ do: 'allow', when: { icmpType: request }, stateful: true }] })
    for (const id of [0, 7]) {
      t.is(fate(port, 'outbound', icmp(vm, peer, request, id << 16)), 'passed')
      t.is(fate(port, 'inbound', icmp(peer, vm, reply, id << 16)), 'passed')
      t.is(fate(port, 'inbound', icmp(peer, vm, reply, (id + 1) << 16)), 'Denied', 'another identifier')
      t.is(fate(port, 'inbound', icmp(peer, vm, request, id << 16)), 'Denied', 'an unsolicited request')
      t.is(fate(port, 'outbound', icmp(vm, peer, reply, id << 16)), 'Denied', 'a reply nobody asked for')
      for (const type of [5, 13, 17, 135, 137]) if (type !== request) t.is(fate(port, 'inbound', icmp(peer, vm, type, 0)), 'Denied', `type ${type}`)
    }
  })
}

test('connections: ICMP messages other than echo requests begin none', (t) => {
  const port = portWith({ outbound: [{ do: 'allow', stateful: true }] })
  t.is(fate(port, 'outbound', icmp('10.0.0.4', '10.0.1.5', 3, 0)), 'passed')
  t.is(fate(port, 'outbound', icmp('10.0.0.4', '10.0.1.5', 0, 7 << 16)), 'passed')
  t.deepEqual(port.counters().connections, { acl: 0 })
  t.is(fate(port, 'inbound', icmp('10.0.1.5', '10.0.0.4', 8, 7 << 16)), 'Denied')
})

test('connections: are of one VLAN, whatever their five-tuple', (t) => {
  const tagged = (vid: number, inbound: boolean): Uint8Array =>
    edited(orThrow(buildFrame({
      proto: 'udp', ...(inbound ? { srcIp: '10.0.1.5', dstIp: '10.0.0.4', srcPort: 53, dstPort: 1000 } : { srcIp: '10.0.0.4', dstIp: '10.0.1.5', srcPort: 1000, dstPort: 53 }),
    })), (g) => ({ ...g, vlans: [{ tpid: 0x8100, pcp: 0, dei: false, vid }] }))
  const port = portWith({ outbound: [{ do: 'allow', when: { vlanId: 10 }, stateful: true }] })
  t.is(fate(port, 'outbound', tagged(20, false)), 'Denied')
  t.is(fate(port, 'outbound', tagged(10, false)), 'passed')
  t.is(fate(port, 'inbound', tagged(10, true)), 'passed')
  t.is(fate(port, 'outbound', tagged(20, false)), 'Denied')
  t.is(fate(port, 'inbound', tagged(30, true)), 'Denied')
})

test('connections: are of one TPID, also of a tag behind one that an earlier layer pushed', (t) => {
  const tagged = (ports: { readonly srcIp: string; readonly dstIp: string; readonly srcPort: number; readonly dstPort: number }, ...tags: readonly (readonly [tpid: number, vid: number])[]): Uint8Array =>
    edited(orThrow(buildFrame({ proto: 'udp', ...ports })), (g) => ({ ...g, vlans: tags.map(([tpid, vid]) => ({ tpid, pcp: 0, dei: false, vid })) }))
  const port = portWith({ outbound: [{ do: 'allow', stateful: true }] })
  orThrow(orThrow(port.addLayer(rulesLayer('tags', [transpose]), { order: 0 })).updateJson({ outbound: [{ name: 'g', rules: [{ do: 'transpose', with: '0: vlans +8100:7:0' }] }] }))
  for (const tpid of [0x8100, 0x88a8]) {
    t.is(fate(port, 'outbound', tagged({ srcIp: '10.0.0.4', dstIp: '10.0.1.5', srcPort: 1000, dstPort: 53 }, [tpid, 20])), 'passed')
    t.is(fate(port, 'inbound', tagged({ srcIp: '10.0.1.5', dstIp: '10.0.0.4', srcPort: 53, dstPort: 1000 }, [0x8100, 7], [tpid, 20])), 'passed')
  }
})

test('connections: end with the resource entry that permitted them, and outlive its replacement with their binding', (t) => {
  const routes = directory()
  const mapping = { vni: 1, ip: '10.0.1.5', at: [{ pa: '192.0.2.1', mac: '00:15:5d:00:00:05' }] }
  orThrow(routes.add(mapping))
  const known = defineRuleType({
    name: 'known',
    config: strictly({}),
    decide: (_config, flow) => {
      const ip = flow.ip('dstIp')
      return ip !== undefined && isSome(flow.lookup(routes, { vni: 1, ip })) ? proceed() : refuse('NoMapping')
    },
  })
  const port = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
  const layer = orThrow(port.addLayer(rulesLayer('routes', [known, block]), { order: 1 }))
  orThrow(layer.updateJson({ outbound: [{ name: 'g', rules: [{ do: 'known', stateful: true }] }], inbound: [{ name: 'g', rules: [{ do: 'block' }] }] }))
  const out = orThrow(buildFrame({ proto: 'udp', srcIp: '10.0.0.4', dstIp: '10.0.1.5', srcPort: 1, dstPort: 2 }))
  const back = orThrow(buildFrame({ proto: 'udp', srcIp: '10.0.1.5', dstIp: '10.0.0.4', srcPort: 2, dstPort: 1 }))
  t.deepEqual([fate(port, 'outbound', out), fate(port, 'inbound', back)], ['passed', 'passed'])
  orThrow(routes.add({ ...mapping, at: [{ pa: '192.0.2.9', mac: '00:15:5d:00:00:09' }] }))
  t.deepEqual([fate(port, 'inbound', back), fate(port, 'outbound', out)], ['passed', 'passed'])
  routes.remove({ vni: 1, ip: orThrow(parseIp('10.0.1.5')) })
  t.deepEqual([fate(port, 'inbound', back), fate(port, 'outbound', out)], ['Denied', 'NoMapping'])
})

test('connections: are bounded, and old ones whose time is over make room', (t) => {
  const clock = manualClock()
  const port = portWith({ outbound: [{ do: 'allow', stateful: { idleMs: 1 } }] }, { clock, maxConnections: 10 })
  const nth = (n: number): Uint8Array => orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.0.4', dstIp: '10.0.1.5', srcPort: 1000 + n }))
  t.deepEqual(Array.from({ length: 12 }, (_, n) => fate(port, 'outbound', nth(n))), [...Array<string>(10).fill('passed'), 'ConnectionLimit', 'ConnectionLimit'])
  t.is(fate(port, 'outbound', nth(3)), 'passed', 'those there go on')
  t.is(port.counters().connections['acl'], 10)
  clock.advanceUs(1000)
  t.is(fate(port, 'outbound', nth(11)), 'passed')
  for (let n = 20; n < 200; n++) {
    clock.advanceUs(500)
    t.is(fate(port, 'outbound', nth(n)), 'passed')
  }
})
