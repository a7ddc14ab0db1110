import test from 'ava'
import * as t from 'io-ts'
import { renderPath } from '../../src/check/codec-errors.js'

const errorsOf = (codec: t.Mixed, u: unknown) => {
  const read = codec.decode(u)
  return read._tag === 'Left' ? renderPath(read.left) : []
}

const Rule = t.intersection([t.type({ port: t.number }), t.partial({ name: t.string })])

test('codec errors: a path is a JSON pointer into the document', (t_) => {
  t_.deepEqual(errorsOf(t.type({ rules: t.array(Rule) }), { rules: [{ port: 1 }, { port: 'x' }] }), [
    { path: '/rules/1/port', reason: 'expected a number', value: '"x"' },
  ])
  t_.deepEqual(errorsOf(t.number, 'x'), [{ path: '', reason: 'expected a number', value: '"x"' }])
})

test('codec errors: the keys of a pointer are escaped', (t_) => {
  t_.is(errorsOf(t.record(t.string, t.number), { 'a/b~c': 'x' })[0]?.path, '/a~1b~0c')
})

test('codec errors: branches of unions and members of intersections are no part of the path', (t_) => {
  const codec = t.type({ do: t.union([t.type({ allow: t.array(Rule) }), t.string]) })
  t_.deepEqual(errorsOf(codec, { do: { allow: [{ port: 1, name: 2 }] } })[0], { path: '/do/allow/0/name', reason: 'expected a text', value: '2' })
})

test('codec errors: branches hidden behind read-only, refined, recursive and hand-made codecs are no part of the path', (t_) => {
  const hidden = new t.Type('hidden', Rule.is, (u, c) => Rule.validate(u, c), (a: t.TypeOf<typeof Rule>) => a)
  for (const codec of [t.readonly(Rule), t.exact(Rule), t.refinement(Rule, () => true), t.recursion<t.TypeOf<typeof Rule>>('r', () => Rule), hidden]) {
    t_.deepEqual(errorsOf(t.type({ a: codec }), { a: { port: 'x' } }), [{ path: '/a/port', reason: 'expected a number', value: '"x"' }])
    t_.deepEqual(errorsOf(t.type({ a: codec }), { a: 7 }).map(({ path }) => path), ['/a'])
    t_.deepEqual(errorsOf(t.type({ a: codec }), {}).map(({ path }) => path), ['/a'])
  }
})

test('codec errors: a missing property below a context that recorded no value keeps its name', (t_) => {
  const codec = new t.Type('c', t.unknown.is, (_u, c) => Rule.validate({}, t.appendContext(c, 'with', t.unknown)), t.identity)
  t_.is(errorsOf(codec, 'anything')[0]?.path, '/with/port')
})

test('codec errors: deeper errors come first', (t_) => {
  const codec = t.union([t.string, t.type({ a: t.type({ b: t.number }) })])
  t_.deepEqual(errorsOf(codec, { a: { b: true } }), [
    { path: '/a/b', reason: 'expected a number', value: 'true' },
    { path: '', reason: 'expected a text', value: '{"a": {"b": true}}' },
  ])
})

test('codec errors: alternatives at one place become one reason', (t_) => {
  t_.deepEqual(errorsOf(t.type({ a: t.union([t.literal('x'), t.literal('y')]) }), { a: [1] }), [
    { path: '/a', reason: 'expected "x" or "y"', value: '[1]' },
  ])
  t_.deepEqual(errorsOf(t.type({ a: t.number }), {}), [{ path: '/a', reason: 'is missing: expected a number' }])
})

test('codec errors: a codec\'s own message is the reason', (t_) => {
  const codec = new t.Type('even', t.number.is, (u, c) => t.failure(u, c, 'an even number is needed'), t.identity)
  t_.deepEqual(errorsOf(t.union([codec, t.string]), 7), [{ path: '', reason: 'an even number is needed', value: '7' }])
})
