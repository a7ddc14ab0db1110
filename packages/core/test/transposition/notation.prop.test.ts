import { testProp } from '@fast-check/ava'
import fc from 'fast-check'
import { transpositionFromJson } from '../../src/policy/transposition-codec.js'
import { wildTransposition } from '../../src/testing/transposition-arbitraries.js'
import type { HeaderTransposition } from '../../src/transposition/header-transposition.js'
import { equals } from '../../src/transposition/normal-form.js'
import { format } from '../../src/transposition/notation.js'
import { toJson } from '../../src/transposition/notation-json.js'
import { parseTransposition } from '../../src/transposition/notation-parse.js'

/** Equal, and invalid for the same reason. */
const same = (a: HeaderTransposition, b: HeaderTransposition): boolean =>
  equals(a, b) && (a._tag !== 'Invalid' || b._tag !== 'Invalid' || a.reason === b.reason)

testProp('parseTransposition: reads what was formatted as the same transposition, whose text is the same', [wildTransposition()], (t, it) => {
  const text = format(it)
  const read = parseTransposition(text)
  if (read._tag === 'Left') return t.fail(`${text}\nat ${read.left.at}: ${read.left.reason}`)
  t.true(same(read.right, it), `${text}\nis read as\n${format(read.right)}`)
  t.is(format(read.right), text)
}, { numRuns: 2000 })

testProp('transpositionFromJson: reads what was written as the same transposition, and so does the parser its text', [wildTransposition()], (t, it) => {
  const json: unknown = JSON.parse(JSON.stringify(toJson(it)))
  const read = transpositionFromJson(json)
  if (read._tag === 'Left') return t.fail(`${JSON.stringify(json)}\n${JSON.stringify(read.left.problems)}`)
  t.true(same(read.right, it), `${JSON.stringify(json)}\nis read as\n${JSON.stringify(toJson(read.right))}`)
  const fromText = parseTransposition(format(it))
  t.true(fromText._tag === 'Right' && same(fromText.right, read.right))
}, { numRuns: 2000 })

testProp('format: texts, and documents, that are the same mean the same', [wildTransposition(), wildTransposition()], (t, a, b) => {
  if (format(a) === format(b) || JSON.stringify(toJson(a)) === JSON.stringify(toJson(b))) t.true(same(a, b))
  else t.pass()
})

testProp(
  'parseTransposition: a damaged text is read, or refused with a place in it',
  [wildTransposition(), fc.nat(), fc.nat(3), fc.oneof(fc.constantFrom('', ';', ' ', '(', ')', '[', ']', '=', '9', '-', 'copy', 'combine(', 'pop', '0: ', '; '), fc.string())],
  (t, it, at, gone, put) => {
    const text = format(it)
    const from = at % (text.length + 1)
    const damaged = text.slice(0, from) + put + text.slice(from + gone)
    const read = parseTransposition(damaged)
    if (read._tag === 'Right') {
      // What was accepted is in normal form: its text is read as the same thing.
      const again = parseTransposition(format(read.right))
      t.true(again._tag === 'Right' && same(again.right, read.right), format(read.right))
      return
    }
    t.is(read.left.input, damaged)
    t.true(read.left.at >= 0 && read.left.at <= damaged.length && read.left.reason.length > 0)
  },
  { numRuns: 3000 },
)
