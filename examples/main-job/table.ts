/** Tables without lines, of at most {@link COLUMNS} columns, and the words around numbers. */
import Table from 'cli-table3'

/** One column; cells longer than `width` are wrapped. `'rest'`, for one column at most, is what the others leave. */
export interface Column {
  readonly head: string
  readonly right?: boolean
  readonly width?: number | 'rest'
  /** Whether what is wrapped of a line hangs by two more than the line itself is indented. */
  readonly hang?: boolean
}

/** A row of cells, or a heading over the rows that follow. */
export type Row = readonly string[] | string

/** Columns of the page. */
export const COLUMNS = 116
/** Between two columns of a table. */
const GAP = 2

const NO_LINES = {
  'top': '', 'top-mid': '', 'top-left': '', 'top-right': '', 'bottom': '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  'left': '', 'left-mid': '', 'mid': '', 'mid-mid': '', 'right': '', 'right-mid': '', 'middle': '  ',
}

/** The lines of a table; none if it has no rows. */
export const table = (columns: readonly Column[], rows: readonly Row[]): readonly string[] => {
  if (rows.length === 0) return []
  const longest = (i: number): number =>
    Math.max(...[columns[i]?.head ?? '', ...rows.flatMap((row) => (typeof row === 'string' ? [] : (row[i] ?? '').split('\n')))].map((cell) => cell.length))
  const taken = columns.reduce((sum, c, i) => (c.width === 'rest' ? sum : sum + Math.min(longest(i), c.width ?? COLUMNS) + GAP), 0)
  const widths = columns.map((c, i) => Math.min(longest(i), c.width === 'rest' ? COLUMNS - taken : c.width ?? COLUMNS))
  const drawn = new Table({
    head: columns.map((c) => c.head),
    colAligns: columns.map((c) => (c.right === true ? 'right' : 'left')),
    colWidths: widths,
    wordWrap: true,
    chars: NO_LINES,
    style: { 'padding-left': 0, 'padding-right': 0, 'head': [], 'border': [], 'compact': true },
  })
  for (const row of rows) {
    if (typeof row === 'string') drawn.push([{ content: row, colSpan: columns.length }])
    else drawn.push(row.map((cell, i) => (columns[i]?.hang === true ? hanging(cell, widths[i] ?? COLUMNS) : cell)))
  }
  return drawn.toString().split('\n').map((line) => line.trimEnd())
}

/** A text as lines of at most `width`, broken at spaces where there are any; each line's rest hangs by two. */
export const hanging = (text: string, width: number = COLUMNS): string =>
  text.split('\n').flatMap((line) => {
    const indent = ' '.repeat(2 + line.length - line.trimStart().length)
    const lines: string[] = []
    let left = line
    while (left.length > width) {
      const space = left.lastIndexOf(' ', width)
      const at = space > indent.length ? space : width
      lines.push(left.slice(0, at).trimEnd())
      left = indent + left.slice(at).trimStart()
    }
    return [...lines, left]
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
