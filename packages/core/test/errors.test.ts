import test from 'ava'
import { left, right } from 'fp-ts/lib/Either.js'
import { describeError, orThrow, type TaggedError, VfpError } from '../src/errors.js'
import type { PolicyError } from '../src/policy/policy-error.js'
import type { PortError } from '../src/switch/port-error.js'

test('orThrow: gives the value of a Right', (t) => {
  t.is(orThrow(right(7)), 7)
})

test('orThrow: throws a VfpError that carries the Left', (t) => {
  const error: TaggedError & { readonly port: string } = { _tag: 'PortGone', port: 'vm-1' }
  const thrown = t.throws(() => { orThrow(left(error)) }, { instanceOf: VfpError, message: 'PortGone: port vm-1' })
  t.is(thrown.cause, error)
  t.is(thrown.name, 'VfpError')
})

test('describeError: is the tag alone where there are no facts', (t) => {
  t.is(describeError({ _tag: 'Nothing' }), 'Nothing')
})

test('describeError: names every fact of every error in one line', (t) => {
  const errors: readonly (readonly [PolicyError | PortError, string])[] = [
    [{ _tag: 'BadPolicy', layer: 'acl', problems: [{ path: '/a', reason: 'wrong' }, { path: '/b/0', reason: 'missing' }] }, 'BadPolicy: layer acl, problems /a: wrong; /b/0: missing'],
    [{ _tag: 'ForeignPolicy', layer: 'acl', policyOf: 'vnet' }, 'ForeignPolicy: layer acl, policyOf vnet'],
    [{ _tag: 'Duplicate', layer: 'acl', what: 'rule', name: 'outbound g/r' }, 'Duplicate: layer acl, what rule, name outbound g/r'],
    [{ _tag: 'BadPort', port: 'p', path: '/mac', reason: 'no', value: '7', problems: [{ path: '/mac', reason: 'no', value: '7' }], more: 2 }, 'BadPort: port p, problems /mac: no, not 7; and 2 more'],
    [{ _tag: 'LayerGone', layer: 'acl' }, 'LayerGone: layer acl'],
  ]
  for (const [error, text] of errors) t.is(describeError(error), text)
})
