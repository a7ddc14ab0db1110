/**
 * The main job: a capture goes through virtual switch ports with four layers of policy, and tells what they made of it.
 *
 * Start reading here. `readOptions` → `readInventory` or `survey` (which VMs there are) → `openHosts` (a switch each,
 * programmed by four controllers) → `Replay` (each frame's way) → `makeReport` → `renderReport`.
 */
import { existsSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describeError, manualClock, orThrow, VfpError } from '@vfp-ts/core'
import { DEFAULT_MAX_PACKET_BYTES, readCapture, renderCaptureError, renderCaptureWriteError } from '@vfp-ts/adapters/pcap'
import * as E from 'fp-ts/lib/Either.js'
import { explained, renderExplained } from './explained.js'
import { openHosts } from './hosts.js'
import { readInventory } from './inventory.js'
import { HELP, type Options, readOptions } from './options.js'
import { isBadPolicyFiles, POLICY_FILES, renderBadPolicyFile } from './policy-file.js'
import { type Progress, progressOf, UNWATCHED } from './progress.js'
import { renderReport } from './render.js'
import { Replay } from './replay.js'
import { makeReport } from './report.js'
import { isSameFile } from './same-file.js'
import { survey } from './survey.js'
import { openWireFile } from './wire-file.js'

/** What became of a run: what to print where, and the exit code. */
export interface Ending {
  readonly stdout: string
  readonly stderr: string
  readonly code: 0 | 1 | 2
}

/** Runs the program, save for printing; `watch` is asked for a progress bar once the number of frames is known. */
export const run = async (argv: readonly string[], watch: (frames: number) => Progress = () => UNWATCHED): Promise<Ending> => {
  const options = readOptions(argv)
  if (E.isLeft(options)) return failed(`${options.left.reason}; see --help`, 2)
  if (options.right === 'help') return { stdout: HELP, stderr: '', code: 0 }
  try {
    return await replay(options.right, watch)
  } catch (thrown) {
    // A policy that is refused; anything else is a fault of this program.
    if (!(thrown instanceof VfpError)) throw thrown
    const { cause } = thrown
    return isBadPolicyFiles(cause)
      ? failed(cause.errors.map((error) => renderBadPolicyFile(error, readable)), 2)
      : failed(describeError(cause), 1)
  }
}

const replay = async (options: Options, watch: (frames: number) => Progress): Promise<Ending> => {
  const impossible = unusable(options)
  if (impossible !== undefined) return impossible
  const inventory = orThrow(readInventory(options.policy))
  if (inventory !== undefined && options.vms._tag !== 'Initiators') {
    return failed(`--vm says which addresses of a stranger's capture are VMs, but the policy ${readable(options.policy)} names its VMs in vms.json; `
      + 'leave --vm out, or give a policy folder without vms.json', 2)
  }
  const seen = await survey(options.input, options.vms)
  if (seen.frames === 0 && seen.damage !== undefined) return failed(`${options.input}: ${renderCaptureError(seen.damage)}`, 1)
  if (options.explain !== undefined && options.explain > seen.frames) {
    return failed(`there is no frame ${options.explain} in ${options.input}: it has ${seen.frames}`, 2)
  }
  const vms = inventory ?? seen.vms
  const clock = manualClock()
  const warnings: string[] = []
  const hosts = openHosts({
    vms, policy: options.policy, clock, everywhere: options.vms._tag === 'All', found: inventory === undefined, warn: (text) => { warnings.push(text) },
  })
  const wire = options.out === undefined ? undefined : await openWireFile(options.out, vms)
  if (wire !== undefined && E.isLeft(wire)) return failed(`${options.out ?? ''}: ${renderCaptureWriteError(wire.left)}`, 1)

  const job = new Replay(hosts, clock, DEFAULT_MAX_PACKET_BYTES, wire === undefined ? {} : { wire: wire.right.tap })
  const progress = watch(options.explain ?? seen.frames)
  let stdout = ''
  let damage: string | null = null
  for await (const item of readCapture(options.input, { data: 'view' })) {
    if (E.isLeft(item)) {
      damage = renderCaptureError(item.left)
      break
    }
    const number = job.frames + 1
    const fate = await job.frame(item.right, number === options.explain)
    progress.at(number)
    if (number !== options.explain) continue
    const way = explained(number, fate, job.passages, job.lastStrange, job.lastIsLaterFragment)
    stdout = options.json ? json(way) : renderExplained(way)
    break
  }
  progress.end()

  const closed = await wire?.right.close()
  if (closed !== undefined && E.isLeft(closed)) return { ...failed(`${options.out ?? ''}: ${renderCaptureWriteError(closed.left)}`, 1), stdout }
  if (options.explain === undefined) {
    const report = makeReport(job, hosts, options.flows, {
      capture: { file: readable(options.input), seconds: clock.nowUs() / 1e6, damage },
      policy: readable(options.policy),
      vmsLeftOut: inventory === undefined ? seen.tooMany : 0,
      wire: closed?.right ?? null,
      hint: inventory !== undefined
        ? 'none of the VMs of vms.json speaks in this capture; a policy folder without vms.json finds VMs in the capture'
        : options.vms._tag === 'All' ? null : 'none of the VMs speaks in this capture; try --vm all, which makes a VM of every address that does',
    })
    stdout = options.json ? json(report) : renderReport(report)
  }
  const warned = warnings.map((text) => line(`warning: ${text}`)).join('')
  return damage === null
    ? { stdout, stderr: warned, code: 0 }
    : { stdout, stderr: `${warned}${line(`${options.input}: ${damage}`)}`, code: 1 }
}

/** What is wrong with the paths, asked before anything is opened: an output opened first would be an input destroyed. */
const unusable = ({ input, policy, out }: Options): Ending | undefined => {
  if (!existsSync(policy)) return failed(`there is no policy folder ${policy}`, 1)
  const read = [input, ...POLICY_FILES.map((name) => join(policy, name))].find((file) => out !== undefined && isSameFile(file, out))
  if (read !== undefined) return failed(`--out ${out ?? ''} is the same file as ${readable(read)}, which is read: writing would destroy it`, 2)
  if (!existsSync(input)) return failed(`${input}: no such file`, 1)
  if (statSync(input).isDirectory()) return failed(`${input}: this is a folder, not a capture`, 1)
  if (out !== undefined && !existsSync(dirname(out))) return failed(`${out}: no such folder`, 1)
  return undefined
}

const failed = (reasons: string | readonly string[], code: 1 | 2): Ending => ({ stdout: '', stderr: [reasons].flat().map(line).join(''), code })

const line = (text: string): string => `main-job: ${text.replaceAll(/\s*\n\s*/g, ' ')}\n`

const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`

/** A path as short as it can be said from here. */
const readable = (path: string): string => {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') || short === '' ? path : short
}

// Whether this file is the program, rather than imported by a test.
if (process.argv[1] !== undefined && import.meta.filename === realpathSync(process.argv[1])) {
  // A reader that has seen enough (`demo | head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  const { stdout, stderr, code } = await run(process.argv.slice(2), progressOf)
  process.stdout.write(stdout)
  process.stderr.write(stderr)
  process.exitCode = code
}
