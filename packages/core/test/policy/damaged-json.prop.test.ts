import { testProp } from '@fast-check/ava'
import test from 'ava'
import fc from 'fast-check'
import {
  allow, block, decap, describeError, directory, encap, type GroupJson, hairpin, mirror, nat, orThrow, retag, type RuleJson, rulesLayer, translate,
  transpose, vlan,
} from '../../src/index.js'
import { Conditions } from '../../src/policy/condition-codec.js'
import { conditionsArbitrary } from '../../src/testing/condition-arbitraries.js'
import { wildTransposition } from '../../src/testing/transposition-arbitraries.js'
import { format } from '../../src/transposition/notation.js'
import { toJson } from '../../src/transposition/notation-json.js'
import { frame, observed, onePort } from '../switch/support.js'

const layerType = rulesLayer('damaged', [allow, block, nat, encap, decap, hairpin, mirror, vlan, retag, translate, transpose])

const ip = fc.constantFrom('10.0.0.1', '192.0.2.1')
const some = <T extends object>(parts: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(parts, { requiredKeys: [] })

/** Definitions of rule types, all valid, with what a rule gives for their parameters. */
const TYPES: readonly { readonly definition: { readonly name: string }; readonly config: unknown }[] = [
  { definition: { name: 'gate', lookups: { known: { in: 'directory', key: { vni: 1, ip: { field: 'srcIp' } }, absent: 'Unknown' } } } as { name: string }, config: {} },
  {
    definition: {
      name: 'tunnelling',
      parameters: { underlay: 'ip', vni: { type: 'vni', default: 9 }, table: { type: 'resource', default: 'directory' } },
      lookups: { home: { in: { param: 'table' }, key: { vni: { param: 'vni' }, ip: { field: 'dstIp' } } } },
      transposition: {
        edit: [{ set: { dstMac: { lookup: 'home', take: 'endpoints.#.mac' } } }],
        push: [{
          srcIp: { param: 'underlay' }, dstIp: { lookup: 'home', take: 'endpoints.#.pa' }, vni: { lookup: 'home', take: 'vni', or: { param: 'vni' } },
          srcMac: '00:00:00:00:00:00', dstMac: '00:00:00:00:00:00', srcPort: { hash: 16 }, tunnel: 'geneve', options: '01020300',
        }],
      },
      mirrors: ['vm-9'],
    } as { name: string },
    config: { underlay: '192.0.2.1', vni: 5 },
  },
  {
    definition: {
      name: 'linking',
      parameters: { base: 'ipv6' },
      transposition: {
        edit: [{
          translate: { from: 4, to: 6 }, vlans: { pop: 'all', push: [{ vid: { hash: 12 } }] },
          set: {
            srcIp: { prefix: { base: { param: 'base' }, mask: '::ffff:0:0:0', bits: '::1:0:0:0' }, length: 96, embed: { field: 'srcIp' } },
            dstIp: { prefix: '64:ff9b::', length: 96, embed: { field: 'dstIp' } }, ttl: { original: 0, minus: 1 },
          },
        }],
      },
      verdict: { hairpin: 'vm-1' },
    } as { name: string },
    config: { base: 'fd41:108:20:abc:abc::' },
  },
  { definition: { name: 'naming', parameters: { why: 'text' }, verdict: { drop: { param: 'why' } } } as { name: string }, config: { why: 'Because' } },
]

const tag = fc.record({ vid: fc.nat(4095), pcp: fc.nat(7), dei: fc.boolean(), tpid: fc.constantFrom(0x8100, 0x88a8) }, { requiredKeys: ['vid'] })
const transposition = wildTransposition().filter((t) => t._tag === 'Transposition' && ![...t.edit.map((e) => e.vlans?.push ?? []), ...t.push.map((p) => p.vlans)].some((tags) => tags.length > 2))

const action: fc.Arbitrary<Pick<RuleJson, 'do' | 'with'>> = fc.oneof(
  fc.constantFrom({ do: 'allow' }, { do: 'decap', with: {} }, { do: 'block', with: { reason: 'Why' } }, { do: 'hairpin', with: { port: 'vm-1' } }, { do: 'mirror', with: { port: 'vm-2' } }),
  some({ srcIp: ip, dscp: fc.nat(63), ttl: fc.constant({ original: 0, minus: 1 }), tcpFlags: fc.nat(0x1ff) }).map((config) => ({ do: 'nat', with: config })),
  fc.tuple(ip, ip, some({ tunnel: fc.constantFrom('vxlan', 'nvgre', 'geneve'), dscp: fc.constantFrom('copy', 7), ecn: fc.nat(3), ttl: fc.constantFrom('copy', 64) }))
    .map(([srcIp, dstIp, rest]) => ({ do: 'encap', with: { srcIp, dstIp, vni: 7, ...rest } })),
  some({ pop: fc.constantFrom(0, 1, 2, 'all'), push: fc.array(tag, { maxLength: 2 }) }).map((config) => ({ do: 'vlan', with: config })),
  tag.map((config) => ({ do: 'retag', with: config })),
  fc.constantFrom({ do: 'translate', with: { to: 6, src: '64:ff9b::/96', dst: '2001:db8::1' } }, { do: 'translate', with: { to: 4, src: '192.0.2.1', dst: '64:ff9b::/96', hops: 0 } }),
  fc.tuple(transposition, fc.boolean()).map(([t, text]) => ({ do: 'transpose', with: text ? format(t) : JSON.parse(JSON.stringify(toJson(t))) as unknown })),
  fc.constantFrom(...TYPES).map(({ definition, config }) => ({ do: definition.name, with: config })),
)

const when = conditionsArbitrary().map((conditions) => Conditions.encode(conditions))
const rule: fc.Arbitrary<RuleJson> = fc
  .tuple(action, some({ priority: fc.nat(0xffff_ffff), when, terminating: fc.boolean(), stateful: fc.boolean() }))
  .map(([a, rest]) => ({ ...a, ...rest }))
const groups: fc.Arbitrary<readonly GroupJson[]> = fc
  .array(fc.tuple(fc.array(rule, { minLength: 1, maxLength: 3 }), some({ order: fc.integer({ min: -9, max: 9 }), when })), { maxLength: 2 })
  .map((all) => all.map(([rules, rest], g) => ({ name: `g${g}`, rules: rules.map((r, i) => ({ id: `r${i}`, ...r })), ...rest })))
const policy = fc.record({ types: fc.constant(TYPES.map(({ definition }) => definition)), outbound: groups, inbound: groups })

/** Keys of lookups, of whatever shape; few are customer addresses. */
const someIp = fc.constantFrom<unknown>(
  { field: 'dstIp' }, { field: 'srcMac' }, { field: 'ttl' }, { constant: '10.0.1.5', as: 'ip' }, { constant: '00:00:00:00:00:01', as: 'mac' }, { param: 'number' }, { param: 'text' },
  { hash: 3 }, { version: 4, words: [0, 0, 0, 1] }, { version: 4, words: [0, 0, 0] }, { version: 6 }, '10.0.1.5', 7, null, [], {},
)
const key = fc.oneof(
  { arbitrary: some({ vni: fc.oneof(fc.constantFrom<unknown>(5001, { param: 'number' }, { field: 'srcMac' }), someIp), ip: someIp, more: fc.constant(1) }), weight: 3 }, someIp, fc.constantFrom('k', true, [5001, '10.0.1.5']),
)

/** Something else, of whatever kind, in place of a value. */
const rubbish = fc.oneof(
  fc.constantFrom<unknown>(
    null, -1, 0.5, 1e300, 'text', '', true, [], {}, [[]], { param: 'vni' }, { param: 'toString' }, { field: 'dstIp' }, { field: 7 }, { lookup: 'home', take: '__proto__' }, { hash: 3 },
    { prefix: '::', length: 96, embed: '10.0.0.1' }, { original: 300 }, { outer: {}, inner: {} }, '10.0.0.0/33', '__proto__', 'pop; 0: ttl=ttl(0)-255', { constructor: 1 },
  ),
  fc.jsonValue(),
)

interface Damage {
  readonly at: number
  readonly how: 'delete' | 'replace' | 'insert' | 'double'
  readonly key: string
  readonly by: unknown
}

const damage: fc.Arbitrary<Damage> = fc.record({
  at: fc.nat(), how: fc.constantFrom('delete', 'replace', 'insert', 'double'),
  key: fc.constantFrom('x', 'param', 'field', 'lookup', 'hash', 'prefix', 'constant', 'types', 'do', 'with', 'set', 'constructor', 'toString', '0', 'a/b~c'), by: rubbish,
})

/** Deletes, replaces, inserts or doubles one value somewhere in a document; `at` chooses the place among all of them. */
const harm = (document: unknown, { at, how, key: added, by }: Damage): unknown => {
  const places: { readonly holder: unknown[] | Record<string, unknown>; readonly key: string }[] = []
  const copy = structuredClone({ '': document })
  const visit = (holder: unknown[] | Record<string, unknown>): void => {
    for (const [key, value] of Object.entries(holder)) {
      places.push({ holder, key })
      if (Array.isArray(value)) visit(value)
      else if (typeof value === 'object' && value !== null) visit(value as Record<string, unknown>)
    }
  }
  visit(copy)
  const place = places[at % places.length]
  if (place === undefined) return document
  const { holder, key } = place
  if (Array.isArray(holder)) {
    if (how === 'delete') holder.splice(Number(key), 1)
    else if (how === 'double') holder.push(holder[Number(key)])
    else if (how === 'insert') holder.splice(Number(key), 0, by)
    else holder[Number(key)] = by
  } else if (how === 'delete') Reflect.deleteProperty(holder, key)
  else if (how === 'insert' && holder !== copy) holder[added] = by
  else holder[key] = how === 'double' ? [holder[key], holder[key]] : by
  return copy['']
}

testProp('rulesLayer: a policy of every kind is written back and read as the same policy', [policy], (t, json) => {
  const decoded = layerType.codec.decode(json)
  if (decoded._tag === 'Left') return t.fail(JSON.stringify(decoded.left.map((e) => [e.context.map((c) => c.key).join('/'), e.message])))
  const written = layerType.codec.encode(decoded.right)
  t.deepEqual(written.types, json.types as typeof written.types)
  const again = layerType.codec.decode(JSON.parse(JSON.stringify(written)))
  t.true(again._tag === 'Right')
  if (again._tag === 'Right') t.deepEqual(layerType.codec.encode(again.right), written)
}, { numRuns: 200 })

test('rulesLayer: a damaged policy is refused with a path and a reason and nothing has changed, or it is valid, and no packet makes an exception', (t) => {
  let refused = 0
  fc.assert(
    fc.property(policy, fc.array(damage, { minLength: 1, maxLength: 3 }), (good, damages) => {
      const vm = onePort({ resources: { directory: directory() } })
      const layer = orThrow(vm.addLayer(layerType, { order: 1 }))
      orThrow(layer.updateJson({ outbound: [{ name: 'before', rules: [{ do: 'block' }] }] }))
      vm.process('outbound', frame())
      const seen = JSON.stringify(observed(vm))
      const answer = layer.updateJson(damages.reduce<unknown>(harm, good))
      if (answer._tag === 'Right') {
        vm.process('outbound', frame())
        vm.process('inbound', frame({ proto: 'udp' }))
        vm.explain('outbound', frame())
        t.is(layer.updateJson({})._tag, 'Right')
        return
      }
      refused++
      t.is(JSON.stringify(observed(vm)), seen)
      t.true(['BadPolicy', 'Duplicate', 'BadGroup'].includes(answer.left._tag), describeError(answer.left))
      if (answer.left._tag !== 'BadPolicy') return
      t.true(answer.left.problems.length > 0)
      for (const { path, reason } of answer.left.problems) {
        t.true(reason.length > 0)
        t.regex(path, /^(\/[^/]*)*$/)
      }
    }),
    { numRuns: 1500 },
  )
  t.true(refused > 500, `${refused} of 1500 were refused`)
})

test('rulesLayer: a lookup whose key can be none of the directory is refused there, and no other key makes an exception', (t) => {
  let refused = 0
  fc.assert(
    fc.property(key, fc.boolean(), (lookedUp, checks) => {
      const homes = directory()
      // A resource need not have `checkKey`.
      const { checkKey: _, ...bare } = homes
      const vm = onePort({ resources: { directory: checks ? homes : bare } })
      const layer = orThrow(vm.addLayer(layerType, { order: 1 }))
      const types = [{ name: 'gate', parameters: { number: 'number', text: 'text' }, lookups: { known: { in: 'directory', key: lookedUp } } }]
      const answer = layer.updateJson({ types, outbound: [{ name: 'g', rules: [{ do: 'gate', with: { number: 5001, text: 'x' } }, { do: 'gate', with: { number: 5001, text: 'y' } }] }] })
      if (answer._tag === 'Right') {
        const { outcome } = vm.process('outbound', frame())
        t.is(outcome._tag === 'Dropped' ? outcome.reason : outcome._tag, 'NoMapping')
        t.regex(String(vm.explain('outbound', frame())), /NoMapping/)
        return
      }
      refused++
      t.true(checks)
      t.deepEqual(answer.left._tag === 'BadPolicy' ? answer.left.problems.map(({ path }) => path) : answer.left, ['/types/0/lookups/known/key'])
    }),
    { numRuns: 400 },
  )
  t.true(refused > 100 && refused < 250, `${refused} of 400 were refused`)
})

for (const [wrong, reason] of [
  ['k', 'expected an object with vni and ip'],
  [null, 'expected an object with vni and ip'],
  [{ vni: 5001, address: { field: 'dstIp' } }, 'expected an object with vni and ip'],
  [{ vni: '5001', ip: { field: 'dstIp' } }, 'vni: expected a number from 0 to 16777215'],
  [{ vni: 5001, ip: '10.0.1.5' }, 'ip: expected an IP address, which a key has as {"constant": "10.0.0.1", "as": "ip"}'],
  [{ vni: 5001, ip: { field: 'srcMac' } }, 'ip: expected an IP address'],
] as const) {
  test(`rulesLayer: the key ${JSON.stringify(wrong)} is refused with the reason why it is none of the directory`, (t) => {
    const layer = orThrow(onePort({ resources: { directory: directory() } }).addLayer(layerType, { order: 1 }))
    const answer = layer.updateJson({ types: [{ name: 'gate', lookups: { known: { in: 'directory', key: wrong } } }], inbound: [{ name: 'g', rules: [{ do: 'gate' }] }] })
    t.deepEqual(answer._tag === 'Left' && answer.left._tag === 'BadPolicy' ? answer.left.problems : answer, [{ path: '/types/0/lookups/known/key', reason: `no key of directory: ${reason}` }])
  })
}
