import test from 'ava'
import { showValue } from '../../src/check/show.js'

const cyclic: Record<string, unknown> = { a: 1 }
cyclic['self'] = cyclic

for (const [value, shown] of [
  ['x', '"x"'], ['a"b\n', '"a\\"b\\n"'], [7, '7'], [-0, '-0'], [Number.NaN, 'NaN'], [Infinity, 'Infinity'], [5n, '5n'], [null, 'null'], [undefined, 'undefined'], [true, 'true'],
  [[], '[]'], [{}, '{}'], [[1, 'a', [[[]]]], '[1, "a", [[[…]]]]'], [{ a: { b: { c: { d: 1 } } } }, '{"a": {"b": {"c": {…}}}}'], [new Uint8Array(3), 'Uint8Array of 3 bytes'],
  [Symbol('s'), 'Symbol(s)'], [test, 'the function test'], [() => 1, 'a function'], [cyclic, '{"a": 1, "self": {"a": 1, "self": {"a": 1, "self": {…}}}}'],
] as const) {
  test(`showValue: shows ${shown}`, (t) => { t.is(showValue(value), shown) })
}

test('showValue: is short for what is huge, and ends', (t) => {
  for (const huge of ['x'.repeat(10_000_000), new Array(2 ** 32 - 1), Array.from({ length: 100_000 }, (_, i) => i), 10n ** 100_000n, Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [i, i]))]) {
    t.true(showValue(huge).length <= 61)
  }
})

test('showValue: does not throw for what throws when it is read', (t) => {
  const thrower = new Proxy({}, { ownKeys: () => { throw new Error('no') } })
  const getter = { get x(): never { throw new Error('no') } }
  for (const value of [thrower, getter, [getter], Proxy.revocable({}, {}).proxy]) t.is(typeof showValue(value), 'string')
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  t.is(showValue(revoked.proxy), 'a value that cannot be read')
  t.is(showValue(thrower), 'a value that cannot be read')
})
