/**
 * Policies for whole ports, as JSON for {@link testLayer}: rules of every built-in type and four of tests' own, one of which decides by its state, in layers
 * that look like what controllers really program, and in layers that are pure chance.
 *
 * Addresses, ports and networks are those of `traffic-arbitraries.ts`, so that rules and packets meet.
 */
import fc from 'fast-check'
import { isSome } from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import { integer, strictlyPartial } from '../check/codecs.js'
import type { ConditionsObject } from '../policy/condition-codec.js'
import { answerBy, proceed, refuse } from '../policy/decision.js'
import { type Directory, directory } from '../policy/directory.js'
import type { LayerType } from '../policy/layer.js'
import { NO_ANSWER, type Responder, TAKEN } from '../policy/responder.js'
import { defineRuleType, type RuleType } from '../policy/rule.js'
import { allow, block, count, decap, encap, hairpin, mirror, nat, transpose } from '../policy/rule-types.js'
import { type GroupJson, type RuleJson, type RulesConfig, type RulesJson, rulesLayer } from '../policy/rules-layer.js'
import { modify } from '../transposition/construct.js'
import { Slot, SLOTS } from '../wire/frame-view.js'
import { type Quotas, quotas } from './quota-type.js'
import { HOSTS4, HOSTS6, MACS, PEERS4, PEERS6, TENANTS, TRANSPORT_PORTS, UNDERLAYS4, UNDERLAYS6, VIPS } from './traffic-frames.js'

/** Network of the entries that the `route` rules of generated policies look up. */
export const ROUTE_VNI = 1

/** A rule type that asks a directory for the destination: rewrites the MAC where it is found, else drops or marks. */
export const routeType = (routes: Directory): RuleType<'route', { absent: 'drop' | 'mark' }, { absent: 'drop' | 'mark' }, undefined> =>
  defineRuleType({
    name: 'route',
    config: t.type({ absent: t.union([t.literal('drop'), t.literal('mark')]) }),
    decide: ({ absent }, flow) => {
      const ip = flow.ip('dstIp')
      const mapping = ip === undefined ? undefined : flow.lookup(routes, { vni: ROUTE_VNI, ip })
      if (mapping !== undefined && isSome(mapping)) {
        const { endpoints } = mapping.value
        return proceed(modify({ dstMac: endpoints[flow.flowHash % endpoints.length]!.mac }))
      }
      return absent === 'drop' ? refuse('NoRoute') : proceed(ip === undefined ? undefined : modify({ dscp: 7 }))
    },
  })

/** Fields of all classes: always compared, compared when named, and different in each packet. */
const READ_FIELDS = {
  srcPort: null, dstIp: null, srcMac: null, dscp: null, tcpFlags: null, vlanId: null, icmpType: null, vni: null, 'inner.srcMac': null,
  'inner.dscp': null, 'inner.vlanId': null, ttl: null, ecn: null, 'inner.ttl': null, ipId: null,
} as const

/** A rule type that reads one field through its context and decides by whether the value is odd. */
export const parityType = defineRuleType({
  name: 'parity',
  config: strictlyPartial({ field: t.keyof(READ_FIELDS), modulus: integer(2, 4) }, {}),
  decide: ({ field, modulus }, flow) => {
    const value = flow.number(field) ?? flow.mac(field) ?? flow.ip(field)?.words[3]
    if (value === undefined) return proceed()
    const rest = value % modulus
    return rest === 0 ? refuse('Even') : rest === 1 ? proceed() : proceed(modify({ srcMac: MACS[rest]! }))
  },
})

/** A rule type that lets on only what was handed to a name. */
export const handedType = defineRuleType({
  name: 'handed',
  config: strictlyPartial({ to: t.string }, {}),
  decide: ({ to }, flow) => (flow.handed(to) ? proceed() : refuse('NotHanded')),
})

/** A rule type that answers, by its form: the frame with its MACs exchanged and its last byte changed; only such of even length; nothing, but it is taken. */
export const replyType = defineRuleType({
  name: 'reply',
  config: strictlyPartial({ form: t.union([t.literal('swap'), t.literal('even'), t.literal('take')]) }, {}),
  decide: ({ form }) => answerBy(RESPONDERS[form]),
})

const swapMacs: Responder = {
  name: 'swap',
  answer: ({ bytes, start, end, depth, slots }, out, at) => {
    for (let i = start; i < end; i++) out[at + i - start] = bytes[i]!
    for (let i = 0; i < 6; i++) {
      out[at + i] = bytes[start + 6 + i]!
      out[at + 6 + i] = bytes[start + i]!
    }
    // So that it matters where the headers are said to lie.
    out[at + end - start - 1]! ^= depth + slots[(depth - 1) * SLOTS + Slot.L4]! - start
    return end - start
  },
}

const RESPONDERS = {
  swap: swapMacs,
  even: { name: 'even', answer: (view, out, at, nowUs) => ((view.end - view.start) % 2 === 0 ? swapMacs.answer(view, out, at, nowUs) : NO_ANSWER) },
  take: { name: 'take', answer: () => TAKEN },
} as const satisfies Readonly<Record<string, Responder>>

/** The layer type that generated policies are for; `route` rules ask `routes`, and `quota` rules are of `quota`. */
export const testLayer = (routes: Directory = directory('routes'), quota: Quotas = quotas()): LayerType<'test', RulesConfig, RulesJson> =>
  rulesLayer('test', [allow, block, count, decap, encap, hairpin, handedType, mirror, nat, parityType, quota.type, replyType, routeType(routes), transpose])

/** Ports that `hairpin` and `mirror` rules of generated policies name. `nowhere` should not exist. */
export const HAIRPIN_PORTS = ['a', 'b', 'nowhere'] as const

/** A whole layer's policy. */
export const policyArbitrary = (): fc.Arbitrary<RulesJson> =>
  fc.oneof({ weight: 3, arbitrary: likelyPolicy() }, { weight: 2, arbitrary: anyPolicy() })

/** A policy with one group, of one of the names that {@link policyArbitrary} uses. */
export const groupArbitrary = (): fc.Arbitrary<{ readonly name: string; readonly policy: RulesJson }> =>
  fc.tuple(fc.nat(2), fc.constantFrom('outbound' as const, 'inbound' as const)).chain(([n, direction]) =>
    anyGroup(direction, n).map((group) => ({ name: group.name, policy: { [direction]: [group] } })))

const anyPolicy = (): fc.Arbitrary<RulesJson> =>
  fc.record({ outbound: groups('outbound'), inbound: groups('inbound') })

const groups = (direction: 'outbound' | 'inbound'): fc.Arbitrary<readonly GroupJson[]> =>
  fc.nat(3).chain((n) => fc.tuple(...Array.from({ length: n }, (_, i) => anyGroup(direction, i))))

const anyGroup = (direction: 'outbound' | 'inbound', n: number): fc.Arbitrary<GroupJson> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ when: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: when(1) }), rules: rules(direction) }) },
    { weight: 1, arbitrary: longestPrefixGroup(direction) },
  ).chain((group) => fc.constantFrom(0, 0, 0, 1, 2).map((order) => ({ name: `g${n}`, order, ...definedOnly(group) }))) as fc.Arbitrary<GroupJson>

const rules = (direction: 'outbound' | 'inbound'): fc.Arbitrary<readonly RuleJson[]> =>
  fc.array(ruleArbitrary(direction, when(2)), { minLength: 1, maxLength: 6 }).map((list) => list.map((rule, i) => ({ id: `r${i}`, ...rule })))

/** Rules told apart by prefixes of one address field. */
const longestPrefixGroup = (direction: 'outbound' | 'inbound'): fc.Arbitrary<{ readonly longestPrefix: string; readonly rules: readonly RuleJson[] }> =>
  fc.constantFrom('dstIp', 'srcIp', 'inner.dstIp').chain((field) =>
    fc.array(ruleArbitrary(direction, fc.constantFrom(...PREFIXES).map((prefix) => ({ [field]: prefix }))), { minLength: 1, maxLength: 5 })
      .map((list) => ({ longestPrefix: field, rules: list.map((rule, i) => ({ id: `r${i}`, ...rule })) })))

const ruleArbitrary = (direction: 'outbound' | 'inbound', conditions: fc.Arbitrary<ConditionsObject>): fc.Arbitrary<Omit<RuleJson, 'id'>> =>
  fc
    .record({
      action: actionArbitrary(direction), when: conditions, priority: fc.constantFrom(undefined, undefined, 1, 2, 200),
      terminating: fc.constantFrom(undefined, undefined, undefined, true), stateful: statefulArbitrary(),
      handsTo: takers(9), takes: takers(4),
    })
    .map(({ action, ...rest }) => definedOnly({ ...action, ...rest }) as Omit<RuleJson, 'id'>)

/** Names between which packets are handed over; none in most rules. */
const takers = (none: number): fc.Arbitrary<string | undefined> =>
  fc.oneof({ weight: none, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(...TAKERS) })

const TAKERS = ['left', 'right'] as const

/** Most generated rules are stateful: that is where the difficulties are. Idle times are of the order of the traffic's pauses. */
const statefulArbitrary = (): fc.Arbitrary<RuleJson['stateful']> =>
  fc.oneof(fc.constant(undefined), fc.constantFrom(2, 10, 100, 1000).map((idleMs) => ({ idleMs })))

const actionArbitrary = (direction: 'outbound' | 'inbound'): fc.Arbitrary<Pick<RuleJson, 'do' | 'with'>> => {
  const out = direction === 'outbound'
  const plain = (name: string): fc.Arbitrary<Pick<RuleJson, 'do'>> => fc.constant({ do: name })
  return fc.oneof(
    { weight: 6, arbitrary: plain('allow') },
    { weight: 2, arbitrary: fc.constantFrom('One', 'Two').map((reason) => ({ do: 'block', with: { reason } })) },
    { weight: 5, arbitrary: plain('count') },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 8 }).map((packets) => ({ do: 'quota', with: { packets } })) },
    { weight: 5, arbitrary: natConfig().map((config) => ({ do: 'nat', with: config })) },
    { weight: out ? 4 : 1, arbitrary: encapConfig().map((config) => ({ do: 'encap', with: config })) },
    { weight: out ? 1 : 4, arbitrary: plain('decap') },
    { weight: 1, arbitrary: fc.constantFrom(...HAIRPIN_PORTS).map((port) => ({ do: 'hairpin', with: { port } })) },
    { weight: 2, arbitrary: fc.constantFrom(...HAIRPIN_PORTS).map((port) => ({ do: 'mirror', with: { port } })) },
    { weight: 1, arbitrary: fc.constantFrom('swap', 'even', 'even', 'take').map((form) => ({ do: 'reply', with: { form } })) },
    { weight: 1, arbitrary: fc.constantFrom(...TAKERS).map((to) => ({ do: 'handed', with: { to } })) },
    { weight: 3, arbitrary: fc.constantFrom(...TRANSPOSED).map((text) => ({ do: 'transpose', with: text })) },
    { weight: 3, arbitrary: fc.constantFrom('drop', 'mark', 'mark').map((absent) => ({ do: 'route', with: { absent } })) },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...Object.keys(READ_FIELDS)), fc.integer({ min: 2, max: 4 })).map(([field, modulus]) => ({ do: 'parity', with: { field, modulus } })) },
  )
}

/** What no other rule type says: tags, values read from the frame, both tunnels at once. */
const TRANSPOSED = [
  '0: vlans +8100:7:0', '0: vlans -1', '0: vlans -all', '0: vlans -all +88a8:8:3', '0: vlans -1 +8100:8:0', 'pop; 0: vlans +8100:7:0',
  '0: tcpFlags=18', '0: echo=reply', '0: dscp=copy(1)', 'pop; 0: dscp=copy(0) ecn=combine(0,1)', '1: vlans +8100:9:0', '1: srcMac=00:15:5d:00:00:02',
  'push nvgre(vni=5001 198.51.100.1>198.51.100.2 00:00:00:00:00:00>00:00:00:00:00:00 sport=7 dscp=copy ecn=copy ttl=64)',
  'pop; push geneve(vni=5002 198.51.100.1>198.51.100.3 00:00:00:00:00:00>00:00:00:00:00:00 sport=50000 dport=6082 dscp=copy(0) ecn=combine(0,1) ttl=64)',
] as const

const natConfig = (): fc.Arbitrary<object> =>
  fc.oneof(
    fc.constantFrom(...VIPS, ...HOSTS4).map((srcIp) => ({ srcIp })),
    fc.constantFrom(...VIPS, ...HOSTS4, ...PEERS4).map((dstIp) => ({ dstIp })),
    fc.tuple(fc.constantFrom(...VIPS, ...PEERS4), fc.constantFrom(...TRANSPORT_PORTS)).map(([dstIp, dstPort]) => ({ dstIp, dstPort })),
    fc.tuple(fc.constantFrom(...VIPS), fc.constantFrom(...TRANSPORT_PORTS)).map(([srcIp, srcPort]) => ({ srcIp, srcPort })),
    fc.constantFrom(...HOSTS6, ...PEERS6).map((dstIp) => ({ dstIp })),
    fc.constantFrom(...MACS).map((mac) => ({ dstMac: macText(mac) })),
    fc.constantFrom(...MACS).map((mac) => ({ srcMac: macText(mac) })),
    fc.constantFrom({ dscp: 10 }, { dscp: 46 }, { ttl: 9 }, { ecn: 1 }, { icmpId: 99 }, { vni: TENANTS[1] }),
  )

const encapConfig = (): fc.Arbitrary<object> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(UNDERLAYS4) }, { weight: 1, arbitrary: fc.constant(UNDERLAYS6) })
    .chain((pool) => fc.record({
      srcIp: fc.constant(pool[0]!), dstIp: fc.constantFrom(...pool.slice(1)), vni: fc.constantFrom(...TENANTS),
      innerDstMac: fc.constantFrom(undefined, macText(MACS[1]!)), tunnel: fc.constantFrom(undefined, undefined, 'nvgre', 'geneve'),
      dscp: fc.constantFrom(undefined, undefined, 'copy', 12), ecn: fc.constantFrom(undefined, undefined, 0, 2),
    }))
    .map(definedOnly)

const PREFIXES = [
  '10.0.0.0/8', '10.0.1.0/24', '10.0.0.0/24', '10.0.1.4', '10.0.0.4/31', '0.0.0.0/0', '192.0.2.10', 'fd00::/64', 'fd00::/16', '198.51.100.0/24',
] as const

/** Up to `most` conditions, each in some relation to the traffic. */
const when = (most: number): fc.Arbitrary<ConditionsObject> =>
  fc.array(conditionArbitrary(), { maxLength: most }).map((list) => Object.assign({}, ...list) as ConditionsObject)

const conditionArbitrary = (): fc.Arbitrary<ConditionsObject> => {
  const common: fc.Arbitrary<ConditionsObject> = fc.oneof(
    fc.tuple(fc.constantFrom('srcIp', 'dstIp', 'inner.dstIp'), fc.constantFrom(...PREFIXES)).map(([field, prefix]) => ({ [field]: prefix })),
    fc.tuple(fc.constantFrom('srcPort', 'dstPort', 'inner.dstPort'), fc.uniqueArray(fc.constantFrom(...TRANSPORT_PORTS), { minLength: 1, maxLength: 2 })).map(([field, ports]) => ({ [field]: ports })),
    fc.constantFrom<ConditionsObject[]>({ dstPort: '80-443' }, { proto: 'tcp' }, { proto: ['tcp', 'udp'] }, { proto: 'icmp' }, { etherType: 'ipv4' }, { etherType: 'ipv6' }),
    fc.constantFrom(...TENANTS).map((vni): ConditionsObject => ({ vni })),
  )
  const volatile = fc.constantFrom<ConditionsObject[]>({ ttl: '0-63' }, { ecn: 0 }, { ipId: '0-1000' }, { 'inner.ttl': '64-255' })
  return fc.oneof({ weight: 7, arbitrary: common }, { weight: 5, arbitrary: namedCondition() }, { weight: 1, arbitrary: volatile })
}

/** Layers such as controllers program, each with something left to chance. */
const likelyPolicy = (): fc.Arbitrary<RulesJson> => {
  const stateful = fc.constantFrom(2, 10, 100, 1000).map((idleMs) => ({ stateful: { idleMs } }))
  const acl = fc.tuple(stateful, when(1), fc.boolean()).map(([s, w, closed]): RulesJson => ({
    outbound: [{ name: 'g0', rules: [{ id: 'r0', do: 'allow', when: w, ...s }] }],
    inbound: [{ name: 'g0', rules: [...(closed ? [{ id: 'r0', do: 'block', with: { reason: 'Closed' } }] : [{ id: 'r0', do: 'allow', when: w, ...s }])] }],
  }))
  const balancer = fc.tuple(stateful, fc.constantFrom(...HOSTS4), fc.constantFrom({}, { dstPort: TRANSPORT_PORTS[0] })).map(([s, dstIp, more]): RulesJson => ({
    inbound: [{ name: 'g0', rules: [{ id: 'r0', do: 'nat', with: { dstIp, ...more }, when: { dstIp: VIPS[0]!, ...(Object.keys(more).length > 0 ? { proto: ['tcp', 'udp'] } : {}) }, ...s }] }],
  }))
  const source = fc.tuple(stateful, fc.constantFrom({}, { srcPort: 6000 })).map(([s, more]): RulesJson => ({
    outbound: [{ name: 'g0', rules: [{ id: 'r0', do: 'nat', with: { srcIp: VIPS[1], ...more }, when: { etherType: 'ipv4', ...(Object.keys(more).length > 0 ? { proto: ['tcp', 'udp'] } : {}) }, ...s }] }],
  }))
  const tunnel = fc.tuple(encapConfig(), fc.option(stateful), fc.constantFrom(...PREFIXES)).map(([config, s, prefix]): RulesJson => ({
    outbound: [{ name: 'g0', longestPrefix: 'dstIp', rules: [{ id: 'r0', do: 'encap', with: config, when: { dstIp: prefix }, ...s }, { id: 'r1', do: 'allow', when: { dstIp: '0.0.0.0/0' } }] }],
    inbound: [{ name: 'g0', rules: [{ id: 'r0', do: 'decap', when: { vni: [...TENANTS] } }] }],
  }))
  // No connections, so that every packet is judged by what it says itself.
  const picky = fc.tuple(fc.array(namedCondition(), { minLength: 1, maxLength: 3 }), fc.constantFrom({ do: 'block' }, { do: 'nat', with: { dscp: 30 } }, { do: 'count' }))
    .map(([conditions, action]): RulesJson => {
      const rules = conditions.map((w, i) => ({ id: `r${i}`, when: w, priority: i, ...action }))
      return { outbound: [{ name: 'g0', rules }], inbound: [{ name: 'g0', rules }] }
    })
  const meter = fc.tuple(when(1), when(1), fc.option(stateful)).map(([w, v, s]): RulesJson => ({
    outbound: [{ name: 'g0', rules: [{ id: 'r0', do: 'count', when: w }] }],
    inbound: [{ name: 'g0', rules: [{ id: 'r0', do: 'count', when: v, ...s }] }],
  }))
  const quota = fc.tuple(fc.integer({ min: 1, max: 8 }), when(1), stateful).map(([packets, w, s]): RulesJson => ({
    outbound: [{ name: 'g0', rules: [{ id: 'r0', do: 'quota', with: { packets }, when: w, ...s }] }],
  }))
  const routes = fc.constantFrom('drop', 'mark').map((absent): RulesJson => ({
    outbound: [{ name: 'g0', rules: [{ id: 'r0', do: 'route', with: { absent }, when: { etherType: ['ipv4', 'ipv6'] } }] }],
  }))
  return fc.oneof(
    ...[acl, balancer, source, tunnel, meter, routes, picky, picky].map((arbitrary) => ({ weight: 2, arbitrary })), { weight: 1, arbitrary: quota },
  )
}

/** A condition on a field that is compared only where a rule names it. */
const namedCondition = (): fc.Arbitrary<ConditionsObject> =>
  fc.oneof(
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('srcMac', 'dstMac', 'inner.srcMac'), fc.constantFrom(...MACS)).map(([field, mac]) => ({ [field]: macText(mac) })) },
    {
      weight: 3,
      arbitrary: fc.constantFrom<ConditionsObject[]>(
        { dscp: 0 }, { dscp: '8-46' }, { tcpFlags: ['SYN', 'SYN+ACK'] }, { tcpFlags: ['ACK', 'PSH+ACK'] }, { vlanId: 7 }, { icmpType: 8 }, { icmpId: 5 }, { fragment: 'first' }, { fragment: 'later' },
        { arpOperation: 'request' }, { 'inner.vlanId': 7 }, { 'inner.dscp': 0 }, { 'inner.tcpFlags': 'SYN' }, { vlanPriority: 3 },
      ),
    },
  )

const macText = (mac: number): string => mac.toString(16).padStart(12, '0').replace(/..(?!$)/g, '$&:')

const definedOnly = <A extends object>(all: A): Partial<A> =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Partial<A>
