import test from 'ava'
import stringWidth from 'string-width'
import { PLAIN } from '../../main-job/page.js'
import { counted, hanging, percent, rounded, table } from '../../main-job/table.js'

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
  t.true(lines.every((line) => line.length <= 116))
})

const page = (columns: number): typeof PLAIN => ({ ...PLAIN, columns })

test('table: fits every page from 60 columns on, breaks no word while there is room, and no number at all', (t) => {
  const columns = [{ head: 'name', width: 40 }, { head: 'MAC' }, { head: 'what', width: 'rest', hang: true }, { head: 'packets out', right: true }, { head: 'bytes in', right: true }] as const
  const rows = [['client-1', '00:15:5d:00:00:04', 'one two three four five six seven eight nine ten', '1,234,567', '12,345,678'], ['x', 'y', 'z', '1', '2']]
  for (let width = 60; width <= 130; width++) {
    const lines = table(columns, rows, page(width))
    t.true(lines.every((line) => stringWidth(line) <= width), lines.join('\n'))
    for (const whole of ['client-1', '00:15:5d:00:00:04', 'three', 'seven', '1,234,567', '12,345,678']) t.true(lines.join('\n').includes(whole), `${whole} at ${width}`)
  }
})

test('table: a word that is longer than its column is broken, and what is said stays whole', (t) => {
  const long = 'x'.repeat(200)
  const lines = table([{ head: 'a', width: 'rest' }, { head: 'n', right: true }], [[long, '7']], page(60))
  t.true(lines.every((line) => line.length <= 60))
  t.is(lines.join('').replaceAll(/[^x]/g, ''), long)
})

test('table: characters that take two columns are counted as two', (t) => {
  const lines = table([{ head: 'a' }, { head: 'rest', width: 'rest', hang: true }, { head: 'n', right: true }], [['東京', '仮想スイッチ '.repeat(12).trim(), '1'], ['é', 'word', '22']], page(60))
  t.true(lines.every((line) => stringWidth(line) <= 60), lines.join('\n'))
  t.true(lines.some((line) => line.startsWith('東京  ')), lines.join('\n'))
  t.is(lines.join('').match(/仮想スイッチ/g)?.length, 12)
  t.is(stringWidth(hanging('東京'.repeat(10), 15).split('\n')[0] ?? ''), 14)
})

test('table: a measurement has two digits, and none is a dash', (t) => {
  t.deepEqual([1_419_989, 74_581, 996, 7, 0, null].map(rounded), ['1,400,000', '75,000', '1,000', '7', '0', '–'])
  t.deepEqual([1, 0.0761, 0, null].map(percent), ['100.0 %', '7.6 %', '0.0 %', '–'])
})

test('table: one is singular', (t) => {
  t.deepEqual([0, 1, 2004].map((n) => counted(n, 'frame')), ['0 frames', '1 frame', '2,004 frames'])
})
