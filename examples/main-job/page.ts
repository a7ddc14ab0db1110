/** What the report is printed on: how wide it is, and whether in colour. */
import type { WriteStream } from 'node:tty'
import pico from 'picocolors'

/** A page. */
export interface Page {
  /** No table is wider. */
  readonly columns: number
  /** No line outside of tables is wider: they stay whole where neither a terminal nor `COLUMNS` asks for less, so that programs find what they look for. */
  readonly lineColumns: number
  readonly colors: Pick<typeof pico, 'bold' | 'dim' | 'red' | 'yellow'>
}

/** Columns where nothing says how many there are, and the most that are used: longer lines are hard to read. */
const COLUMNS = 116
/** Tables are made to fit from here on. */
const LEAST_COLUMNS = 60

/** Neither a terminal nor colours. */
export const PLAIN: Page = { columns: COLUMNS, lineColumns: Infinity, colors: pico.createColors(false) }

/** The page of a stream: a terminal's width unless `COLUMNS` says another, and colours where the terminal or a variable wants them. */
export const pageOf = (stream: Partial<Pick<WriteStream, 'isTTY' | 'columns'>>, env: NodeJS.ProcessEnv): Page => {
  const said = /^[1-9]\d{0,5}$/.test(env['COLUMNS'] ?? '') ? Number(env['COLUMNS']) : undefined
  const asked = said ?? (stream.isTTY === true && stream.columns !== undefined && stream.columns > 0 ? stream.columns : undefined)
  const columns = Math.max(LEAST_COLUMNS, Math.min(COLUMNS, asked ?? COLUMNS))
  return { columns, lineColumns: asked === undefined ? Infinity : columns, colors: pico.createColors(wantsColor(stream.isTTY === true, env)) }
}

/**
 * Whether colours are wanted. A forced answer goes before a refusal, and that before what the terminal can do.
 *
 * @see https://no-color.org, https://force-color.org
 */
const wantsColor = (isTTY: boolean, { FORCE_COLOR: force = '', NO_COLOR: no = '', TERM: terminal }: NodeJS.ProcessEnv): boolean => {
  if (force !== '') return !['0', 'false'].includes(force)
  return no === '' && isTTY && terminal !== 'dumb'
}
