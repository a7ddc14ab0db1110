import test from 'ava'
import { pageOf } from '../../main-job/page.js'

const isColored = (isTTY: boolean, env: NodeJS.ProcessEnv): boolean => pageOf({ isTTY }, env).colors.bold('x') !== 'x'

test('page: is coloured on a terminal, and elsewhere not', (t) => {
  t.true(isColored(true, {}))
  t.false(isColored(false, {}))
  t.false(isColored(true, { TERM: 'dumb' }))
  t.false(isColored(false, { CI: 'true' }), 'CI is no wish for colours')
})

test('page: NO_COLOR refuses colours unless it is empty, and FORCE_COLOR goes before it', (t) => {
  t.false(isColored(true, { NO_COLOR: '1' }))
  t.false(isColored(true, { NO_COLOR: '0' }))
  t.true(isColored(true, { NO_COLOR: '' }))
  t.true(isColored(false, { FORCE_COLOR: '1' }))
  t.true(isColored(false, { FORCE_COLOR: '1', NO_COLOR: '1' }))
  for (const off of ['0', 'false']) t.false(isColored(true, { FORCE_COLOR: off }))
  t.false(isColored(false, { FORCE_COLOR: '' }))
})

test('page: is as wide as the terminal from 60 to 116 columns, as COLUMNS says, or 116', (t) => {
  const width = (columns: number | undefined, said?: string, isTTY = true): number =>
    pageOf({ isTTY, ...(columns === undefined ? {} : { columns }) }, said === undefined ? {} : { COLUMNS: said }).columns
  t.deepEqual([20, 60, 80, 116, 300].map((columns) => width(columns)), [60, 60, 80, 116, 116])
  t.is(width(0), 116, 'a terminal that does not know')
  t.is(width(undefined, undefined, false), 116)
  t.is(pageOf({}, {}).lineColumns, Infinity)
  t.is(pageOf({ isTTY: true, columns: 80 }, {}).lineColumns, 80)
  t.is(width(80, '72'), 72)
  t.is(width(undefined, '72', false), 72)
  for (const nonsense of ['', '0', '-80', 'wide', '8e1']) t.is(width(80, nonsense), 80, nonsense)
})
