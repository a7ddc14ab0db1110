/** One run of the main job, from its command line to what is printed. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { describeError, manualClock, orThrow, VfpError } from '@vfp-ts/core'
import { type CaptureSink, DEFAULT_MAX_PACKET_BYTES, readCapture, renderCaptureError, renderCaptureWriteError } from '@vfp-ts/adapters/pcap'
import * as E from 'fp-ts/lib/Either.js'
import { explained, renderExplained } from './explained.js'
import { openHosts } from './hosts.js'
import { type Input, openInput, STREAM } from './input.js'
import { readInventory } from './inventory.js'
import { helpOn, type Options, readOptions } from './options.js'
import { type Page, PLAIN } from './page.js'
import { isBadPolicyFiles, POLICY_FILES, renderBadPolicyFile } from './policy-file.js'
import { type Progress, UNWATCHED } from './progress.js'
import { renderReport } from './render.js'
import { Replay } from './replay.js'
import { makeReport } from './report.js'
import { isSameFile } from './same-file.js'
import { survey } from './survey.js'
import { count, counted } from './table.js'
import { openWireFile } from './wire-file.js'

/** What became of a run: what to print where, and the exit code. */
export interface Ending {
  readonly stdout: string
  readonly stderr: string
  /** `'stopped'` if a signal ended it. */
  readonly code: 0 | 1 | 2 | 'stopped'
}

/** What a run finds around it. */
export interface Surroundings {
  /** Where the report and the errors are printed. */
  readonly out: Page
  readonly errors: Page
  /** Asked for a progress bar once the number of frames is known. */
  readonly watch: (frames: number) => Progress
  /** Aborted by the name of a signal: the job ends where it is, and says how far it came. */
  readonly signal: AbortSignal
  readonly stdin: Readable
  /** Takes the wire if that goes to standard output. */
  readonly stdout: CaptureSink
  readonly stdoutIsTTY: boolean
}

/** No terminal, no signals, nothing to read, and nowhere for the wire to go. */
const NOTHING: Surroundings = {
  out: PLAIN, errors: PLAIN, watch: () => UNWATCHED, signal: new AbortController().signal, stdin: Readable.from([]), stdout: () => undefined, stdoutIsTTY: false,
}

/** Runs the program, save for printing. */
export const run = async (argv: readonly string[], around: Partial<Surroundings> = {}): Promise<Ending> => {
  const surroundings = { ...NOTHING, ...around }
  const options = readOptions(argv)
  if (E.isLeft(options)) return failed(`${options.left.reason}; see --help`, 2)
  if (options.right === 'help') return { stdout: helpOn(surroundings.out), stderr: '', code: 0 }
  if (options.right === 'version') return { stdout: `vfp-ts main job, with @vfp-ts/core ${versionOfCore()}\n`, stderr: '', code: 0 }
  const impossible = unusable(options.right, surroundings)
  if (impossible !== undefined) return impossible
  const input = await openInput(options.right.input, surroundings.stdin, surroundings.signal)
  if (E.isLeft(input)) return surroundings.signal.aborted ? stopped(surroundings.signal, 'while the capture was read') : failed(input.left.reason, 1)
  try {
    return await replay(options.right, input.right, surroundings)
  } catch (thrown) {
    // A policy that is refused; anything else is a fault of this program.
    if (!(thrown instanceof VfpError)) throw thrown
    const { cause } = thrown
    return isBadPolicyFiles(cause)
      ? failed(cause.errors.map((error) => renderBadPolicyFile(error, readable)), 2)
      : failed(describeError(cause), 1)
  } finally {
    await input.right.done()
  }
}

const replay = async (options: Options, input: Input, around: Surroundings): Promise<Ending> => {
  const inventory = orThrow(readInventory(options.policy))
  if (inventory !== undefined && options.vms._tag !== 'Initiators') {
    return failed(`--vm says which addresses of a stranger's capture are VMs, but the policy ${readable(options.policy)} names its VMs in vms.json; `
      + 'leave --vm out, or give a policy folder without vms.json', 2)
  }
  const seen = await survey(input.file, options, around.signal)
  if (isStopped(around)) return stopped(around.signal, 'while the capture was read')
  if (seen.frames === 0 && seen.damage !== undefined) return failed(`${input.name}: ${renderCaptureError(seen.damage)}`, 1)
  if (options.explain !== undefined && options.explain > seen.frames) {
    return failed(`there is no frame ${options.explain} in ${input.name}: it has ${seen.frames}`, 2)
  }
  const vms = inventory ?? seen.vms
  const clock = manualClock()
  const warnings: string[] = []
  const hosts = openHosts({
    vms, policy: options.policy, clock, everywhere: options.vms._tag === 'All', found: inventory === undefined, warn: (text) => { warnings.push(text) },
  })
  const wire = options.out === undefined ? undefined : await openWireFile(options.out, vms, around.stdout)
  if (wire !== undefined && E.isLeft(wire)) return failed(`${outputOf(options)}: ${renderCaptureWriteError(wire.left)}`, 1)

  const job = new Replay(hosts, clock, DEFAULT_MAX_PACKET_BYTES, wire === undefined ? {} : { wire: wire.right.tap })
  const page = options.out === STREAM ? around.errors : around.out
  const { printed, damage } = await frames(job, input, options, around, around.watch(options.explain ?? seen.frames), () => wire?.right.failed() === true)

  const closed = await wire?.right.close()
  if (closed !== undefined && E.isLeft(closed)) return { ...failed(`${outputOf(options)}: ${renderCaptureWriteError(closed.left)}`, 1), stdout: printed }
  if (isStopped(around)) {
    const held = closed === undefined ? '' : `; ${closed.right.file} holds the ${counted(closed.right.frames, 'frame')} of the wire until then, and is incomplete`
    return stopped(around.signal, `after ${count(job.frames)} of ${counted(seen.frames, 'frame')}${held}`)
  }
  let report = printed
  if (options.explain === undefined) {
    const made = makeReport(job, hosts, options.flows, {
      capture: { file: input.name === input.file ? readable(input.file) : input.name, seconds: clock.nowUs() / 1e6, damage },
      policy: readable(options.policy),
      vmsLeftOut: inventory === undefined ? seen.tooMany : 0,
      wire: closed?.right ?? null,
      hint: inventory !== undefined
        ? 'none of the VMs of vms.json speaks in this capture; a policy folder without vms.json finds VMs in the capture'
        : options.vms._tag === 'All' ? null : 'none of the VMs speaks in this capture; try --vm all, which makes a VM of every address that does',
    })
    report = options.json ? json(made) : renderReport(made, page)
  }
  const warned = warnings.map((text) => line(`warning: ${text}`)).join('') + (damage === null ? '' : line(`${input.name}: ${damage}`))
  const code = damage === null ? 0 : 1
  return options.out === STREAM ? { stdout: '', stderr: `${report}${warned}`, code } : { stdout: report, stderr: warned, code }
}

/** Takes the frames through; the explained one printed, and the damage that ended it. */
const frames = async (
  job: Replay, input: Input, options: Options, around: Surroundings, progress: Progress, isLost: () => boolean,
): Promise<{ readonly printed: string; readonly damage: string | null }> => {
  try {
    for await (const item of readCapture(input.file, { data: 'view', offloadingHost: options.offloadingHost })) {
      if (isStopped(around) || isLost()) break
      if (E.isLeft(item)) return { printed: '', damage: renderCaptureError(item.left) }
      const number = job.frames + 1
      const fate = await job.frame(item.right, number === options.explain)
      progress.at(number)
      if (number !== options.explain) continue
      const way = explained(number, fate, job.passages, job.lastStrange, job.lastIsLaterFragment)
      return { printed: options.json ? json(way) : renderExplained(way, around.out), damage: null }
    }
    return { printed: '', damage: null }
  } finally {
    progress.end()
  }
}

/** What is wrong with the paths, asked before anything is opened: an output opened first would be an input destroyed. */
const unusable = ({ input, policy, out }: Options, { stdin, stdoutIsTTY }: Surroundings): Ending | undefined => {
  if (!existsSync(policy)) return failed(`there is no policy folder ${policy}`, 1)
  if (input === STREAM && 'isTTY' in stdin && stdin.isTTY === true) return failed('--in - reads a capture from standard input, which is a terminal: give a pipe or a file', 2)
  if (out === STREAM) return stdoutIsTTY ? failed('--out - writes a capture to standard output, which is a terminal: give a pipe or a file', 2) : undefined
  const read = [input === STREAM ? '/dev/stdin' : input, ...POLICY_FILES.map((name) => join(policy, name))].find((file) => out !== undefined && isSameFile(file, out))
  if (read !== undefined) return failed(`--out ${out ?? ''} is the same file as ${readable(read)}, which is read: writing would destroy it`, 2)
  if (out !== undefined && !existsSync(dirname(out))) return failed(`${out}: no such folder`, 1)
  return undefined
}

const isStopped = ({ signal }: Surroundings): boolean => signal.aborted

const outputOf = ({ out = '' }: Options): string => (out === STREAM ? 'standard output' : out)

const stopped = (signal: AbortSignal, where: string): Ending => ({ stdout: '', stderr: line(`stopped by ${String(signal.reason)} ${where}`), code: 'stopped' })

const versionOfCore = (): string => (createRequire(import.meta.url)('@vfp-ts/core/package.json') as { readonly version: string }).version

const failed = (reasons: string | readonly string[], code: 1 | 2): Ending => ({ stdout: '', stderr: [reasons].flat().map(line).join(''), code })

const line = (text: string): string => `main-job: ${text.replaceAll(/\s*\n\s*/g, ' ')}\n`

const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`

/** A path as short as it can be said from here. */
const readable = (path: string): string => {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') || short === '' ? path : short
}
