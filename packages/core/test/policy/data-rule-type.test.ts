import test from 'ava'
import { isLeft } from 'fp-ts/lib/Either.js'
import { directory, entropyPort, type Port, type RulesJson, type RuleTypeJson, orThrow, ruleTypeFromJson, rulesLayer, type AnyResource } from '../../src/index.js'
import { parseTransposition } from '../../src/transposition/notation-parse.js'
import { BUILT_IN, frame, groupOf, observed, onePort, show, tell } from '../switch/support.js'

const layerType = rulesLayer('own', BUILT_IN)

/** A VNET in miniature. */
const VNET: RuleTypeJson = {
  name: 'vnet',
  parameters: { underlay: 'ip', vni: 'vni', table: { type: 'resource', default: 'directory' } },
  lookups: { home: { in: { param: 'table' }, key: { vni: { param: 'vni' }, ip: { field: 'dstIp' } } } },
  transposition: {
    edit: [{ set: { dstMac: { lookup: 'home', take: 'endpoints.0.mac' } } }],
    push: [{
      srcIp: { param: 'underlay' }, dstIp: { lookup: 'home', take: 'endpoints.0.pa' }, vni: { lookup: 'home', take: 'vni', or: { param: 'vni' } },
      srcMac: '00:00:00:00:00:00', dstMac: '00:00:00:00:00:00', srcPort: { hash: 16 },
    }],
  },
}

/** A table of whatever keys, given as the text of their JSON. */
const table = (name: string, entries: Readonly<Record<string, unknown>>): AnyResource => {
  const cell = { version: 0 }
  return { name, lookup: (key: unknown) => (Object.hasOwn(entries, JSON.stringify(key)) ? { _tag: 'Found', value: entries[JSON.stringify(key)], cell } : { _tag: 'Absent', cell }) }
}

const portWith = (...resources: readonly AnyResource[]): Port => onePort({ resources: Object.fromEntries(resources.map((resource) => [resource.name, resource])) })

/** A port with one rule of one type. */
const running = (type: unknown, config: object = {}, resources: readonly AnyResource[] = [], rule: object = {}): Port => {
  const port = portWith(...resources)
  const { name } = type as RuleTypeJson
  orThrow(orThrow(port.addLayer(layerType, { order: 1 })).updateJson({ types: [type], outbound: [{ name: 'g', rules: [{ do: name, with: config, ...rule }] }] }))
  return port
}

const filled = () => {
  const homes = directory()
  orThrow(homes.add({ vni: 5001, ip: '10.0.0.2', at: [{ pa: '192.0.2.2', mac: '00:15:5d:00:00:09' }] }))
  orThrow(homes.add({ vni: 5001, ip: '10.0.0.3', at: [{ pa: '192.0.2.3', mac: '00:15:5d:00:00:0a' }], destinationVni: 7 }))
  return homes
}

test('ruleTypeFromJson: a rule of the type looks up, edits and encapsulates', (t) => {
  const port = running(VNET, { underlay: '192.0.2.1', vni: 5001 }, [filled()])
  t.is(tell(port.process('outbound', frame())), 'passed; network: tcp 10.0.0.1:1000 > 10.0.0.2:80 in vxlan 5001 192.0.2.1 > 192.0.2.2')
  t.is(tell(port.process('outbound', frame({ to: '10.0.0.3' }))), 'passed; network: tcp 10.0.0.1:1000 > 10.0.0.3:80 in vxlan 7 192.0.2.1 > 192.0.2.3')
  t.is(tell(port.process('outbound', frame({ to: '10.0.0.4' }))), 'NoMapping')
  const [{ frame: bytes } = { frame: new Uint8Array(0) }] = port.process('outbound', frame()).outputs
  t.deepEqual([...bytes.subarray(50, 56)], [0, 0x15, 0x5d, 0, 0, 9])
  t.true(((bytes[34]! << 8) | bytes[35]!) >= entropyPort(0))
})

test('ruleTypeFromJson: a changed entry ends just the flows that used it', (t) => {
  const homes = filled()
  const port = running(VNET, { underlay: '192.0.2.1', vni: 5001 }, [homes])
  port.process('outbound', frame())
  orThrow(homes.add({ vni: 5001, ip: '10.0.0.2', at: [{ pa: '192.0.2.8', mac: '00:15:5d:00:00:09' }] }))
  t.is(tell(port.process('outbound', frame())), 'passed; network: tcp 10.0.0.1:1000 > 10.0.0.2:80 in vxlan 5001 192.0.2.1 > 192.0.2.8')
})

test('ruleTypeFromJson: is explained and reported by its name, and written back', (t) => {
  const port = running(VNET, { underlay: '192.0.2.1', vni: 5001 }, [filled()])
  t.is(port.rules()[0]?.type, 'vnet')
  t.deepEqual(port.rules()[0]?.config, { underlay: '192.0.2.1', vni: 5001, table: 'directory' })
  t.regex(String(port.explain('outbound', frame())), /vnet-1/)
  const json: RulesJson = { types: [VNET], outbound: [groupOf('g', [{ id: 'r', do: 'vnet', with: { underlay: '192.0.2.1', vni: 5001 } }])] }
  const read = layerType.codec.decode(json)
  if (read._tag === 'Left') return t.fail()
  const written = layerType.codec.encode(read.right)
  t.deepEqual(written.types, [VNET])
  t.deepEqual(written.outbound?.[0]?.rules[0]?.with, { underlay: '192.0.2.1', vni: 5001, table: 'directory' })
  const again = layerType.codec.decode(JSON.parse(JSON.stringify(written)))
  t.deepEqual(again._tag === 'Right' ? layerType.codec.encode(again.right) : undefined, written)
})

test('ruleTypeFromJson: may be given to a layer type as any other rule type', (t) => {
  const port = portWith(filled())
  const own = rulesLayer('vnets', [orThrow(ruleTypeFromJson(VNET))])
  const layer = orThrow(port.addLayer(own, { order: 1 }))
  orThrow(layer.updateJson({ outbound: [groupOf('g', [{ do: 'vnet', with: { underlay: '192.0.2.1', vni: 5001 } }])] }))
  t.is(tell(port.process('outbound', frame())), 'passed; network: tcp 10.0.0.1:1000 > 10.0.0.2:80 in vxlan 5001 192.0.2.1 > 192.0.2.2')
})

test('ruleTypeFromJson: an address is put together from a prefix, masked bits and an IPv4 address', (t) => {
  // A private link: the VM's IPv4 address in the last 32 bits, the link's own bits above them.
  const link = {
    name: 'private-link',
    parameters: { base: 'ipv6', mask: 'ipv6', bits: 'ipv6', to: 'ipv6' },
    transposition: {
      edit: [{
        translate: { from: 4, to: 6 },
        set: {
          srcIp: { prefix: { base: { param: 'base' }, mask: { param: 'mask' }, bits: { param: 'bits' } }, length: 96, embed: { field: 'srcIp' } },
          dstIp: { param: 'to' },
        },
      }],
    },
  }
  const port = running(link, { base: 'fd41:108:20:abc:abc::', mask: '::ffff:ffff:ffff:0:0', bits: '::d107:64:ff71:0:0', to: '2001:db8::1' })
  const explained = port.explain('outbound', frame()).transposition
  t.is(explained, '0: translate 4>6 srcIp=fd41:108:20:d107:64:ff71:a00:1 dstIp=2001:db8::1; quote: refused')
})

test('ruleTypeFromJson: an IPv4 address is taken out from behind a prefix', (t) => {
  const out = { name: 'out', transposition: { edit: [{ translate: { from: 6, to: 4 }, set: { srcIp: '192.0.2.1', dstIp: { embedded: { field: 'dstIp' }, length: 96 } } }] } }
  const port = running(out)
  t.is(port.explain('outbound', frame({ from: '2001:db8::1', to: '64:ff9b::c000:221' })).transposition, '0: translate 6>4 srcIp=192.0.2.1 dstIp=192.0.2.33; quote: refused')
  t.is(port.explain('outbound', frame()).verdict, 'drop FieldAbsent')
})

test('ruleTypeFromJson: fields, hashes and constants stand wherever their type fits', (t) => {
  const type = {
    name: 'fields',
    transposition: { edit: [{ set: { dstMac: { field: 'srcMac' }, srcMac: '00:00:00:00:00:01', srcPort: { field: 'dstPort' }, dstPort: { hash: 8 } }, vlans: { push: [{ vid: { hash: 12 } }] } }] },
  }
  const port = running(type)
  const read = parseTransposition(port.explain('outbound', frame()).transposition)
  if (read._tag === 'Left' || read.right._tag === 'Invalid') return t.fail()
  const [edit] = read.right.edit
  t.is(edit?.set.dstMac, 0x00155d000001)
  t.is(edit?.set.srcPort, 80)
  t.true((edit?.set.dstPort ?? 256) < 256 && (edit?.vlans?.push[0]?.vid ?? 4096) < 4096)
  t.is(port.explain('outbound', frame({ proto: 'icmp' })).verdict, 'drop FieldAbsent')
})

test('ruleTypeFromJson: # takes the element that the flow\'s hash chooses, the same for all that is taken', (t) => {
  const type = {
    name: 'spread',
    lookups: { pool: { in: 'pool', key: 'web' } },
    transposition: { edit: [{ set: { dstIp: { lookup: 'pool', take: '#.ip' }, dstMac: { lookup: 'pool', take: '#.mac' } } }] },
  }
  const members = [1, 2, 3, 4].map((n) => ({ ip: `10.1.0.${n}`, mac: `02:00:00:00:00:0${n}` }))
  const port = running(type, {}, [table('pool', { '"web"': members })])
  const seen = new Set<string>()
  for (let srcPort = 1; srcPort <= 64; srcPort++) {
    const [, mac, ip] = /dstMac=02:00:00:00:00:0(\d) dstIp=10\.1\.0\.(\d)/.exec(port.explain('outbound', frame({ srcPort })).transposition) ?? []
    t.is(mac, ip)
    seen.add(String(ip))
  }
  t.deepEqual([...seen].sort(), ['1', '2', '3', '4'])
})

test('ruleTypeFromJson: a value of the wrong kind in a resource drops as BadResourceValue, and never throws', (t) => {
  const type = { name: 'taking', lookups: { it: { in: 'table', key: { port: { field: 'dstPort' } } } }, transposition: { edit: [{ set: { dstIp: { lookup: 'it', take: 'a.0.ip' } } }] } }
  const values: readonly unknown[] = [
    null, 1, 'text', [], {}, { a: null }, { a: [] }, { a: [{}] }, { a: [{ ip: null }] }, { a: [{ ip: 7 }] }, { a: [{ ip: 'red' }] }, { a: [{ ip: '10.0.0.1/8' }] },
    { a: [{ ip: { version: 4, words: [1, 0, 0, 1] } }] }, { a: [{ ip: { version: 4, words: [0, 0, 0, 2 ** 32] } }] }, { a: [{ ip: { version: 5, words: [0, 0, 0, 1] } }] },
    { a: [{ ip: { version: 4, words: [0, 0, 1] } }] },
  ]
  for (const value of values) t.is(tell(running(type, {}, [table('table', { '{"port":80}': value })]).process('outbound', frame())), 'BadResourceValue', JSON.stringify(value))
  t.is(tell(running(type, {}, [table('table', { '{"port":80}': { a: [{ ip: '10.9.9.9' }] } })]).process('outbound', frame())), 'passed; network: tcp 10.0.0.1:1000 > 10.9.9.9:80')
})

test('ruleTypeFromJson: a verdict may drop, hairpin and mirror, by constant or parameter', (t) => {
  t.is(tell(running({ name: 'd', parameters: { why: 'text' }, verdict: { drop: { param: 'why' } } }, { why: 'Blocked' }).process('outbound', frame())), 'Blocked')
  const gate = { name: 'gate', lookups: { known: { in: 'table', key: { field: 'srcPort' }, absent: 'Unknown' } } }
  t.is(tell(running(gate, {}, [table('table', { 1000: true })]).process('outbound', frame())), 'passed; network: tcp 10.0.0.1:1000 > 10.0.0.2:80')
  t.is(tell(running(gate, {}, [table('table', {})]).process('outbound', frame())), 'Unknown')
  const port = running({ name: 'h', parameters: { to: 'text' }, verdict: { hairpin: { param: 'to' } }, mirrors: ['vm-9'] }, { to: 'vm-7' })
  const explained = port.explain('outbound', frame())
  t.is(explained.verdict, 'hairpin to vm-7')
  t.deepEqual(explained.layers[0]?.mirrors, ['vm-9'])
})

test('ruleTypeFromJson: a stateful rule is undone for the answers', (t) => {
  const port = running({ name: 'snat', parameters: { ip: 'ipv4' }, transposition: { edit: [{ set: { srcIp: { param: 'ip' } } }] } }, { ip: '198.51.100.1' }, [], { stateful: true })
  t.is(tell(port.process('outbound', frame())), 'passed; network: tcp 198.51.100.1:1000 > 10.0.0.2:80')
  const [answer] = port.process('inbound', frame({ from: '10.0.0.2', srcPort: 80, to: '198.51.100.1', dstPort: 1000 })).outputs
  t.is(show(answer?.frame ?? new Uint8Array(0)), 'tcp 10.0.0.2:80 > 10.0.0.1:1000')
})

/** Definitions that are refused, with where and why. */
const REFUSED: readonly (readonly [unknown, string, RegExp])[] = [
  [null, '', /expected an object/],
  [{}, '/name', /is missing/],
  [{ name: '1' }, '/name', /a name is/],
  [{ name: 'x', verdit: 1 }, '/verdit', /unknown property/],
  [{ name: 'x', parameters: { a: 'colour' } }, '/parameters/a', /one of ip, ipv4/],
  [{ name: 'x', parameters: { a: { type: 'ip', default: 7 } } }, '/parameters/a/default', /expected an IP address/],
  [{ name: 'x', parameters: { '': 'ip' } }, '/parameters/', /a name is/],
  [{ name: 'x', lookups: { a: { in: 'd' } } }, '/lookups/a/key', /is missing/],
  [{ name: 'x', lookups: { a: { in: { param: 'q' }, key: 1 } } }, '/lookups/a/in/param', /no parameter of this name/],
  [{ name: 'x', lookups: { a: { in: 'd', key: { x: { param: 'q' } } } } }, '/lookups/a/key/x/param', /no such parameter; there are none/],
  [{ name: 'x', lookups: { a: { in: 'd', key: { x: { field: 'colour' } } } } }, '/lookups/a/key/x/field', /there is no field colour/],
  [{ name: 'x', transposition: { edit: [{ set: { colour: 1 } }] } }, '/transposition/edit/0/set/colour', /unknown property/],
  [{ name: 'x', transposition: { edit: [{ set: { srcIp: { param: 'a' } } }] } }, '/transposition/edit/0/set/srcIp/param', /no such parameter/],
  [{ name: 'x', parameters: { a: 'vni' }, transposition: { edit: [{ set: { srcPort: { param: 'a' } } }] } }, '/transposition/edit/0/set/srcPort/param', /a number from 0 to 16777215 is given where a number from 0 to 65535/],
  [{ name: 'x', transposition: { edit: [{ set: { srcIp: { field: 'srcMac' } } }] } }, '/transposition/edit/0/set/srcIp/field', /a MAC address is given where an IP address is wanted/],
  [{ name: 'x', transposition: { edit: [{ set: { srcPort: { field: 'vni' } } }] } }, '/transposition/edit/0/set/srcPort/field', /a number from 0 to 16777215 is given where a number from 0 to 65535/],
  [{ name: 'x', transposition: { edit: [{ set: { srcPort: { lookup: 'a' } } }] } }, '/transposition/edit/0/set/srcPort/lookup', /no such lookup/],
  [{ name: 'x', transposition: { edit: [{ set: { srcPort: { hash: 15 } } }] } }, '/transposition/edit/0/set/srcPort/hash', /of 16 bits/],
  [{ name: 'x', transposition: { edit: [{ set: { srcIp: { prefix: '::', length: 95, embed: '10.0.0.1' } } }] } }, '/transposition/edit/0/set/srcIp/length', /one of 32, 40/],
  [{ name: 'x', transposition: { edit: [{ set: { srcIp: { prefix: '10.0.0.1', length: 96, embed: '10.0.0.1' } } }] } }, '/transposition/edit/0/set/srcIp/prefix', /expected an IPv6 address/],
  [{ name: 'x', transposition: { edit: [{ set: { srcIp: '10.0.0.1', dstIp: '::1' } }] } }, '/transposition/edit/0/set', /different IP versions/],
  [{ name: 'x', parameters: { a: 'ipv6' }, transposition: { edit: [{ set: { srcIp: '10.0.0.1', dstIp: { param: 'a' } } }] } }, '/transposition/edit/0/set', /different IP versions/],
  [{ name: 'x', transposition: { edit: [{ need: { l3: { param: 'a' } } }] } }, '/transposition/edit/0/need/l3', /no computed value can stand here/],
  [{ name: 'x', verdict: 'allow' }, '/verdict', /a verdict is/],
  [{ name: 'x', verdict: { drop: 'No' }, mirrors: ['a'] }, '/verdict', /neither changed nor mirrored/],
  [{ name: 'x', verdict: { hairpin: { field: 'dstPort' } } }, '/verdict/hairpin/field', /where text is wanted/],
  [{ name: 'x', mirrors: [{ param: 'p' }] }, '/mirrors/0/param', /no such parameter/],
]

test('ruleTypeFromJson: refuses what is no JSON, however deep or endless', (t) => {
  const endless: Record<string, unknown> = {}
  endless['again'] = endless
  for (const key of [endless, { n: 1n }, { n: Number.NaN }, { f: () => 1 }]) t.is(ruleTypeFromJson({ name: 'x', lookups: { a: { in: 'd', key } } })._tag, 'Left')
  t.is(ruleTypeFromJson({ name: 'x', transposition: endless })._tag, 'Left')
  let deep: unknown = '::'
  for (let i = 0; i < 10_000; i++) deep = { prefix: deep, length: 96, embed: '10.0.0.1' }
  t.is(ruleTypeFromJson({ name: 'x', transposition: { edit: [{ set: { srcIp: deep } }] } })._tag, 'Left')
})

for (const [definition, path, reason] of REFUSED) {
  test(`ruleTypeFromJson: refuses ${JSON.stringify(definition)}`, (t) => {
    const read = ruleTypeFromJson(definition)
    if (read._tag === 'Right') return t.fail('it was accepted')
    const problem = read.left.problems.find((p) => p.path === path)
    if (problem === undefined) return t.fail(JSON.stringify(read.left.problems))
    t.regex(problem.reason, reason)
  })
}

test('rulesLayer: refuses what a rule of a type as data may not be, and nothing has changed', (t) => {
  const port = portWith(filled())
  const layer = orThrow(port.addLayer(layerType, { order: 1 }))
  orThrow(layer.updateJson({ outbound: [groupOf('g', [{ do: 'block' }])] }))
  port.process('outbound', frame())
  const before = observed(port)
  const rule = (config: unknown, types: readonly unknown[] = [VNET]) => ({ types, outbound: [{ name: 'g', rules: [{ do: 'vnet', with: config }] }] })
  const good = { underlay: '192.0.2.1', vni: 5001 }
  const fixed = { ...VNET, lookups: { home: { in: 'elsewhere', key: 1 } } }
  const refused: readonly (readonly [unknown, string, string])[] = [
    [rule({ vni: 1 }), '/outbound/0/rules/0/with/underlay', 'is missing: expected an IP address'],
    [rule({ ...good, colour: 1 }), '/outbound/0/rules/0/with/colour', 'unknown parameter; known are underlay, vni, table'],
    [rule({ ...good, vni: 2 ** 24 }), '/outbound/0/rules/0/with/vni', 'expected a number from 0 to 16777215'],
    [rule({ ...good, table: 'elsewhere' }), '/outbound/0/rules/0/with/table', 'there is no resource elsewhere'],
    [rule(good, [fixed]), '/types/0/lookups/home/in', 'there is no resource elsewhere'],
    [rule(good, [VNET, VNET]), '/types/1/name', 'there is a rule type vnet already'],
    [rule(good, [{ name: 'allow' }]), '/types/0/name', 'there is a rule type allow already'],
    [rule(good, []), '/outbound/0/rules/0/do', 'no such rule type; known are allow, block, nat, encap, decap, hairpin, mirror, count'],
    [{ types: {} }, '/types', 'expected a list of rule types'],
    [
      { types: [{ name: 'two', parameters: { a: 'ip', b: 'ip' }, transposition: { edit: [{ set: { srcIp: { param: 'a' }, dstIp: { param: 'b' } } }] } }], inbound: [groupOf('g', [{ do: 'two', with: { a: '10.0.0.1', b: '::1' } }])] },
      '/inbound/0/rules/0/with', 'edit/0/set: source and destination addresses are of different IP versions',
    ],
  ]
  for (const [policy, path, reason] of refused) {
    const answer = layer.updateJson(policy)
    if (!isLeft(answer) || answer.left._tag !== 'BadPolicy') {
      t.fail(JSON.stringify(answer))
      continue
    }
    t.deepEqual(answer.left.problems.filter((p) => p.path === path).map((p) => p.reason), [reason], JSON.stringify(answer.left.problems))
    t.deepEqual(observed(port), before)
  }
})
