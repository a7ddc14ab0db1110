import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { ApplyCode, applyCodeName } from '../src/transposition/apply-code.js'
import { DROP_REASON_SECTIONS, DROP_REASONS } from '../src/drop-reason.js'
import { Reason, reasonName } from '../src/wire/reason.js'

const repository = join(import.meta.dirname, '../../../..')
const sources = (folder: string): readonly string[] =>
  readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.startsWith('testing')).map((file) => join(repository, folder, file))

/** Where a rule of the engine or of a ready-made layer names the reason of a drop. */
const NAMED = /\b(?:refuse|drop)\(\s*'(?<alone>[^']+)'\s*\)|\bblock, \{ reason: '(?<blocked>[^']+)'|\bdrop\('[^']+', '(?<named>[^']+)'|\.(?:drop|lose)\('(?<lost>[^']+)'/gu

const named = (folder: string): readonly (readonly [reason: string, file: string])[] => sources(folder).flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(NAMED)].map(({ groups: g }) => [g?.['alone'] ?? g?.['blocked'] ?? g?.['named'] ?? g?.['lost'] ?? '', file] as const))

test('DROP_REASONS: has every reason that the sources of core and layers name', (t) => {
  const found = ['packages/core/src', 'packages/layers/src'].flatMap(named)
  t.true(found.length > 40)
  t.deepEqual(found.filter(([reason]) => !Object.hasOwn(DROP_REASONS, reason)), [])
})

test('DROP_REASONS: has no reason that no source names', (t) => {
  const text = ['packages/core/src', 'packages/layers/src'].flatMap(sources).filter((file) => !file.endsWith('drop-reason.ts')).map((file) => readFileSync(file, 'utf8')).join('\n')
  const numbered = new Set<string>([...Object.keys(Reason), ...Object.keys(ApplyCode)])
  t.deepEqual(Object.keys(DROP_REASONS).filter((reason) => !numbered.has(reason) && !text.includes(`'${reason}'`)), [])
})

test('DROP_REASONS: is written down on its page, with the same meanings', (t) => {
  const page = readFileSync(join(repository, 'docs/guides/drop-reasons.md'), 'utf8')
  const tables = Object.entries(DROP_REASON_SECTIONS).map(([title, reasons]) =>
    [`## ${title}`, '', '| Reason | Meaning |', '|---|---|', ...Object.entries(reasons).map(([reason, meaning]) => `| \`${reason}\` | ${meaning} |`)].join('\n'))
  t.deepEqual(tables.filter((table) => !page.includes(table)), [])
  t.deepEqual([...page.matchAll(/^\| `(?<reason>\w+)` \|/gmu)].length, Object.keys(DROP_REASONS).length)
})

test('reasonName, applyCodeName: name the numbers of parsing and rewriting as their tables do', (t) => {
  for (const [name, number] of Object.entries(Reason)) t.is<string, string>(reasonName(number), name)
  for (const [name, code] of Object.entries(ApplyCode)) t.is<string, string>(applyCodeName(code), name)
})
