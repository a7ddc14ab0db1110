import test from 'ava'
import fc from 'fast-check'
import * as t from 'io-ts'
import { renderPath } from '../../src/check/codec-errors.js'
import { Conditions, conditions } from '../../src/policy/condition-codec.js'
import { anyOf, between, type Condition, inPrefix, is, oneOf } from '../../src/policy/condition.js'
import { ALL_FIELDS, conditionArbitrary } from '../../src/testing/condition-arbitraries.js'
import { ipv4 } from '../../src/wire/address.js'

const read = (u: unknown): readonly Condition[] => {
  const result = Conditions.decode(u)
  if (result._tag === 'Right') return result.right
  throw new Error(renderPath(result.left).map(({ path, reason }) => `${path}: ${reason}`).join('\n'))
}

const problems = (conditions: unknown) => {
  const result = t.type({ conditions: Conditions }).decode({ conditions })
  return result._tag === 'Left' ? renderPath(result.left) : []
}

test('condition codec: an object reads as conditions, in its order', (t_) => {
  t_.deepEqual(read({ dstPort: [80, '8000-8080'], srcIp: '10.0.0.0/8', 'inner.dstMac': '00:15:5d:00:00:01', proto: 'tcp' }), [
    anyOf('dstPort', [{ _tag: 'Value', value: 80 }, { _tag: 'Range', from: 8000, to: 8080 }]),
    inPrefix('srcIp', ipv4(0x0a000000), 8),
    is('inner.dstMac', 0x00155d_000001),
    is('proto', 6),
  ])
  t_.deepEqual(read({}), [])
})

test('condition codec: every way to write a value is read', (t_) => {
  t_.deepEqual(read({ dstIp: '10.0.0.4-10.0.0.9' }), [between('dstIp', ipv4(0x0a000004), ipv4(0x0a000009))])
  t_.deepEqual(read({ dstIp: '10.0.0.4/32' }), [is('dstIp', ipv4(0x0a000004))])
  t_.deepEqual(read({ srcMac: '00-15-5D-00-00-01' }), [is('srcMac', 0x00155d_000001)])
  t_.deepEqual(read({ srcMac: '00-15-5d-00-00-01-00-15-5d-00-00-09' }), [between('srcMac', 0x00155d_000001, 0x00155d_000009)])
  t_.deepEqual(read({ srcMac: '00:15:5d:00:00:00/24' }), [inPrefix('srcMac', 0x00155d_000000, 24)])
  t_.deepEqual(read({ etherType: ['ARP', '0x88cc', 'ipv6'] }), [oneOf('etherType', [0x0806, 0x88cc, 0x86dd])])
  t_.deepEqual(read({ proto: ['icmp', 'icmpv6', 'udp', '47'] }), [oneOf('proto', [1, 58, 17, 47])])
  t_.deepEqual(read({ tcpFlags: ['SYN', 'SYN+ACK', 'ack+syn', 0] }), [oneOf('tcpFlags', [2, 18, 18, 0])])
  t_.deepEqual(read({ vni: '4096/12' }), [inPrefix('vni', 4096, 12)])
  t_.deepEqual(read({ dscp: ' 8 - 15 ' }), [between('dscp', 8, 15)])
  t_.deepEqual(read({ fragment: 'later' }), [is('fragment', 2)])
})

test('condition codec: conditions on one field twice are written as a list of objects', (t_) => {
  const twice = [is('dstPort', 80), is('proto', 6), between('dstPort', 1, 90)]
  t_.deepEqual(Conditions.encode(twice), [{ dstPort: 80, proto: 'tcp' }, { dstPort: '1-90' }])
  t_.deepEqual(read([{ dstPort: 80, proto: 'tcp' }, { dstPort: '1-90' }]), twice)
})

test('condition codec: refusals name the place and the reason', (t_) => {
  const reasons: readonly (readonly [unknown, string, RegExp])[] = [
    [{ dstPort: [80, 70000] }, '/conditions/dstPort/1', /dstPort is a whole number from 0 to 65535, not 70000/],
    [{ dstPort: '9-4' }, '/conditions/dstPort', /inverted.*did you mean 4-9\?/],
    [{ dstPort: 'https' }, '/conditions/dstPort', /"https" is not a value of dstPort/],
    [{ dstPort: 'tcp' }, '/conditions/dstPort', /not a value/],
    [{ proto: 'tpc' }, '/conditions/proto', /a number or icmp, tcp, udp, icmpv6/],
    [{ proto: 'constructor' }, '/conditions/proto', /not a value/],
    [{ tcpFlags: 'SYN+' }, '/conditions/tcpFlags', /not a value/],
    [{ dstPrt: 80 }, '/conditions/dstPrt', /there is no field dstPrt/],
    [{ 'inner3.dstPort': 80 }, '/conditions/inner3.dstPort', /there is no field/],
    [JSON.parse('{"__proto__": 1}'), '/conditions/__proto__', /there is no field/],
    [{ dstIp: '10.0.0.1/8' }, '/conditions/dstIp', /behind the prefix length: did you mean 10\.0\.0\.0\/8\?/],
    [{ dstIp: '10.0.0.0/33' }, '/conditions/dstIp', /prefix length of dstIp is 0 to 32/],
    [{ dstIp: '10.0.0.0/' }, '/conditions/dstIp', /not a prefix length/],
    [{ dstIp: '10.0.0.1-2001:db8::' }, '/conditions/dstIp', /one IP version/],
    [{ dstIp: '10.0.0' }, '/conditions/dstIp', /not an IPv4 or IPv6 address/],
    [{ dstIp: 167772161 }, '/conditions/dstIp', /takes IP addresses/],
    [{ dstMac: '00:15' }, '/conditions/dstMac', /MAC address/],
    [{ dstPort: null }, '/conditions/dstPort', /a value of dstPort is a number or text/],
    [{ dstPort: [[80]] }, '/conditions/dstPort/0', /a value of dstPort/],
    [[{ dstPort: 80 }, { dstPort: [-1] }], '/conditions/1/dstPort/0', /from 0 to 65535/],
    ['dstPort', '/conditions', /an object from field names/],
    [[80], '/conditions/0', /an object from field names/],
  ]
  for (const [conditions, path, reason] of reasons) {
    const [first, ...others] = problems(conditions)
    t_.is(first?.path, path)
    t_.regex(first?.reason ?? '', reason)
    t_.deepEqual(others, [])
  }
})

test('condition codec: all mistakes are reported, not only the first', (t_) => {
  t_.deepEqual(problems({ dstPort: [1, 'x', 70000], nosuch: 1 }).map(({ path }) => path), ['/conditions/dstPort/1', '/conditions/dstPort/2', '/conditions/nosuch'])
})

test('condition codec: is() holds for conditions and not for their JSON', (t_) => {
  t_.true(Conditions.is([inPrefix('dstIp', ipv4(0), 0), between('dstPort', 1, 2), is('vni', 7)]))
  t_.true(Conditions.is([]))
  for (const u of [{}, [{ dstPort: 80 }], [is('dstPort', 70000)], [{ field: 'nosuch', values: [] }], [{ field: 'dstPort', values: [80] }], [null]]) t_.false(Conditions.is(u))
})

test('condition codec: decode after encode gives the conditions back, through JSON text', (t_) => {
  fc.assert(
    fc.property(fc.array(conditionArbitrary(ALL_FIELDS), { maxLength: 6 }), (conditions) => {
      const again = read(JSON.parse(JSON.stringify(Conditions.encode(conditions))))
      // Fields that occur twice may change their place among the others, not among themselves.
      for (const field of new Set(conditions.map((c) => c.field))) {
        t_.deepEqual(again.filter((c) => c.field === field), conditions.filter((c) => c.field === field))
      }
      t_.is(again.length, conditions.length)
    }),
    { numRuns: 200 },
  )
})

test('conditions: reads the object that JSON has, or says which of its values are wrong', (t) => {
  t.deepEqual(conditions({ proto: 'udp', dstPort: [53, 123] }), Conditions.decode({ proto: 'udp', dstPort: [53, 123] }))
  const refused = conditions({ dstPort: [80, 70_000] })
  t.is(refused._tag === 'Left' ? refused.left.problems[0]?.path : undefined, '/dstPort/1')
})
