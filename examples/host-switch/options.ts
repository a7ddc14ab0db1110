/** The command line. */
import { parseArgs } from 'node:util'
import * as E from 'fp-ts/lib/Either.js'
import { reasonOfParsing } from '../command/parsing.js'

/** What the program was asked to do. */
export interface Options {
  readonly config: string
  /** Whether the live table is wanted even where standard output is no terminal. */
  readonly table: boolean
  /** Whether the configuration is only to be looked at. */
  readonly check: boolean
}

/** What `--help` prints. */
export const HELP = `A host's switch: ports, layers, tunnels, as a JSON file says (docs/guides/host-switch.md).

usage: node examples/dist/host-switch/main.js [options] CONFIG.json

  --check    reads the configuration, asks the layers, opens nothing
  --table    prints the table of ports, flows and drops every second, which it does on a terminal anyway
  --help     prints this

SIGHUP reads the file again, all or nothing. SIGTERM and SIGINT end the program. The line "host-switch: NAME is ready" on standard
output says that frames pass; whatever goes wrong later is told on standard error.
Exit codes: 0; 1 for what the machine refused; 2 for a wrong command line or configuration.
`

const OPTIONS = { table: { type: 'boolean' }, check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const

/** Reads the command line; `'help'` if that is all that is wanted, a `Left` says what is wrong. */
export const readOptions = (argv: readonly string[]): E.Either<string, Options | 'help'> => {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: OPTIONS })
    const [config, ...more] = positionals
    if (values.help === true) return E.right('help')
    if (config === undefined) return E.left('a configuration is needed')
    if (more.length > 0) return E.left(`one configuration at a time: ${more.join(' ')}`)
    return E.right({ config, table: values.table ?? false, check: values.check ?? false })
  } catch (thrown) {
    return E.left(reasonOfParsing(thrown, argv, Object.keys(OPTIONS)))
  }
}
