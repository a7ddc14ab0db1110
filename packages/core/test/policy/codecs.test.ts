import test from 'ava'
import { isLeft, isRight } from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { renderPath } from '../../src/check/codec-errors.js'
import { integer, strictly, strictlyPartial } from '../../src/check/codecs.js'
import { Ip, MacText, PortNumber, Prefix, Vni } from '../../src/policy/codecs.js'
import { ipv4 } from '../../src/wire/address.js'

const whyNot = (codec: t.Mixed, value: unknown): readonly string[] => {
  const read = codec.decode(value)
  return isLeft(read) ? renderPath(read.left).map((e) => `${e.path}: ${e.reason}`) : []
}

test('Ip, Prefix, MacText: read text and write the same text back', (c) => {
  const texts: readonly (readonly [t.Type<unknown, string>, string])[] = [
    [Ip as t.Type<unknown, string>, '10.0.0.1'], [Ip as t.Type<unknown, string>, 'fd00::1'], [Prefix as t.Type<unknown, string>, '10.0.0.0/8'],
    [MacText as t.Type<unknown, string>, '00:15:5d:00:00:01'],
  ]
  for (const [codec, text] of texts) {
    const read = codec.decode(text)
    if (isLeft(read)) return c.fail(`${text} was refused`)
    c.is(codec.encode(read.right), text)
    c.true(codec.is(read.right))
  }
})

test('Ip, Prefix, MacText: refuse what is no text, and text that is none, with a reason', (c) => {
  c.deepEqual(whyNot(Ip, 7), [': expected an IP address as text'])
  c.deepEqual(whyNot(Ip, '10.0.0'), [': not an IPv4 or IPv6 address'])
  c.deepEqual(whyNot(Prefix, '10.0.0.1/8'), [': bits are set behind the prefix length: did you mean 10.0.0.0/8?'])
  c.deepEqual(whyNot(MacText, '00:15'), [': a MAC address is six two-digit hexadecimal octets, as 00:15:5d:00:00:01'])
  c.false(Ip.is('10.0.0.1'))
  c.true(Ip.is(ipv4(1)))
})

test('integer: takes both ends of its range and nothing beyond, between or else', (c) => {
  const small = integer(2, 4, 'a size')
  for (const good of [2, 3, 4]) c.true(isRight(small.decode(good)))
  for (const bad of [1, 5, 2.5, Number.NaN, Infinity, '3', null, undefined]) {
    c.deepEqual(whyNot(small, bad), [': expected a size: a whole number from 2 to 4'])
  }
})

test('PortNumber and Vni: have 16 and 24 bits', (c) => {
  c.true(isRight(PortNumber.decode(65_535)))
  c.true(isLeft(PortNumber.decode(65_536)))
  c.true(isRight(Vni.decode(0xff_ffff)))
  c.true(isLeft(Vni.decode(0x100_0000)))
})

test('strictly: wants every property and refuses every other by name', (c) => {
  const codec = strictly({ a: t.number, b: t.string })
  c.deepEqual(codec.decode({ a: 1, b: 'x' }), { _tag: 'Right', right: { a: 1, b: 'x' } })
  c.deepEqual(whyNot(codec, { a: 1 }), ['/b: is missing: expected a text'])
  c.deepEqual(whyNot(codec, { a: 1, b: 'x', c: 2 }), ['/c: unknown property; known are a, b'])
})

test('strictlyPartial: lets the optional properties be absent, not wrong', (c) => {
  const codec = strictlyPartial({ a: t.number }, { b: t.string })
  c.deepEqual(codec.decode({ a: 1 }), { _tag: 'Right', right: { a: 1 } })
  c.deepEqual(whyNot(codec, { a: 1, b: 2 }), ['/b: expected a text'])
  c.deepEqual(whyNot(codec, {}), ['/a: is missing: expected a number'])
  for (const other of [null, undefined, 7, 'text', []]) c.not(whyNot(codec, other).length, 0)
})

test('strictlyPartial: names a property called like one of every object', (c) => {
  const codec = strictlyPartial({}, { b: t.string })
  c.deepEqual(whyNot(codec, JSON.parse('{"__proto__": 1}')), ['/__proto__: unknown property; known are b'])
  c.deepEqual(whyNot(codec, { toString: 1 }), ['/toString: unknown property; known are b'])
})
