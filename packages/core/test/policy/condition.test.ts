import test from 'ava'
import { FIELDS } from '../../src/flow/field.js'
import {
  anyOf, between, canonicalMatch, conditionProblem, inPrefix, is, type Match, matchProblem, matchSpan, oneOf,
} from '../../src/policy/condition.js'
import { formatCondition } from '../../src/policy/match-text.js'
import { type IpAddress, ipv4, ipv6 } from '../../src/wire/address.js'

const ten = ipv4(0x0a000000)

test('condition: constructors make one canonical form of matches that mean the same', (t) => {
  t.deepEqual(between('dstPort', 80, 80), is('dstPort', 80))
  t.deepEqual(inPrefix('dstPort', 80, 16), is('dstPort', 80))
  t.deepEqual(inPrefix('dstIp', ten, 32), is('dstIp', ten))
  t.deepEqual(inPrefix('dstIp', ipv6(1, 2, 3, 4), 128), is('dstIp', ipv6(1, 2, 3, 4)))
  t.deepEqual(inPrefix('dstMac', 0x00155d_000001, 48), is('dstMac', 0x00155d_000001))
  t.deepEqual(between('tcpSeq', 0xffff_ffff, 0xffff_ffff), is('tcpSeq', 0xffff_ffff))
})

test('condition: a prefix loses the bits behind its length', (t) => {
  t.deepEqual(inPrefix('srcIp', ipv4(0x0a0b0c0d), 12), inPrefix('srcIp', ipv4(0x0a000000), 12))
  t.deepEqual(inPrefix('srcMac', 0xffff_ffff_ffff, 24).values, [{ _tag: 'Prefix', value: 0xffffff_000000, length: 24 }])
  t.deepEqual(inPrefix('srcIp', ipv6(0x20010db8, 0xffffffff, 3, 4), 33).values, [
    { _tag: 'Prefix', value: ipv6(0x20010db8, 0x80000000, 0, 0), length: 33 },
  ])
})

test('condition: the span of a match is its first and last value', (t) => {
  const span = (match: Match) => matchSpan(FIELDS.dstMac, match)
  t.deepEqual(span({ _tag: 'Prefix', value: 0x00155d_000000, length: 24 }), {
    version: 0, from: [0, 0, 0x0015, 0x5d000000], to: [0, 0, 0x0015, 0x5dffffff], prefixLength: 24,
  })
  t.deepEqual(matchSpan(FIELDS.srcIp, { _tag: 'Prefix', value: ipv6(0, 0, 0, 0), length: 0 })?.to, [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff])
  t.deepEqual(matchSpan(FIELDS.srcIp, { _tag: 'Prefix', value: ipv4(0), length: 0 })?.to, [0, 0, 0, 0xffffffff])
  t.is(matchSpan(FIELDS.dstPort, { _tag: 'Range', from: 1, to: 2 })?.prefixLength, undefined)
})

test('condition: what is malformed has no span and a problem in words', (t) => {
  const bad: readonly (readonly [keyof typeof FIELDS, Match, RegExp])[] = [
    ['dstPort', { _tag: 'Value', value: 65536 }, /from 0 to 65535, not 65536/],
    ['dstPort', { _tag: 'Value', value: -1 }, /from 0 to 65535/],
    ['dstPort', { _tag: 'Value', value: 1.5 }, /whole number/],
    ['dstPort', { _tag: 'Value', value: ten }, /takes numbers/],
    ['dstIp', { _tag: 'Value', value: 7 }, /takes IP addresses/],
    ['dstPort', { _tag: 'Range', from: 9, to: 4 }, /inverted/],
    ['dstIp', { _tag: 'Range', from: ipv6(0, 0, 0, 1), to: ipv6(0, 0, 0, 0) }, /inverted/],
    ['dstIp', { _tag: 'Range', from: ten, to: ipv6(1, 0, 0, 0) }, /one IP version/],
    ['dstIp', { _tag: 'Prefix', value: ten, length: 33 }, /0 to 32/],
    ['vni', { _tag: 'Prefix', value: 0, length: 25 }, /0 to 24/],
  ]
  for (const [name, match, problem] of bad) {
    t.regex(matchProblem(FIELDS[name], match) ?? '', problem)
    t.is(matchSpan(FIELDS[name], match), undefined)
    t.is(canonicalMatch(name, match), match)
    t.regex(conditionProblem(anyOf(name, [match])) ?? '', problem)
  }
  t.regex(matchProblem(FIELDS.dstIp, { _tag: 'Prefix', value: ipv4(0x0a000001), length: 8 }) ?? '', /behind the prefix/)
  t.is(conditionProblem(oneOf('dstPort', [0, 65535])), undefined)
})

test('condition: reads as a person would write it', (t) => {
  t.is(formatCondition(oneOf('dstPort', [80, 443])), 'dstPort in 80, 443')
  t.is(formatCondition(anyOf('dstPort', [...is('dstPort', 80).values, ...between('dstPort', 8000, 8080).values])), 'dstPort in 80, 8000-8080')
  t.is(formatCondition(is('proto', 6)), 'proto = tcp')
  t.is(formatCondition(is('proto', 99)), 'proto = 99')
  t.is(formatCondition(is('etherType', 0x88cc)), 'etherType = 0x88cc')
  t.is(formatCondition(is('tcpFlags', 0x12)), 'tcpFlags = SYN+ACK')
  t.is(formatCondition(is('tcpFlags', 0)), 'tcpFlags = 0')
  t.is(formatCondition(inPrefix('inner.srcIp', ten, 8)), 'inner.srcIp in 10.0.0.0/8')
  t.is(formatCondition(between('dstIp', ten, ipv4(0x0a000009))), 'dstIp in 10.0.0.0-10.0.0.9')
  t.is(formatCondition(inPrefix('inner2.dstMac', 0x00155d_000000, 24)), 'inner2.dstMac in 00:15:5d:00:00:00/24')
  t.is(formatCondition(oneOf('dstPort', [])), 'dstPort in (nothing)')
})

test('condition: the type of a value follows from the field', (t) => {
  const address: IpAddress = ten
  t.is(is('inner.dstIp', address).field, 'inner.dstIp')
  // @ts-expect-error a port is no address
  t.is(is('dstPort', address).values.length, 1)
  // @ts-expect-error an address is no number
  t.is(is('arpSender', 7).values.length, 1)
})
