import test from 'ava'
import * as t from 'io-ts'
import { checked, required } from '../../src/check/checked.js'
import { amount, callable, choice, flag, integer, list, strictlyPartial, text } from '../../src/check/codecs.js'
import { toldOf } from '../../src/check/problem.js'
import { VfpError } from '../../src/errors.js'

const Options = strictlyPartial({ name: text('a name') }, { size: integer(1, 9, 'a size'), ratio: amount(0, 1), up: flag, mode: choice('fast', 'slow'), call: callable(), list: list(t.number) })
const problemsOf = (options: unknown) => {
  const read = checked(Options, options, 'open')
  return read._tag === 'Left' ? read.left.problems : []
}

test('checked: tells all that is wrong, with the wrong values', (c) => {
  c.deepEqual([...problemsOf({ nam: 'x', size: Number.NaN, ratio: -1, up: 'yes', mode: 'fats', call: 1, list: [1, 'x'] })].sort((a, b) => a.path.localeCompare(b.path)), [
    { path: '/call', reason: 'expected a function', value: '1' },
    { path: '/list/1', reason: 'expected a number', value: '"x"' },
    { path: '/mode', reason: 'expected one of "fast", "slow"; did you mean "fast"?', value: '"fats"' },
    { path: '/nam', reason: 'unknown property; known are name, size, ratio, up, mode, call, list; did you mean "name"?' },
    { path: '/ratio', reason: 'expected a number: a number from 0 to 1', value: '-1' },
    { path: '/size', reason: 'expected a size: a whole number from 1 to 9', value: 'NaN' },
    { path: '/up', reason: 'expected true or false', value: '"yes"' },
  ])
  c.deepEqual(problemsOf({}), [{ path: '/name', reason: 'is missing: expected a name: a text that is not empty' }])
})

test('checked: answers with an object of its own, of what was there at the time', (c) => {
  let reads = 0
  const given = { name: 'x', get size() { return ++reads } }
  const read = checked(Options, given, 'open')
  c.deepEqual(read, { _tag: 'Right', right: { name: 'x', size: 1 } })
  c.is(reads, 1)
  c.deepEqual(checked(Options, { name: 'x', size: undefined }, 'open'), { _tag: 'Right', right: { name: 'x' } })
})

test('checked: what throws when it is read is a problem too', (c) => {
  const thrower = { get name(): string { throw new Error('not today') } }
  c.deepEqual(checked(Options, thrower, 'open'), { _tag: 'Left', left: { _tag: 'BadOptions', of: 'open', problems: [{ path: '', reason: 'reading it threw: not today' }] } })
  c.is(checked(Options, new Proxy({ name: 'x' }, { ownKeys: () => { throw new TypeError('no') } }), 'open')._tag, 'Left')
})

test('checked: a list has no holes, however many', (c) => {
  c.deepEqual(problemsOf({ name: 'x', list: new Array(2 ** 32 - 1) }).map(({ path, reason }) => `${path}: ${reason}`), ['/list: expected a list without holes'])
})

test('required: throws what checked answers', (c) => {
  c.deepEqual(required(Options, { name: 'x' }, 'open'), { name: 'x' })
  const thrown = c.throws(() => { required(Options, { name: 7 }, 'open') }, { instanceOf: VfpError, message: 'BadOptions: of open, problems /name: expected a name: a text that is not empty, not 7' })
  c.is(thrown.cause._tag, 'BadOptions')
})

test('toldOf: tells twenty problems and the number of the rest', (c) => {
  const problems = Array.from({ length: 23 }, (_, i) => ({ path: `/${i}`, reason: 'wrong' }))
  c.deepEqual(toldOf(problems), { problems: problems.slice(0, 20), more: 3 })
  c.deepEqual(toldOf(problems.slice(0, 20)), { problems: problems.slice(0, 20) })
})
