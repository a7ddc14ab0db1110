import test from 'ava'
import fc from 'fast-check'
import { compileCondition, matchesAll } from '../../src/classify/compiled-condition.js'
import { isPresent, readMac, readNumber, resolveField } from '../../src/flow/field.js'
import { WORDS } from '../../src/flow/layout.js'
import { anyOf, between, type Condition, inPrefix, is, oneOf, type Scalar } from '../../src/policy/condition.js'
import { ALL_FIELDS, conditionArbitrary, flowNear } from '../../src/testing/condition-arbitraries.js'
import { type Flow, makeFlow } from '../../src/testing/flow-arbitraries.js'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { L3 } from '../../src/wire/frame-view.js'

const holds = (condition: Condition, flow: Flow): boolean => compileCondition(condition).matches(flow.words, flow.depth)
const tcp = makeFlow({ l3: 'ipv4', l4: 'tcp', srcIp: ipv4(0x0a000001), dstIp: ipv4(0xc0000201), srcPort: 40000, dstPort: 443, tcpSeq: 0x8000_0000, tcpFlags: 18 })

test('compiled condition: values are ORed', (t) => {
  t.true(holds(oneOf('dstPort', [80, 443]), tcp))
  t.false(holds(oneOf('dstPort', [80, 8080]), tcp))
  t.true(holds(anyOf('dstPort', [{ _tag: 'Value', value: 1 }, { _tag: 'Range', from: 400, to: 500 }, { _tag: 'Prefix', value: 0, length: 12 }]), tcp))
})

test('compiled condition: conditions are ANDed, and none at all hold for every packet', (t) => {
  const all = (...conditions: readonly Condition[]): boolean => matchesAll(conditions.map(compileCondition), tcp.words, tcp.depth)
  t.true(all(is('proto', 6), is('dstPort', 443)))
  t.false(all(is('proto', 6), is('dstPort', 444)))
  t.false(all(is('proto', 17), is('dstPort', 443)))
  t.true(all())
})

test('compiled condition: an empty list of values matches nothing', (t) => {
  t.false(holds(oneOf('dstPort', []), tcp))
  t.false(holds(oneOf('dstIp', []), tcp))
})

test('compiled condition: a field that the packet does not have is false, even for all of its values', (t) => {
  const whole: readonly Condition[] = [
    between('vlanId', 0, 4095), between('innerVlanId', 0, 4095), between('icmpType', 0, 255), between('icmpId', 0, 65535),
    between('vni', 0, 0xffffff), between('inner.etherType', 0, 65535), inPrefix('arpSender', ipv4(0), 0), between('inner2.dstMac', 0, 2 ** 48 - 1),
  ]
  for (const condition of whole) t.false(holds(condition, tcp), condition.field)
  const arp = makeFlow({ l3: 'arp', arpSender: ipv4(7) })
  t.false(holds(inPrefix('srcIp', ipv4(0), 0), arp))
  t.false(holds(between('proto', 0, 255), arp))
  t.true(holds(is('arpSender', ipv4(7)), arp))
  const udp = makeFlow({ l3: 'ipv4', l4: 'udp', dstPort: 53 })
  t.false(holds(between('tcpFlags', 0, 511), udp))
  t.true(holds(is('dstPort', 53), udp))
})

test('compiled condition: words left over from a deeper flow are not looked at', (t) => {
  const { words } = makeFlow({ l3: 'ipv4', l4: 'udp' }, { l3: 'ipv4', l4: 'tcp', dstPort: 443 })
  t.true(holds(is('inner.dstPort', 443), { words, depth: 2 }))
  t.false(holds(is('inner.dstPort', 443), { words, depth: 1 }))
})

test('compiled condition: IPv4 and IPv6 never match each other', (t) => {
  const v6 = makeFlow({ l3: 'ipv6', l4: 'tcp', srcIp: ipv6(0, 0, 0, 0x0a000001) })
  t.false(holds(is('srcIp', ipv4(0x0a000001)), v6))
  t.false(holds(inPrefix('srcIp', ipv4(0), 0), v6))
  t.false(holds(is('srcIp', ipv6(0, 0, 0, 0x0a000001)), tcp))
  t.false(holds(inPrefix('srcIp', ipv6(0, 0, 0, 0), 0), tcp))
  const both = anyOf('srcIp', [...is('srcIp', ipv4(0x0a000001)).values, ...is('srcIp', ipv6(0, 0, 0, 0x0a000001)).values])
  t.true(holds(both, tcp))
  t.true(holds(both, v6))
})

test('compiled condition: a MAC is compared whole, across the words it lies in', (t) => {
  const flow = makeFlow({ dstMac: 0xfedc_ba98_7654, srcMac: 0x8123_4567_89ab })
  t.true(holds(is('dstMac', 0xfedc_ba98_7654), flow))
  t.true(holds(is('srcMac', 0x8123_4567_89ab), flow))
  for (const off of [1, 2 ** 16, 2 ** 32, -1, -(2 ** 47)]) {
    t.false(holds(is('dstMac', 0xfedc_ba98_7654 + off), flow))
    t.false(holds(is('srcMac', 0x8123_4567_89ab + Math.max(off, -(2 ** 40))), flow))
  }
  t.true(holds(inPrefix('dstMac', 0xfedc_ba00_0000, 24), flow))
  t.true(holds(between('srcMac', 0x8123_4567_89ab, 0x8123_4567_89ab + 1), flow))
})

test('compiled condition: 32-bit values are unsigned', (t) => {
  t.true(holds(is('tcpSeq', 0x8000_0000), tcp))
  t.true(holds(between('tcpSeq', 0x7fff_ffff, 0x8000_0001), tcp))
  t.false(holds(between('tcpSeq', 0, 0x7fff_ffff), tcp))
  t.true(holds(between('dstIp', ipv4(0x7fffffff), ipv4(0xffffffff)), tcp))
  t.true(holds(inPrefix('dstIp', ipv4(0x80000000), 1), tcp))
  t.false(holds(inPrefix('dstIp', ipv4(0), 1), tcp))
})

test('compiled condition: 128-bit ranges are compared from the most significant word on', (t) => {
  const range = between('dstIp', ipv6(0x20010db8, 0xffffffff, 0, 5), ipv6(0x20010db9, 0, 0x80000000, 3))
  const at = (a: number, b: number, c: number, d: number): boolean => holds(range, makeFlow({ l3: 'ipv6', dstIp: ipv6(a, b, c, d) }))
  t.true(at(0x20010db8, 0xffffffff, 0, 5))
  t.false(at(0x20010db8, 0xffffffff, 0, 4))
  t.true(at(0x20010db8, 0xffffffff, 1, 0))
  t.false(at(0x20010db8, 0xfffffffe, 0xffffffff, 0xffffffff))
  t.true(at(0x20010db9, 0, 0x7fffffff, 0xffffffff))
  t.true(at(0x20010db9, 0, 0x80000000, 3))
  t.false(at(0x20010db9, 0, 0x80000000, 4))
  t.false(at(0x20010db9, 1, 0, 0))
})

test('compiled condition: group prefixes name groups from the outside', (t) => {
  const flow = makeFlow({ l3: 'ipv4', l4: 'udp', dstPort: 4789, vni: 7 }, { l3: 'ipv4', l4: 'udp', dstPort: 4790, vni: 8 }, { l3: 'ipv6', l4: 'tcp', dstPort: 443 })
  t.true(holds(is('dstPort', 4789), flow))
  t.true(holds(is('inner.dstPort', 4790), flow))
  t.true(holds(is('inner.vni', 8), flow))
  t.true(holds(is('inner2.dstPort', 443), flow))
  t.false(holds(is('dstPort', 443), flow))
  t.false(holds(between('inner2.vni', 0, 0xffffff), flow))
})

test('compiled condition: malformed values match nothing and spoil no others', (t) => {
  t.false(holds(oneOf('dstPort', [443 + 65536]), tcp))
  t.false(holds(between('dstPort', 500, 400), tcp))
  t.true(holds(oneOf('dstPort', [-1, 443]), tcp))
  t.false(holds({ field: 'dstIp', values: is('dstPort', 443).values }, tcp))
})

/** The same meaning in big integers, straight from the definition. */
const naive = (condition: Condition, { words, depth }: Flow): boolean => {
  const { field, group } = resolveField(condition.field)!
  if (!isPresent(field.presence, words, group, depth)) return false
  const base = group * WORDS
  const version = field.kind !== 'ip' ? 0 : (words[base]! & 0xf) === L3.Ipv6 ? 6 : 4
  const bits = version === 4 ? 32n : BigInt(field.bits)
  const value = field.kind === 'ip' ? big({ version: 6, words: [...words.subarray(base + field.word, base + field.word + 4)] as [number, number, number, number] })
    : BigInt(field.kind === 'mac' ? readMac(field, words, group) : readNumber(field, words, group))
  return condition.values.some((match) => {
    const first = match._tag === 'Range' ? match.from : match.value
    if ((typeof first === 'number' ? 0 : first.version) !== version) return false
    switch (match._tag) {
      case 'Value': return value === big(match.value)
      case 'Range': return value >= big(match.from) && value <= big(match.to)
      case 'Prefix': return value >> (bits - BigInt(match.length)) === big(match.value) >> (bits - BigInt(match.length))
    }
  })
}
const big = (scalar: Scalar): bigint =>
  typeof scalar === 'number' ? BigInt(scalar) : scalar.words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n)

test('compiled condition: agrees with the definition in big integers', (t) => {
  const cases = conditionArbitrary(ALL_FIELDS).chain((condition) => fc.tuple(fc.constant(condition), flowNear([[condition]])))
  fc.assert(fc.property(cases, ([condition, flow]) => { t.is(holds(condition, flow), naive(condition, flow)) }), { numRuns: 1500 })
})
