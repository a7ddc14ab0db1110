import test from 'ava'
import { COLUMNS, counted, hanging, percent, rounded, table } from '../../main-job/table.js'

test('table: what is wrapped hangs by two more than its own line', (t) => {
  t.is(hanging('aa bb cc dd', 5), 'aa bb\n  cc\n  dd')
  t.is(hanging('x\n  aa bb cc', 7), 'x\n  aa bb\n    cc')
  t.is(hanging('abcdefgh', 4), 'abcd\n  ef\n  gh')
  t.is(hanging('short', 5), 'short')
})

test('table: headings stand over rows without widening a column, and no line is longer than the page', (t) => {
  const lines = table([{ head: 'a' }, { head: 'b', width: 'rest', hang: true }], ['a heading that is long', ['1', 'word '.repeat(50).trim()]])
  t.is(lines[0]?.trimEnd(), 'a  b')
  t.is(lines[1], 'a heading that is long')
  t.regex(lines[2] ?? '', /^1 {2}word word/)
  t.regex(lines[3] ?? '', /^ {5}word/)
  t.true(lines.every((line) => line.length <= COLUMNS))
})

test('table: a measurement has two digits, and none is a dash', (t) => {
  t.deepEqual([1_419_989, 74_581, 996, 7, 0, null].map(rounded), ['1,400,000', '75,000', '1,000', '7', '0', '–'])
  t.deepEqual([1, 0.0761, 0, null].map(percent), ['100.0 %', '7.6 %', '0.0 %', '–'])
})

test('table: one is singular', (t) => {
  t.deepEqual([0, 1, 2004].map((n) => counted(n, 'frame')), ['0 frames', '1 frame', '2,004 frames'])
})
