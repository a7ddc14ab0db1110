/** Policies that meet the frames of `frame-arbitraries`: their conditions name values of its pools. */
import fc from 'fast-check'
import { type GroupJson, type RuleJson, type RulesJson, rulesLayer } from '../../src/index.js'
import { replyType } from '../../src/testing/policy-arbitraries.js'
import { BUILT_IN } from './support.js'

/** The layer that these policies are for: built-in rule types, and one that answers. */
export const builtIn = rulesLayer('built-in', [...BUILT_IN, replyType])

const some = <T extends object>(parts: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(parts, { requiredKeys: [] })

/** Conditions, most of them met by every fourth frame or so. */
export const whenArbitrary: fc.Arbitrary<RuleJson['when']> = fc.constantFrom<RuleJson['when'][]>(
  {}, {}, { proto: 'tcp' }, { proto: ['udp', 'icmp'] }, { dstPort: 80 }, { dstPort: '0-1023' }, { srcPort: [53, '40000-65535'] }, { srcIp: '10.0.0.0/24' },
  { dstIp: '10.0.0.0/8' }, { dstIp: 'fd00::/16', proto: 'tcp' }, { vni: 5001 }, { 'inner.dstIp': '10.0.0.0/8' }, { dstMac: '00:15:5d:00:00:01' }, { dscp: 0 },
  { tcpFlags: 'SYN' }, { ttl: '0-100' }, { fragment: 'whole' }, { icmpType: [8, 0] },
)

/** What rules do; `ports` are what mirrors and hairpins may name. */
const actionArbitrary = (ports: readonly string[]): fc.Arbitrary<Pick<RuleJson, 'do' | 'with'>> => fc.constantFrom<Pick<RuleJson, 'do' | 'with'>[]>(
  { do: 'allow' }, { do: 'count' }, { do: 'block' }, { do: 'block', with: { reason: 'Other' } }, { do: 'decap' },
  { do: 'nat', with: { srcIp: '198.51.100.1' } }, { do: 'nat', with: { dstIp: '10.0.0.4', dstPort: 8080 } }, { do: 'nat', with: { srcIp: 'fd00::1', dscp: 3 } },
  { do: 'nat', with: { dstMac: '00:15:5d:00:00:02', ttl: 5 } }, { do: 'nat', with: { icmpId: 9 } },
  { do: 'encap', with: { srcIp: '192.0.2.1', dstIp: '192.0.2.2', vni: 5001 } }, { do: 'encap', with: { srcIp: 'fd00::1', dstIp: 'fd00::2', vni: 5002 } },
  ...ports.flatMap((port) => [{ do: 'mirror', with: { port } }, { do: 'hairpin', with: { port } }]),
  { do: 'reply', with: { form: 'swap' } },
)

const ruleArbitrary = (ports: readonly string[]): fc.Arbitrary<RuleJson> =>
  fc.tuple(actionArbitrary(ports), whenArbitrary, some({
    priority: fc.nat(3), terminating: fc.boolean(), stateful: fc.constantFrom<NonNullable<RuleJson['stateful']>[]>(false, true, { idleMs: 2 }),
  })).map(([action, when, rest]) => ({ ...action, ...(when === undefined ? {} : { when }), ...rest }))

/** Groups `g0`, `g1` … of rules `r0`, `r1` …. */
export const groupsArbitrary = (ports: readonly string[]): fc.Arbitrary<readonly GroupJson[]> =>
  fc.array(fc.tuple(fc.array(ruleArbitrary(ports), { maxLength: 3 }), some({ order: fc.integer({ min: -1, max: 1 }), when: whenArbitrary })), { maxLength: 2 })
    .map((groups) => groups.map(([rules, rest], g) => ({ name: `g${g}`, rules: rules.map((r, i) => ({ id: `r${i}`, ...r })), ...rest })))

/** Policies for both directions. */
export const policyArbitrary = (ports: readonly string[]): fc.Arbitrary<RulesJson> =>
  some({ outbound: groupsArbitrary(ports), inbound: groupsArbitrary(ports) })
