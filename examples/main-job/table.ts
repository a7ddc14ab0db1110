/** Tables without lines that fit a page, and the words around numbers. Widths are those on a terminal, where some characters take two columns. */
import Table from 'cli-table3'
import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'
import { type Page, PLAIN } from './page.js'

/** One column; cells longer than `width` are wrapped. `'rest'`, for one column at most, gives way before the others do. */
export interface Column {
  readonly head: string
  readonly right?: boolean
  readonly width?: number | 'rest'
  /** Whether what is wrapped of a line hangs by two more than the line itself is indented. */
  readonly hang?: boolean
}

/** A row of cells, or a heading over the rows that follow. */
export type Row = readonly string[] | string

/** Between two columns of a table. */
const GAP = 2
/** The rest gives way down to this; after it the widest columns do, first as far as no word is broken, then down to {@link LEAST_WORDS}. */
const LEAST_REST = 24
const LEAST_WORDS = 8

const NO_LINES = {
  'top': '', 'top-mid': '', 'top-left': '', 'top-right': '', 'bottom': '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  'left': '', 'left-mid': '', 'mid': '', 'mid-mid': '', 'right': '', 'right-mid': '', 'middle': '  ',
}

/** The lines of a table; none if it has no rows. */
export const table = (columns: readonly Column[], rows: readonly Row[], page: Page = PLAIN): readonly string[] => {
  if (rows.length === 0) return []
  const widths = widthsOf(columns, rows, page.columns)
  const whole = widths.reduce((sum, width) => sum + width + GAP, -GAP)
  const drawn = new Table({
    head: columns.map(({ head }, i) => wrapped(head, widths[i] ?? 0).split('\n').map((line) => page.colors.dim(line)).join('\n')),
    colAligns: columns.map((c) => (c.right === true ? 'right' : 'left')),
    colWidths: widths,
    chars: NO_LINES,
    style: { 'padding-left': 0, 'padding-right': 0, 'head': [], 'border': [], 'compact': true },
  })
  for (const row of rows) {
    if (typeof row === 'string') drawn.push([{ content: hanging(row, whole), colSpan: columns.length }])
    else drawn.push(row.map((cell, i) => (columns[i]?.hang === true ? hanging : wrapped)(cell, widths[i] ?? 0)))
  }
  return drawn.toString().split('\n').map((line) => line.trimEnd())
}

/** As wide as the longest cell, and as the page lets them. */
const widthsOf = (columns: readonly Column[], rows: readonly Row[], page: number): number[] => {
  const lists = columns.map((_, i) => rows.flatMap((row) => (typeof row === 'string' ? [] : [row[i] ?? ''])))
  const longest = (texts: readonly string[]): number => Math.max(0, ...texts.flatMap((text) => text.split('\n')).map((line) => stringWidth(line)))
  const widths = columns.map(({ head, width }, i) => Math.min(longest([head, ...lists[i] ?? []]), typeof width === 'number' ? width : page))
  const words = columns.map(({ head, hang }, i) =>
    Math.min(widths[i] ?? 0, longest([head, ...lists[i] ?? []].flatMap((text) => text.split(/\s/))) + (hang === true ? 2 : 0)))
  // Numbers are never broken.
  const least = columns.map(({ right }, i) => (right === true ? words[i] ?? 0 : Math.min(LEAST_WORDS, widths[i] ?? 0)))
  let over = widths.reduce((sum, width) => sum + width + GAP, -GAP) - page
  const narrow = (i: number, by: number): void => {
    widths[i] = (widths[i] ?? 0) - by
    over -= by
  }
  const rest = columns.findIndex(({ width }) => width === 'rest')
  if (over > 0 && rest >= 0) narrow(rest, Math.max(0, Math.min(over, (widths[rest] ?? 0) - LEAST_REST)))
  for (const floor of [words, least]) {
    const room = (i: number): number => ((widths[i] ?? 0) > (floor[i] ?? 0) ? widths[i] ?? 0 : 0)
    while (over > 0) {
      const widest = columns.reduce((best, _, i) => (room(i) > room(best) ? i : best), 0)
      if (room(widest) === 0) break
      narrow(widest, 1)
    }
  }
  return widths
}

/** A text as lines of at most `width`, broken at spaces where there are any. */
export const wrapped = (text: string, width: number): string =>
  text.split('\n').map((line) => (stringWidth(line) <= width ? line : wrapAnsi(line, width, { hard: true }))).join('\n')

/** A text as lines of at most `width`, broken at spaces where there are any; each line's rest hangs by two. */
export const hanging = (text: string, width: number = PLAIN.columns): string =>
  text.split('\n').map((line) => {
    if (stringWidth(line) <= width) return line
    const body = line.trimStart()
    const indent = line.length - body.length
    const first = wrapAnsi(body, width - indent, { hard: true }).split('\n')[0] ?? ''
    const rest = body.slice(first.length).trimStart()
    const lines = rest === '' ? [] : wrapAnsi(rest, width - indent - 2, { hard: true }).split('\n').map((more) => ' '.repeat(indent + 2) + more)
    return [' '.repeat(indent) + first, ...lines].join('\n')
  }).join('\n')

/** A number for people. */
export const count = (n: number): string => n.toLocaleString('en-US')

/** A number and what it counts: `1 frame`, `2,004 frames`. */
export const counted = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`

/** A measurement to two significant digits: more would not come out the same twice. */
export const rounded = (n: number | null): string => (n === null ? NONE : count(Number(n.toPrecision(2))))

/** A share. */
export const percent = (share: number | null): string => (share === null ? NONE : `${(100 * share).toFixed(1)} %`)

/** What stands where there is no number. */
const NONE = '–'
