/** The laboratory as its user starts it: everything ok, and nothing left behind, also when it is interrupted. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testNeeding } from '@vfp-ts/needs'
import type { ExecutionContext } from 'ava'
import { until } from '../../live/namespaces.js'

const test = testNeeding('network namespaces', 'packet sockets', 'koffi', 'awk', 'bash', 'curl', 'dig', 'dnsmasq', 'dumpcap', 'ip', 'iperf3', 'ping', 'python3', 'tshark')

const SCRIPT = fileURLToPath(new URL('../../../lab/lab.sh', import.meta.url))
const BUILT = fileURLToPath(new URL('../..', import.meta.url))
const MINUTES = 60_000

interface Lab {
  readonly pid: number
  readonly out: () => string
  readonly errors: () => string
  /** The exit status. */
  readonly ended: Promise<number | null>
  /** All that the script makes has this in its name, or lies in this folder. */
  readonly id: string
  readonly folder: string
}

const start = (t: ExecutionContext): Lab => {
  const folder = mkdtempSync(join(tmpdir(), `vfp-${process.pid}-lab-`))
  const child = spawn('bash', [SCRIPT, '--short'], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: folder, VFP_EXAMPLES_BUILT: BUILT } })
  let out = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { errors += text })
  const ended = new Promise<number | null>((resolve) => { child.once('close', resolve) })
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await ended
    rmSync(folder, { recursive: true })
  })
  const { pid } = child
  if (pid === undefined) throw new Error('bash does not start')
  return { pid, out: () => out, errors: () => errors, ended, id: `vfplab${pid}`, folder }
}

const namespaces = ({ id }: Lab): readonly string[] =>
  spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout.split('\n').filter((line) => line.startsWith(`${id}-`))

/** Processes that were told of the laboratory's folder or of one of its namespaces. */
const processes = ({ id, folder }: Lab): readonly string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    return command.includes(`${id}-`) || command.includes(`${folder}/`) ? [command] : []
  } catch {
    // It has ended meanwhile.
    return []
  }
})

const nothingLeft = (t: ExecutionContext, lab: Lab): void => {
  t.deepEqual(namespaces(lab), [], 'no namespace is left')
  t.deepEqual(processes(lab), [], 'no process is left')
  t.deepEqual(readdirSync(lab.folder), [], 'no file is left')
}

test.serial('live: two hosts and four VMs, over VXLAN and Geneve, IPv4 and IPv6: everything is ok', async (t) => {
  t.timeout(4 * MINUTES)
  const lab = start(t)
  t.is(await lab.ended, 0, `${lab.out()}\n${lab.errors()}`)
  const lines = lab.out().trimEnd().split('\n')
  t.deepEqual(lines.filter((line) => line.startsWith('# ')), ['# vxlan over IPv4', '# geneve over IPv6', '# vxlan over IPv4 with 1,500 bytes'])
  t.deepEqual(lines.filter((line) => line.startsWith('FAILED')), [])
  const both = ['ping', 'curl', 'dig', 'load balancer', 'iperf3'].flatMap((what) => [`${what} IPv4`, `${what} IPv6`])
  for (const what of [...both, 'overlap', 'acl', 'wire', 'reread', 'mtu']) {
    t.true(lines.some((line) => line.startsWith(`ok      ${what}`)), what)
  }
  nothingLeft(t, lab)
})

const interruptions: readonly (readonly [NodeJS.Signals, number, string, (lab: Lab) => boolean])[] = [
  ['SIGTERM', 143, 'while its namespaces are made', (lab) => namespaces(lab).length >= 3],
  ['SIGINT', 130, 'while its VMs talk', (lab) => lab.out().includes('ok      ping IPv4')],
]

for (const [signal, status, when, reached] of interruptions) {
  test.serial(`live: interrupted by ${signal} ${when}, the laboratory leaves nothing behind`, async (t) => {
    t.timeout(2 * MINUTES)
    const lab = start(t)
    await until(when, () => reached(lab), () => `${lab.out()}\n${lab.errors()}`, 60)
    t.true(namespaces(lab).length > 0)
    process.kill(lab.pid, signal)
    t.is(await lab.ended, status, lab.errors())
    nothingLeft(t, lab)
  })
}
