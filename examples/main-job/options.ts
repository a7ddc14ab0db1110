/** The command line. */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { formatIp, type IpAddress, parseIp, type TaggedError } from '@vfp-ts/core'
import * as E from 'fp-ts/lib/Either.js'
import { reasonOfParsing } from '../command/parsing.js'
import type { Page } from './page.js'
import { table, wrapped } from './table.js'

/** Which addresses of a stranger's capture are VMs. */
export type VmChoice =
  | { readonly _tag: 'Initiators' }
  | { readonly _tag: 'All' }
  | { readonly _tag: 'Listed'; readonly addresses: readonly IpAddress[] }

/** What the program was asked to do. */
export interface Options {
  /** The capture: a file, or `-`. */
  readonly input: string
  /** Folder of the policy files. */
  readonly policy: string
  /** Where the wire goes as pcapng, if anywhere: a file, or `-`. */
  readonly out: string | undefined
  /** Unified flows to print. */
  readonly flows: number
  /** The frame to explain, counted from 1. */
  readonly explain: number | undefined
  readonly json: boolean
  /** Whether the capture comes from a host that leaves segmentation to its NIC. */
  readonly offloadingHost: boolean
  readonly vms: VmChoice
}

/** A command line that makes no sense. */
export interface UsageError extends TaggedError {
  readonly _tag: 'Usage'
  readonly reason: string
}

/** What `--help` prints. */
export const helpOn = (page: Page): string => [
  ...wrapped('Takes a capture through virtual switch ports with four layers of policy, and tells what they made of it.', page.columns).split('\n'),
  '', 'usage: demo [options]', '',
  ...table([{ head: 'option' }, { head: 'meaning', width: 'rest' }], HELP, page),
  '',
  ...wrapped('Each option at most once. Exit codes: 0; 1 for a file that cannot be read or written to its end; 2 for a wrong command line or a policy '
    + 'that is refused; 128 and the signal\'s number where a signal ended it, so 130 for Ctrl-C.', page.columns).split('\n'),
  '',
].join('\n')

const HELP: readonly (readonly [string, string])[] = [
  ['--in FILE', 'the capture, pcap or pcapng, gzip or not; "-" is standard input. A pipe is read once and kept in a temporary file meanwhile. '
    + 'Unless said, the tenant\'s capture of this repository'],
  ['--policy FOLDER', 'billing.json, security.json, balancing.json, network.json, and vms.json if the VMs are known. '
    + 'Unless said, policy/tenant; for a capture given by --in, policy/stranger, which allows everything'],
  ['--vm LIST', 'which addresses are VMs: addresses with commas between, or "all"; unless said, the initiator of each connection is. '
    + 'Not with a policy that has a vms.json'],
  ['--offloading-host', 'the capture was made on a host whose NIC segments: an IP length of 0 means the rest of the packet'],
  ['--out FILE', 'writes the wire between the hosts as pcapng; compressed if FILE ends in .gz. Not the file that is read. '
    + '"-" is standard output; the report goes to standard error then'],
  ['--flows N', 'prints the N busiest unified flows (12 unless said)'],
  ['--explain N', 'prints, for frame N of the capture (from 1), its way through the layers, and nothing else; not with --out'],
  ['--json', 'prints one JSON document instead of tables'],
  ['--help', 'prints this'],
  ['--version', 'prints the version'],
]

/** Reads the command line; `'help'` or `'version'` if that is all that is wanted. */
export const readOptions = (argv: readonly string[]): E.Either<UsageError, Options | 'help' | 'version'> => {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(argv)
  } catch (thrown) {
    return usage(reasonOfParsing(thrown, argv, Object.keys(OPTIONS)))
  }
  const { values, tokens } = parsed
  if (values.help === true) return E.right('help')
  if (values.version === true) return E.right('version')
  const names = tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []))
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) return usage(`--${twice} is there more than once`)
  const flows = whole('--flows', values.flows, 0)
  if (E.isLeft(flows)) return flows
  const explain = whole('--explain', values.explain, 1)
  if (E.isLeft(explain)) return explain
  const vms = vmChoice(values.vm)
  if (E.isLeft(vms)) return vms
  for (const [name, value] of Object.entries(values)) if (value === '') return usage(`--${name} needs a value`)
  if (explain.right !== undefined && values.out !== undefined) {
    return usage('--explain stops at one frame, so --out would write half a wire: give one of them')
  }
  return E.right({
    input: values.in ?? here('../../captures/tenant.pcapng'),
    policy: values.policy ?? here(`../../main-job/policy/${values.in === undefined ? 'tenant' : 'stranger'}`),
    out: values.out,
    flows: flows.right ?? 12,
    explain: explain.right,
    json: values.json ?? false,
    offloadingHost: values['offloading-host'] ?? false,
    vms: vms.right,
  })
}

const OPTIONS = {
  in: { type: 'string' }, policy: { type: 'string' }, out: { type: 'string' }, vm: { type: 'string' }, flows: { type: 'string' },
  explain: { type: 'string' }, json: { type: 'boolean' }, 'offloading-host': { type: 'boolean' }, help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' },
} as const

const parse = (argv: readonly string[]) => parseArgs({ args: [...argv], options: OPTIONS, tokens: true })

const usage = (reason: string): E.Either<UsageError, never> => E.left({ _tag: 'Usage', reason })

const whole = (name: string, text: string | undefined, least: number): E.Either<UsageError, number | undefined> => {
  if (text === undefined) return E.right(undefined)
  const number = Number(text)
  return /^\d{1,15}$/.test(text) && number >= least ? E.right(number) : usage(`${name} takes a whole number from ${least}, not "${text}"`)
}

const vmChoice = (text: string | undefined): E.Either<UsageError, VmChoice> => {
  if (text === undefined) return E.right({ _tag: 'Initiators' })
  if (text === 'all') return E.right({ _tag: 'All' })
  const addresses = new Map<string, IpAddress>()
  for (const one of text.split(',')) {
    const ip = parseIp(one.trim())
    if (E.isLeft(ip)) return usage(`--vm takes addresses with commas between, or "all": "${one}" is ${ip.left.reason}`)
    addresses.set(formatIp(ip.right), ip.right)
  }
  return E.right({ _tag: 'Listed', addresses: [...addresses.values()] })
}

/** Sources are compiled to `dist/`, beside which the capture and the policies stay. */
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
