/** Whose a tunnel is: the switch's, where it comes from the network or from policy and is addressed to one of its ends; else the VM's own. */
import test from 'ava'
import { type Batch, type Environment, orThrow, parseIp, type PortSpec, type RulesJson, type SwitchOptions } from '../../src/index.js'
import { BROADCAST, builtIn, ELSEWHERE, frame, groupOf, hostOf, macOf } from './support.js'
import { type Kind, KINDS, type Outer, tunnelled } from './tunnel-frames.js'

/** Where the host's tunnels end. */
const HOST = '192.0.2.1'
const HOST6 = '2001:db8::1'
const VM_1 = '10.0.0.1'

/** What the ports' policies say of tunnels: as a virtual network does. */
const network = (vni: number, to: string = HOST): RulesJson => ({
  outbound: [groupOf('g', [{ do: 'encap', when: { dstIp: '10.9.0.0/16' }, with: { srcIp: to, dstIp: to, vni } }])],
  inbound: [groupOf('g', [{ do: 'decap', when: { vni, dstIp: to } }, { id: 'stranger', priority: 900, do: 'block', when: { tunnel: ['vxlan', 'nvgre', 'geneve', 'gre'] }, with: { reason: 'Stranger' } }])],
})

/** Three VMs, each of a tenant of its own: 1 of VNI 5000, 2 of 5001, 3 of none. `to` is where frames ended, and their bytes. */
const bench = (policies: readonly (RulesJson | undefined)[] = [network(5000), network(5001)], options: SwitchOptions = {}, spec: (n: number) => Partial<PortSpec> = (n) => (n < 3 ? { vni: 4999 + n } : {})) => {
  const log: { readonly to: string; readonly bytes: Uint8Array }[] = []
  const environment: Environment = {
    toVm: (port, bytes) => { log.push({ to: port.name, bytes: bytes.slice() }) },
    toNetwork: (bytes) => { log.push({ to: 'network', bytes: bytes.slice() }) },
  }
  const { host, ports } = hostOf(3, { environment, ...options }, spec)
  policies.forEach((policy, i) => {
    if (policy !== undefined) orThrow(orThrow(ports[i]!.addLayer(builtIn, { order: 9, name: 'net' })).updateJson(policy))
  })
  return { host, ports, ended: () => log.splice(0) }
}

const INNERS = [
  ['another VM\'s MAC', frame({ toMac: macOf(2) })], ['its own MAC', frame({ toMac: macOf(1) })], ['a MAC of nobody', frame({ toMac: ELSEWHERE })],
  ['a broadcast', frame({ toMac: BROADCAST })], ['nothing that is a frame', new Uint8Array([1, 2, 3])],
] as const

for (const kind of KINDS) {
  for (const [what, inner] of INNERS) {
    test(`tunnels: a VM's own ${kind} from the network with ${what} inside goes to that VM, unchanged`, (t) => {
      for (const policies of [[], [network(5000), network(5001)]]) {
        for (const more of [{}, { vni: 5001 }, { vni: 5000 }, { vni: 0 }, { tags: 1 }, { tags: 2 }, { option: 0x81 }, { fragment: true }, { to: 'fd00::1' }]) {
          const { host, ports, ended } = bench(policies)
          const bytes = tunnelled([{ toMac: macOf(1), to: VM_1, kind, ...more }], inner)
          t.is(host.fromNetwork(bytes)._tag, 'Passed')
          t.deepEqual(ended(), [{ to: 'vm-1', bytes }])
          t.deepEqual(ports.map((p) => p.counters().packets), [1, 0, 0])
        }
      }
    })
  }
}

/** The same through a batch. */
const batchOf = (bytes: Uint8Array): Batch => ({
  bytes: Uint8Array.from([...new Uint8Array(300), ...bytes]), start: Uint32Array.of(300), length: Uint32Array.of(bytes.length), verdict: new Uint8Array(1), reason: new Uint16Array(1), count: 1,
})

test('tunnels: batches know whose a tunnel is, too', (t) => {
  const { host, ended } = bench()
  const inner = frame({ toMac: macOf(2) })
  const own = tunnelled([{ toMac: macOf(1), to: VM_1, kind: 'vxlan', vni: 5001 }], inner)
  host.batchFromNetwork(batchOf(own))
  t.deepEqual(ended(), [{ to: 'vm-1', bytes: own }])
  host.batchFromVm('vm-3', batchOf(own))
  t.deepEqual(ended(), [{ to: 'vm-1', bytes: own }])
  host.batchFromNetwork(batchOf(tunnelled([{ toMac: ELSEWHERE, to: HOST, kind: 'vxlan', vni: 5001 }], inner)))
  t.deepEqual(ended(), [{ to: 'vm-2', bytes: inner }])
})

test('tunnels: of the switch is what is addressed to an end, and not to the address next to it', (t) => {
  const { host, ended } = bench([network(5000), network(5001), network(5002, HOST6)])
  const inner = frame({ toMac: macOf(2) })
  const sent = (outer: Partial<Outer>): readonly string[] => {
    host.fromNetwork(tunnelled([{ toMac: ELSEWHERE, to: HOST, kind: 'vxlan', vni: 5001, ...outer }], inner))
    return ended().map(({ to, bytes }) => `${to} ${bytes.length === inner.length ? 'inside' : 'whole'}`)
  }
  for (const kind of ['vxlan', 'nvgre', 'geneve'] as const) t.deepEqual(sent({ kind }), ['vm-2 inside'], kind)
  t.deepEqual(sent({ kind: 'vxlan', tags: 2 }), ['vm-2 inside'])
  // One bit of the address, the port, or another kind: nobody's, as nobody has the outer MAC.
  for (const outer of [{ to: '192.0.2.0' }, { to: '192.0.2.3' }, { to: '64.0.2.1' }, { port: 4788 }, { port: 8472 }, { kind: 'gre' as const }, { vni: 5003 }, { fragment: true }]) {
    t.deepEqual(sent(outer), [], JSON.stringify(outer))
  }
  t.deepEqual(sent({ to: HOST6, vni: 5001 }), [], 'vm-2 has no rule for it, and blocks what is no tunnel of its own')
  t.deepEqual(host.drops(), { NoPortForMac: 8 })
})

test('tunnels: an address of the switch is in the rules of any of its ports; a rule without one opens what comes to its own port', (t) => {
  const any: RulesJson = { inbound: [groupOf('g', [{ do: 'decap' }])] }
  const { host, ended } = bench([undefined, any])
  const inner = frame({ toMac: macOf(2) })
  const sent = (toMac: string, bytes: Uint8Array = inner, vni = 5001): readonly string[] => {
    host.fromNetwork(tunnelled([{ toMac, to: VM_1, kind: 'vxlan', vni }], bytes))
    return ended().map(({ to, bytes: { length } }) => `${to} ${length === bytes.length ? 'inside' : 'whole'}`)
  }
  t.deepEqual(sent(macOf(1)), ['vm-1 whole'], 'addressed to the first VM')
  t.deepEqual(sent(macOf(1), frame({ toMac: BROADCAST })), ['vm-1 whole'])
  t.deepEqual(sent(ELSEWHERE), ['vm-2 inside'], 'addressed to the host')
  t.deepEqual(sent(ELSEWHERE, frame({ toMac: BROADCAST })), ['vm-2 inside'])
  t.deepEqual(sent(macOf(2)), ['vm-2 inside'])
  t.deepEqual(sent(macOf(2), frame({ toMac: macOf(1) }), 5000), ['vm-2 inside'], 'its own rule opens it, whoever is inside')
  t.deepEqual(sent(ELSEWHERE, frame({ toMac: macOf(1) }), 5000), [], 'the first VM has no such rule')
})

test('tunnels: a broadcast in a tunnel of the switch reaches the ports of its network only', (t) => {
  const { host, ended } = bench([network(5000), network(5001), network(5001)], {}, (n) => ({ vni: n === 1 ? 5000 : 5001 }))
  host.fromNetwork(tunnelled([{ toMac: ELSEWHERE, to: HOST, kind: 'geneve', vni: 5001 }], frame({ toMac: BROADCAST })))
  t.deepEqual(ended().map(({ to }) => to), ['vm-2', 'vm-3'])
})

for (const kind of KINDS) {
  test(`tunnels: ${kind} that a VM makes, even to an address of the host, is opened by nobody on the host`, (t) => {
    for (const [, inner] of INNERS) {
      for (const to of [VM_1, HOST, HOST6]) {
        const { host, ports, ended } = bench([network(5000), network(5001, to), undefined], { parseDepth: { outbound: 1, inbound: 3 } })
        // To a VM of another tenant, by a sender of none; and to nobody on this host.
        const own = tunnelled([{ toMac: macOf(2), to, kind, vni: 5001 }], inner)
        host.fromVm('vm-3', own)
        t.deepEqual(ended(), [{ to: 'vm-2', bytes: own }])
        const away = tunnelled([{ toMac: ELSEWHERE, to, kind, vni: 5001 }], inner)
        host.fromVm('vm-3', away)
        t.deepEqual(ended(), [{ to: 'network', bytes: away }])
        t.deepEqual(ports.map((p) => p.counters().packets), [0, 1, 2])
      }
    }
  })
}

test('tunnels: what policy puts around a VM\'s own tunnel is opened, and no more', (t) => {
  const { host, ended } = bench([network(5000), network(5001)], { parseDepth: { outbound: 1, inbound: 3 } }, (n) => ({ vni: 5000, ...(n === 3 ? { vni: 7 } : {}) }))
  const own = tunnelled([{ toMac: macOf(2), to: '10.9.0.2', kind: 'vxlan', vni: 5000 }], frame({ toMac: macOf(2) }))
  host.fromVm('vm-1', own)
  // vm-2 is of network 5001 by its rules, so what comes in 5000 is a stranger's: taken out by neither.
  t.deepEqual(ended(), [])
  const forged = tunnelled([{ toMac: macOf(2), to: HOST, kind: 'vxlan', vni: 5001 }], frame({ toMac: macOf(2) }))
  host.fromVm('vm-1', forged)
  t.deepEqual(ended(), [{ to: 'vm-2', bytes: forged }])
})

test('tunnels: one that a later hop takes off again lends no trust to what it carried', (t) => {
  // vm-1's policy encapsulates and turns the frame to vm-3, an appliance that takes tunnels off.
  const { host, ended } = bench([
    { outbound: [groupOf('g', [{ do: 'encap', with: { srcIp: HOST, dstIp: HOST, vni: 5001 } }])] }, network(5001), { outbound: [groupOf('g', [{ do: 'decap' }])] },
  ], { parseDepth: { outbound: 2, inbound: 2 } }, (n) => ({ vni: n === 2 ? 5001 : 5000 }))
  orThrow(orThrow(host.port('vm-1')!.addLayer(builtIn, { order: 10 })).updateJson({ outbound: [groupOf('g', [{ do: 'hairpin', with: { port: 'vm-3' } }])] }))
  const own = tunnelled([{ toMac: ELSEWHERE, to: HOST, kind: 'vxlan', vni: 5001 }], frame({ toMac: macOf(2) }))
  host.fromVm('vm-1', own)
  t.deepEqual(ended(), [{ to: 'network', bytes: own }])
})

test('tunnels: a mirrored copy of a VM\'s own tunnel leads to nobody by what is inside', (t) => {
  const { host, ended } = bench([{ outbound: [groupOf('g', [{ do: 'mirror', with: { port: 'network' } }])], inbound: [groupOf('g', [{ do: 'mirror', with: { port: 'network' } }])] }, network(5001)])
  const out = tunnelled([{ toMac: ELSEWHERE, to: HOST, kind: 'vxlan', vni: 5001 }], frame({ toMac: macOf(2) }))
  host.fromVm('vm-1', out)
  t.deepEqual(ended(), [{ to: 'network', bytes: out }, { to: 'network', bytes: out }])
  const own = tunnelled([{ toMac: macOf(1), to: HOST6, kind: 'vxlan', vni: 5001 }], frame({ toMac: macOf(2) }))
  host.fromNetwork(own)
  t.deepEqual(ended(), [{ to: 'network', bytes: own }, { to: 'vm-1', bytes: own }])
})

/** The answer's outer header to a tunnel's, by the rules that VXLAN hosts have: both ends use the same port. */
const STATEFUL: RulesJson = {
  outbound: [groupOf('acl', [{ do: 'allow', stateful: true }])],
  inbound: [groupOf('acl', [{ do: 'block' }])],
}

test('tunnels: a VM\'s own overlay meets its connection in both directions, through every kind and through damage inside', (t) => {
  const damaged = frame({ toMac: macOf(2) })
  damaged[24]! ^= 0x55
  for (const kind of KINDS) {
    for (const [more, inner] of [[{ srcPort: 4789, port: 4789 }, frame()], [{ option: 0x80 }, frame()], [{}, damaged], [{}, new Uint8Array(1)]] as const) {
      const { host, ended } = bench([STATEFUL, undefined, undefined], {}, () => ({}))
      const there: Outer = { fromMac: macOf(1), toMac: macOf(2), from: '10.0.0.1', to: '10.0.0.2', kind, ...more }
      const ports = kind === 'geneve' && !('port' in more) ? { srcPort: 6081, port: 50_000 } : 'port' in more ? {} : { srcPort: 4789, port: 50_000 }
      const back: Outer = { ...there, fromMac: macOf(2), toMac: macOf(1), from: '10.0.0.2', to: '10.0.0.1', ...ports }
      for (const [sender, outer, to] of [['vm-1', there, 'vm-2'], ['vm-2', back, 'vm-1']] as const) {
        const bytes = tunnelled([outer], inner)
        t.is(host.fromVm(sender, bytes)._tag, 'Passed', `${kind} ${JSON.stringify(outer)}`)
        t.deepEqual(ended(), [{ to, bytes }])
      }
      // The same from a peer behind the network.
      const away: Outer = { ...there, toMac: ELSEWHERE, to: '10.0.0.77' }
      host.fromVm('vm-1', tunnelled([away], inner))
      t.is(ended().length, 1)
      const answer = tunnelled([{ ...back, fromMac: ELSEWHERE, from: '10.0.0.77' }], inner)
      t.is(host.fromNetwork(answer)._tag, 'Passed')
      t.deepEqual(ended(), [{ to: 'vm-1', bytes: answer }])
    }
  }
})

test('tunnels: an end with a critical option that nobody knows still refuses what is addressed to it', (t) => {
  const { ports } = bench()
  const to = (address: string): string => {
    const { outcome } = ports[1]!.process('inbound', tunnelled([{ toMac: macOf(2), to: address, kind: 'geneve', vni: 5001, option: 0x80 }], frame({ toMac: macOf(2) })))
    return outcome._tag === 'Dropped' ? outcome.reason : outcome._tag
  }
  t.is(to(HOST), 'UnknownCriticalOption')
  t.is(to('10.0.0.2'), 'Passed')
})

test('tunnels: the switch may be told where they end, and explanations know it', (t) => {
  const count: RulesJson = { inbound: [groupOf('g', [{ do: 'count' }])] }
  const bytes = (to: string, port = 4789): Uint8Array => tunnelled([{ toMac: ELSEWHERE, to, kind: 'vxlan', vni: 5001, port }], frame({ toMac: macOf(2) }))
  const { host, ports, ended } = bench([undefined, count], { tunnelEnds: [{ kind: 'vxlan', udpPort: 8472, ip: orThrow(parseIp(HOST)) }] })
  host.fromNetwork(bytes(HOST, 8472))
  t.deepEqual(ended(), [{ to: 'vm-2', bytes: bytes(HOST, 8472) }])
  t.is(host.fromNetwork(bytes(HOST))._tag, 'Dropped')
  t.regex(String(ports[1]!.explain('inbound', bytes(HOST, 8472))), /in vxlan 5001/)
  t.notRegex(String(ports[1]!.explain('inbound', bytes(VM_1, 8472))), /vxlan/)
})

test('tunnels: ends come and go with the rules that make them, and with their ports', (t) => {
  const { host, ports, ended } = bench([undefined, undefined, undefined], {}, () => ({}))
  const inner = frame({ toMac: macOf(2) })
  const sent = (): readonly string[] => {
    host.fromNetwork(tunnelled([{ toMac: macOf(1), to: HOST, kind: 'vxlan', vni: 5001 }], inner))
    return ended().map(({ to, bytes }) => `${to} ${bytes.length === inner.length ? 'inside' : 'whole'}`)
  }
  t.deepEqual(sent(), ['vm-1 whole'])
  const layer = orThrow(ports[1]!.addLayer(builtIn, { order: 1 }))
  orThrow(layer.updateJson(network(5001)))
  t.deepEqual(sent(), ['vm-2 inside'])
  orThrow(layer.updateJson({ inbound: [groupOf('g', [{ do: 'allow' }])] }))
  t.deepEqual(sent(), ['vm-1 whole'])
  orThrow(layer.updateJson(network(5001)))
  orThrow(layer.remove())
  t.deepEqual(sent(), ['vm-1 whole'])
  orThrow(orThrow(ports[2]!.addLayer(builtIn, { order: 1 })).updateJson(network(5001)))
  t.deepEqual(sent(), ['vm-2 whole'], 'an end of the switch, whose rules are another port\'s')
  orThrow(ports[2]!.remove())
  t.deepEqual(sent(), ['vm-1 whole'])
})

const kinds: readonly Kind[] = KINDS
test('tunnels: an appliance looks into what its VM says and hears, both ways alike', (t) => {
  for (const kind of kinds) {
    const { ports } = bench([STATEFUL], { parseDepth: { outbound: 2, inbound: 2 } }, () => ({}))
    const said = tunnelled([{ toMac: ELSEWHERE, to: '203.0.113.5', from: VM_1, kind }], frame({ from: '172.16.0.1', to: '172.16.0.2' }))
    const heard = tunnelled([{ toMac: macOf(1), to: VM_1, from: '203.0.113.5', kind }], frame({ from: '172.16.0.2', to: '172.16.0.1', srcPort: 80, dstPort: 1000 }))
    t.is(ports[0]!.process('outbound', said).outcome._tag, 'Passed')
    t.is(ports[0]!.process('inbound', heard).outcome._tag, 'Passed')
    t.true(ports[0]!.flows().every((f) => f.groups.length === 2))
  }
})

test('tunnels: a stateful rule that makes a tunnel is an end for the answers, at the address it sends from', (t) => {
  const stateful: RulesJson = { outbound: [groupOf('g', [{ do: 'encap', stateful: true, with: { srcIp: HOST, dstIp: '198.51.100.9', vni: 5000 } }])], inbound: [groupOf('g', [{ do: 'block' }])] }
  const { host, ended } = bench([stateful])
  host.fromVm('vm-1', frame({ toMac: ELSEWHERE }))
  t.is(ended().length, 1)
  const answer = frame({ toMac: macOf(1), from: '10.0.0.2', to: '10.0.0.1', srcPort: 80, dstPort: 1000 })
  host.fromNetwork(tunnelled([{ toMac: ELSEWHERE, to: HOST, kind: 'vxlan', vni: 5000 }], answer))
  t.deepEqual(ended().map(({ to, bytes }) => [to, bytes.length]), [['vm-1', answer.length]])
  host.fromNetwork(tunnelled([{ toMac: ELSEWHERE, to: HOST, kind: 'geneve', vni: 5000 }], answer))
  t.deepEqual(ended(), [], 'in a tunnel of another kind nothing is awaited')
})

test('tunnels: their UDP port is a setting, of the rule that makes them and of the one that removes them', (t) => {
  const onPort = (port: number | undefined, kind: 'vxlan' | 'geneve'): RulesJson => ({
    outbound: [groupOf('g', [{ do: 'encap', with: { tunnel: kind, srcIp: HOST, dstIp: HOST, vni: 5001, ...(port === undefined ? {} : { port }) } }])],
    inbound: [groupOf('g', [{ do: 'decap', when: { vni: 5001, dstIp: HOST, tunnel: kind, ...(port === undefined ? {} : { dstPort: port }) } }, { do: 'block', priority: 900 }])],
  })
  for (const [kind, port] of [['vxlan', undefined], ['vxlan', 8472], ['vxlan', 6081], ['geneve', undefined], ['geneve', 6082], ['geneve', 4789], ['vxlan', 1], ['vxlan', 65_535]] as const) {
    const { host, ports, ended } = bench([onPort(port, kind), onPort(port, kind)], {}, () => ({ vni: 5001 }))
    const wire = port ?? (kind === 'vxlan' ? 4789 : 6081)
    const [output] = ports[0]!.process('outbound', frame({ toMac: macOf(2) })).outputs
    t.is(output!.frame[36]! * 256 + output!.frame[37]!, wire)
    host.fromVm('vm-1', frame({ toMac: macOf(2) }))
    t.deepEqual(ended().map(({ to, bytes }) => [to, bytes.length]), [['vm-2', frame().length]], 'to a neighbour on the host')
    host.fromNetwork(tunnelled([{ toMac: ELSEWHERE, to: HOST, kind, vni: 5001, port: wire }], frame({ toMac: macOf(2) })))
    t.deepEqual(ended().map(({ to }) => to), ['vm-2'])
    host.fromNetwork(tunnelled([{ toMac: ELSEWHERE, to: HOST, kind, vni: 5001, port: wire ^ 1 }], frame({ toMac: macOf(2) })))
    t.deepEqual(ended(), [], 'the port beside it')
  }
})
