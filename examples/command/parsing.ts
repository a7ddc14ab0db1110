/** What to say of a command line that node:util does not parse. */
import { closest, distance } from 'fastest-levenshtein'

/** One line for people about what `parseArgs` threw; `names` are the options that there are. */
export const reasonOfParsing = (thrown: unknown, argv: readonly string[], names: readonly string[]): string =>
  unknownOption(thrown, names) ?? dashed(thrown, argv) ?? (thrown instanceof Error ? thrown.message : String(thrown))

/** What to say of an option that there is not. */
const unknownOption = (thrown: unknown, names: readonly string[]): string | undefined => {
  if (!(thrown instanceof Error) || !('code' in thrown) || thrown.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return undefined
  const name = /'(-[^']*)'/.exec(thrown.message)?.[1] ?? ''
  const nearest = `--${closest(name.replace(/^-+/, '').toLowerCase(), names)}`
  return `there is no option ${name}${distance(name, nearest) <= Math.min(MOST_TYPOS, name.length / 2) ? `; did you mean ${nearest}?` : ''}`
}

/** What to say of a value that begins like an option. */
const dashed = (thrown: unknown, argv: readonly string[]): string | undefined => {
  const name = thrown instanceof Error ? /^Option '(?:-\w, )?(--\w+)' argument is ambiguous/.exec(thrown.message)?.[1] : undefined
  if (name === undefined) return undefined
  const value = argv[argv.indexOf(name) + 1] ?? ''
  return `${name} needs a value, and "${value}" looks like an option; if it is the value, write ${name}=${value}`
}

/** Letters that a misspelling differs in at most; of a short name no more than half. */
const MOST_TYPOS = 3
