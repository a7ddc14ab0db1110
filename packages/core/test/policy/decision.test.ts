import test from 'ava'
import { answerBy, formatVerdict, hairpinTo, proceed, refuse, sameVerdict, type Verdict } from '../../src/policy/decision.js'
import { NO_ANSWER } from '../../src/policy/responder.js'
import { identity, modify } from '../../src/transposition/construct.js'

const responder = { name: 'gateway', answer: () => NO_ANSWER }

test('proceed, refuse, hairpinTo, answerBy: change nothing and run nothing unless told to', (t) => {
  for (const decision of [proceed(), refuse('Denied'), hairpinTo('vm-2'), answerBy(responder)]) {
    t.is(decision.transposition, identity)
    t.deepEqual([decision.contexts, decision.mirrors], [[], []])
  }
})

test('proceed, hairpinTo: carry the transposition they are given', (t) => {
  const change = modify({ dscp: 1 })
  t.is(proceed(change).transposition, change)
  t.is(hairpinTo('vm-2', change).transposition, change)
})

test('proceed: carries contexts and mirrors', (t) => {
  const context = { label: 'c', onPacket: () => undefined }
  const decision = proceed(undefined, { contexts: [context], mirrors: ['vm-2'] })
  t.deepEqual([decision.contexts, decision.mirrors], [[context], ['vm-2']])
})

test('sameVerdict: is equality of kind and content', (t) => {
  const all: readonly Verdict[] = [
    proceed().verdict, refuse('A').verdict, refuse('B').verdict, hairpinTo('A').verdict, hairpinTo('B').verdict,
    // Responders are told apart by identity: two of one name may answer differently.
    answerBy(responder).verdict, answerBy({ ...responder }).verdict,
  ]
  for (const [i, a] of all.entries()) for (const [j, b] of all.entries()) t.is(sameVerdict(a, b), i === j)
})

test('formatVerdict: says where the packet goes', (t) => {
  t.deepEqual(
    [proceed(), refuse('Denied'), hairpinTo('vm-2'), answerBy(responder)].map((d) => formatVerdict(d.verdict)),
    ['continue', 'drop Denied', 'hairpin to vm-2', 'reply by gateway'],
  )
})
