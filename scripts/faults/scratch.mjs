/**
 * A scratch copy of the workspace, in which one fault after the other is planted, tested and put right again.
 *
 * A changed source is transpiled over its compiled file: nothing is type-checked or built.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import ts from 'typescript'
import { countTap } from '../count-tap.mjs'
import { compiledTests, root } from '../workspace.mjs'
import { gitApply, planted } from './records.mjs'

/** How long the tests of one fault may take: a fault may well be an endless loop. */
const timeoutMs = 120_000

const { compilerOptions } = ts.parseJsonConfigFileContent(ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile).config, ts.sys, root)

/** A copy of sources and compiled files; removed by {@link Scratch.remove}. */
export class Scratch {
  #dir = mkdtempSync(join(tmpdir(), 'vfp-ts-faults-'))

  /** Copies. The root's node_modules is linked; a package's own is copied, being relative links itself: so packages of the copy find each other. */
  constructor() {
    const leaveOut = /^(\.git|node_modules|docs\/api)$|(^|\/)(\.out-[^/]*|\.snippets)$/
    cpSync(root, this.#dir, {
      recursive: true,
      verbatimSymlinks: true,
      filter: source => !leaveOut.test(relative(root, source)),
    })
    symlinkSync(join(root, 'node_modules'), join(this.#dir, 'node_modules'))
  }

  remove() {
    rmSync(this.#dir, { recursive: true, force: true })
  }

  /** Plants a fault, runs `judge`, and puts everything right again. */
  async with(fault, judge) {
    const sound = this.#planted(fault).map(([file, text]) => {
      const compiled = join(this.#dir, compiledFile(file))
      const before = readFileSync(compiled)
      writeFileSync(compiled, transpiled(file, text))
      return [compiled, before]
    })
    try {
      return await judge()
    } finally {
      for (const [compiled, before] of sound) writeFileSync(compiled, before)
    }
  }

  /** Runs a package's tests that have one of `titles` in their title, in the files that spell it out if there are such. */
  async test(dir, titles, timeout = timeoutMs) {
    const files = compiledTests(dir, this.#dir)
    const texts = new Map(files.map(file => [file, readFileSync(join(this.#dir, dir, file), 'utf8')]))
    const spelled = files.filter(file => titles.some(title => texts.get(file).includes(title)))
    const allSpelled = titles.every(title => spelled.some(file => texts.get(file).includes(title)))
    const args = [...titles.map(title => `--match=*${title}*`), ...(allSpelled ? spelled : files)]
    const child = spawn(process.execPath, [join(this.#dir, 'node_modules/ava/entrypoints/cli.mjs'), '--tap', ...args], {
      cwd: join(this.#dir, dir),
      // That a test fails is enough; the smallest example of it would take most of the time. The seed is the same every time, or luck would decide.
      env: { VFP_SEED: '1', ...process.env, VFP_NO_SHRINKING: '1' },
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout,
      killSignal: 'SIGKILL',
    })
    return countTap(child.stdout)
  }

  /** The sources of a fault as they are with it in, by path. */
  #planted(fault) {
    if (fault.patch === undefined) return [[fault.files[0], planted(fault)]]
    const applied = gitApply(this.#dir, fault.patch)
    if (!applied.ok) throw new Error(`${fault.name}: the patch no longer applies: ${applied.text}`)
    const texts = fault.files.map(file => [file, readFileSync(join(this.#dir, file), 'utf8')])
    const reverted = gitApply(this.#dir, '--reverse', fault.patch)
    if (!reverted.ok) throw new Error(`cannot take ${fault.name} back: ${reverted.text}`)
    return texts
  }
}

const transpiled = (file, text) =>
  ts.transpileModule(text, { fileName: file, compilerOptions: { ...compilerOptions, sourceMap: false, declaration: false, declarationMap: false, composite: false } }).outputText

/** Where tsc puts what becomes of a source. */
function compiledFile(source) {
  const [, dir, rest] = /^(packages\/[^/]+|examples|needs)\/(.*)\.ts$/.exec(source)
  return `${dir}/dist/${rest}.js`
}
