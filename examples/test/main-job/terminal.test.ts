/** The main job on a real pseudo-terminal. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import type { ExecutionContext } from 'ava'
import { testNeeding } from '@vfp-ts/needs'
import { openCaptureWriter, readWholeCapture } from '@vfp-ts/adapters/pcap'
import { orThrow, VfpError } from '@vfp-ts/core'
import * as E from 'fp-ts/lib/Either.js'
import { TENANT } from './tenant.js'

const MAIN = fileURLToPath(new URL('../../main-job/main.js', import.meta.url))
const ESCAPE = '\u001b'
const CTRL_C = '\u0003'

const test = testNeeding('script', 'sh', 'stty')

/** What a command of the shell shows on a terminal, and its exit status; `hear` is told of everything shown so far and may type. */
const onTerminal = async (t: ExecutionContext, command: string, hear: (shown: string, type: (keys: string) => void) => void = () => undefined, env: NodeJS.ProcessEnv = {}) => {
  const { NO_COLOR: _, FORCE_COLOR: __, COLUMNS: ___, CI: ____, ...rest } = process.env
  const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...rest, TERM: 'xterm', NODE: process.execPath, MAIN, ...env } })
  t.teardown(() => { child.kill('SIGKILL') })
  let shown = ''
  child.stdout.setEncoding('utf8').on('data', (some: string) => {
    shown += some
    hear(shown, (keys) => { child.stdin.write(keys) })
  })
  const status = await new Promise<number | null>((resolve) => { child.once('close', resolve) })
  return { shown: shown.replaceAll('\r\n', '\n'), status }
}

for (const columns of [60, 72, 100]) {
  test(`terminal: the report fits ${columns} columns`, async (t) => {
    const { shown, status } = await onTerminal(t, `stty cols ${columns}; "$NODE" "$MAIN"`)
    t.is(status, 0)
    const lines = stripVTControlCharacters(shown).split('\n')
    t.true(lines.length > 150)
    t.deepEqual(lines.filter((line) => line.length > columns), [])
  })
}

test('terminal: headings are bold, and not where NO_COLOR is set', async (t) => {
  const { shown } = await onTerminal(t, '"$NODE" "$MAIN"')
  t.true(shown.includes(`${ESCAPE}[1m== Frames`))
  const plain = await onTerminal(t, '"$NODE" "$MAIN"', undefined, { NO_COLOR: '1' })
  t.false(plain.shown.includes(ESCAPE))
  t.true(plain.shown.includes('== Frames'))
})

/** The tenant's capture again and again, so long that a bar is shown for a while. */
const longCapture = async (t: ExecutionContext): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'vfp-long-'))
  t.teardown(() => { rmSync(folder, { recursive: true }) })
  const file = join(folder, 'long.pcapng')
  const { packets } = await readWholeCapture(TENANT)
  const out = await openCaptureWriter(file)
  if (E.isLeft(out)) throw new VfpError(out.left)
  for (let i = 0; i < 50; i++) for (const packet of packets) orThrow(await out.right.write({ ...packet, interfaceId: 0 }))
  orThrow(await out.right.close())
  return file
}

test('terminal: progress is shown to whoever watches, Ctrl-C ends it with 130, and the terminal is as it was', async (t) => {
  t.timeout(120_000)
  const file = await longCapture(t)
  let typed = false
  const { shown, status } = await onTerminal(
    t, 'trap : INT; before=$(stty -g); "$NODE" "$MAIN" --in "$CAPTURE"; code=$?; [ "$before" = "$(stty -g)" ] && echo the same; exit $code',
    (soFar, type) => {
      // The cursor is hidden: the bar is there.
      if (typed || !soFar.includes(`${ESCAPE}[?25l`)) return
      typed = true
      type(CTRL_C)
    }, { CAPTURE: file },
  )
  t.is(status, 130, shown)
  t.true(shown.lastIndexOf(`${ESCAPE}[?25h`) > shown.lastIndexOf(`${ESCAPE}[?25l`), 'the cursor is shown again')
  t.regex(stripVTControlCharacters(shown), /main-job: stopped by SIGINT after [\d,]+ of 100,200 frames\nthe same\n$/)
})

testNeeding('script', 'sh', 'stty', 'od')('terminal: no progress is drawn where standard error is no terminal', async (t) => {
  t.timeout(120_000)
  const file = await longCapture(t)
  const { shown, status } = await onTerminal(t, '"$NODE" "$MAIN" --in "$CAPTURE" --json 2>&1 >/dev/null | od -c', undefined, { CAPTURE: file })
  t.is(status, 0)
  t.is(shown, '0000000\n')
})
