import test from 'ava'
import fc from 'fast-check'
import { describeError, orThrow } from '../../src/errors.js'
import type { GroupJson, RuleJson, RulesJson } from '../../src/index.js'
import { FIELDS } from '../../src/flow/field.js'
import { Conditions } from '../../src/policy/condition-codec.js'
import { ruleToJson } from '../../src/policy/rules-layer.js'
import { conditionsArbitrary } from '../../src/testing/condition-arbitraries.js'
import { frame, builtIn, observed, onePort } from '../switch/support.js'

const ip = fc.constantFrom('10.0.0.1', '192.0.2.1')
const mac = fc.constantFrom('00:15:5d:00:00:01', '02:00:00:00:00:ff')
const port = fc.constantFrom('vm-1', 'vm-2')
const some = <T extends object>(parts: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(parts, { requiredKeys: [] })

const action: fc.Arbitrary<Pick<RuleJson, 'do' | 'with'>> = fc.oneof(
  fc.constantFrom({ do: 'allow' }, { do: 'decap', with: {} }, { do: 'count' }, { do: 'block' }, { do: 'block', with: { reason: 'Why' } }),
  fc.oneof(
    some({ srcIp: ip, dstIp: ip, dscp: fc.nat(63), ecn: fc.nat(3), ttl: fc.nat(255), srcMac: mac, dstMac: mac, srcPort: fc.nat(65_535), dstPort: fc.nat(65_535) }),
    some({ srcIp: ip, icmpId: fc.nat(65_535) }),
  ).map((config) => ({ do: 'nat', with: config })),
  fc.tuple(ip, ip, fc.nat(0xff_ffff), some({ srcMac: mac, dstMac: mac, innerDstMac: mac, innerSrcMac: mac, ttl: fc.integer({ min: 1, max: 255 }) }))
    .map(([srcIp, dstIp, vni, rest]) => ({ do: 'encap', with: { srcIp, dstIp, vni, ...rest } })),
  fc.tuple(fc.constantFrom('hairpin', 'mirror'), port).map(([type, to]) => ({ do: type, with: { port: to } })),
)

const when = conditionsArbitrary().map((conditions) => Conditions.encode(conditions))

const rule: fc.Arbitrary<RuleJson> = fc
  .tuple(action, some({
    priority: fc.nat(0xffff_ffff), when, terminating: fc.boolean(),
    stateful: fc.oneof(fc.boolean(), fc.integer({ min: 1, max: 1e6 }).map((idleMs) => ({ idleMs }))),
  }))
  .map(([a, rest]) => ({ ...a, ...rest }))

const groups: fc.Arbitrary<readonly GroupJson[]> = fc
  .array(fc.tuple(fc.array(rule, { maxLength: 4 }), some({ order: fc.integer({ min: -9, max: 9 }), when })), { maxLength: 3 })
  .map((all) => all.map(([rules, rest], g) => ({ name: `g${g}`, rules: rules.map((r, i) => ({ id: `r${i}`, ...r })), ...rest })))

const policy: fc.Arbitrary<RulesJson> = some({ outbound: groups, inbound: groups })

/** Something else, of whatever kind, in place of a value. */
const rubbish = fc.constantFrom<unknown>(
  null, -1, 0.5, 1e300, 'text', '', true, [], {}, [[]], { name: 'g' }, '0-0', '10.0.0.0/33', { do: 'nat', with: 3 }, Object.keys(FIELDS), '__proto__',
)

/** Replaces, drops or doubles one value somewhere in a document; `at` chooses the place among all of them. */
const damage = (document: unknown, at: number, how: 'replace' | 'drop' | 'double' | 'rename', by: unknown): unknown => {
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
  const { holder, key } = places[at % places.length]!
  if (Array.isArray(holder)) {
    if (how === 'drop') holder.splice(Number(key), 1)
    else if (how === 'double') holder.push(holder[Number(key)])
    else holder[Number(key)] = by
  } else if (how === 'rename') {
    holder[`${key}x`] = holder[key]
    Reflect.deleteProperty(holder, key)
  } else if (how === 'drop') Reflect.deleteProperty(holder, key)
  else holder[key] = how === 'double' ? [holder[key], holder[key]] : by
  return copy['']
}

test('rulesLayer: a policy that is written back is read as the same policy', (t) => {
  fc.assert(
    fc.property(policy, (json) => {
      const read = orThrow(onePort().addLayer(builtIn, { order: 1 }))
      orThrow(read.updateJson(json))
      const decoded = builtIn.codec.decode(json)
      if (decoded._tag === 'Left') throw new Error('refused')
      const written = builtIn.codec.encode(decoded.right)
      const again = builtIn.codec.decode(JSON.parse(JSON.stringify(written)))
      if (again._tag === 'Left') throw new Error(`what was written cannot be read: ${JSON.stringify(written)}`)
      t.deepEqual(builtIn.codec.encode(again.right), written)
      for (const [i, group] of (decoded.right.outbound ?? []).entries()) {
        for (const [k, r] of group.rules.entries()) t.deepEqual(ruleToJson(r), ruleToJson(again.right.outbound![i]!.rules[k]!))
      }
    }),
    { numRuns: 150 },
  )
})

test('rulesLayer: a damaged policy is accepted, or refused with what is wrong and where, and then nothing has changed', (t) => {
  let refused = 0
  fc.assert(
    fc.property(
      policy, policy, fc.array(fc.tuple(fc.nat(), fc.constantFrom('replace', 'drop', 'double', 'rename'), rubbish), { minLength: 1, maxLength: 3 }),
      (before, good, damages) => {
        const vm = onePort()
        const layer = orThrow(vm.addLayer(builtIn, { order: 1 }))
        orThrow(layer.updateJson(before))
        vm.process('outbound', frame())
        vm.process('inbound', frame({ proto: 'udp' }))
        const seen = JSON.stringify(observed(vm))
        const answer = layer.updateJson(damages.reduce<unknown>((document, [at, how, by]) => damage(document, at, how, by), good))
        if (answer._tag === 'Right') return
        refused++
        t.is(JSON.stringify(observed(vm)), seen)
        t.true(['BadPolicy', 'Duplicate', 'BadGroup'].includes(answer.left._tag), describeError(answer.left))
        if (answer.left._tag !== 'BadPolicy') return
        t.true(answer.left.problems.length > 0)
        for (const problem of answer.left.problems) {
          t.true(problem.reason.length > 0)
          t.regex(problem.path, /^(\/[^/]*)*$/)
        }
      },
    ),
    { numRuns: 300 },
  )
  t.true(refused > 0)
})
