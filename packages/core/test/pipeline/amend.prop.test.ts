import test from 'ava'
import fc from 'fast-check'
import { isRight } from 'fp-ts/lib/Either.js'
import { linearClassifier } from '../../src/classify/linear.js'
import { classifierFor, type Numbered } from '../../src/pipeline/amend.js'
import { COMMON_FIELDS, conditionsArbitrary, flowNear } from '../../src/testing/condition-arbitraries.js'
import type { Condition } from '../../src/policy/condition.js'

interface Given {
  readonly id: string
  readonly priority: number
  readonly conditions: readonly Condition[]
}

/** Lists of rules that grow out of each other by edits, as the updates of a group do. */
const histories: fc.Arbitrary<readonly (readonly Given[])[]> = fc
  .tuple(
    fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), conditionsArbitrary(COMMON_FIELDS)), { minLength: 8, maxLength: 30 }),
    fc.array(fc.tuple(fc.nat(40), fc.constantFrom('insert', 'remove', 'replace', 'move'), fc.integer({ min: 0, max: 3 }), conditionsArbitrary(COMMON_FIELDS)), { maxLength: 12 }),
  )
  .map(([first, edits]) => {
    const lists: Given[][] = [first.map(([priority, conditions], i) => ({ id: `r${i}`, priority, conditions }))]
    edits.forEach(([place, edit, priority, conditions], n) => {
      const now = [...lists.at(-1)!]
      const at = now.length === 0 ? 0 : place % now.length
      if (edit === 'insert') now.splice(at, 0, { id: `n${n}`, priority, conditions })
      else if (edit === 'remove') now.splice(at, 1)
      else if (edit === 'replace' && now[at] !== undefined) now[at] = { ...now[at], priority, conditions }
      else if (edit === 'move' && now[at] !== undefined) now.push(...now.splice(at, 1))
      lists.push(now)
    })
    return lists
  })

test('law 4: amend: the classifier after any sequence of group updates finds what a linear scan of the rules finds', (t) => {
  let amended = 0
  fc.assert(fc.property(
    histories.chain((lists) => fc.tuple(fc.constant(lists), fc.array(flowNear(lists.flat().map((r) => r.conditions)), { minLength: 20, maxLength: 40 }))),
    ([lists, flows]) => {
      let before: Numbered | undefined
      for (const rules of lists) {
        const made = classifierFor(rules, undefined, before === undefined ? undefined : { classifier: before, longestPrefix: undefined })
        const oracle = linearClassifier(rules.map((r, sequence) => ({ ...r, sequence })))
        if (!isRight(made) || !isRight(oracle)) throw new Error('refused')
        if (before !== undefined && rules.some((r) => made.right.entries.get(r.id) === before!.entries.get(r.id))) amended++
        for (const { words, depth } of flows) {
          if (made.right.classifier.lookup(words, depth)?.id !== oracle.right.lookup(words, depth)?.id) return false
        }
        before = made.right
      }
      return true
    },
  ), { numRuns: 100 })
  t.true(amended > 100, `entries are kept from update to update: ${amended}`)
})
