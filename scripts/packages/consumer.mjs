/** The packages as programs use them: type-checked in each way, and run by each runtime. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { doorsOf, publishedPackages, root } from '../workspace.mjs'
import { RUNTIMES, runIn, thirtyLines } from './project.mjs'

const doors = publishedPackages().flatMap(doorsOf)

/** The ways in which users' compilers look at the packages. */
const WAYS = ['NodeNext', 'Bundler'].flatMap(moduleResolution => [true, false].map(skipLibCheck => ({ moduleResolution, skipLibCheck })))

/**
 * Type-checks a program that names every door, in each way; and one of core and layers where no types of Node are there.
 *
 * @param {string} folder the project
 * @param {(what: string, ok: boolean, why: string) => boolean} check
 * @returns {boolean[]}
 */
export function typeChecks(folder, check) {
  const { code } = thirtyLines()
  const all = doors.map(({ name }, i) => `import * as door${i} from '${name}'`).join('\n')
  writeFileSync(join(folder, 'doors.ts'), `${all}\nexport const doors: readonly object[] = [${doors.map((_, i) => `door${i}`).join(', ')}]\n`)
  writeFileSync(join(folder, 'thirty.ts'), `${code.replace('import', 'declare const console: { log: (...texts: unknown[]) => void }\nimport')}`)
  return WAYS.flatMap(({ moduleResolution, skipLibCheck }) => [['doors', ['node']], ['thirty', []]].map(([program, types]) => {
    const config = join(folder, 'tsconfig.json')
    writeFileSync(config, JSON.stringify({
      compilerOptions: {
        target: 'ES2023', lib: ['ES2023'], types, module: moduleResolution === 'NodeNext' ? 'NodeNext' : 'ESNext', moduleResolution, skipLibCheck,
        strict: true, exactOptionalPropertyTypes: true, noEmit: true,
      },
      files: [`${program}.ts`],
    }))
    const { ok, text } = runIn(folder, process.execPath, [join(root, 'node_modules/typescript/lib/tsc.js'), '-p', config])
    return check(`types of ${program}: ${moduleResolution}, skipLibCheck ${skipLibCheck ? 'on' : 'off'}`, ok, text)
  }))
}

/**
 * Runs the README's thirty lines, and a program that imports every door, with each runtime.
 *
 * @param {string} folder the project
 * @param {(what: string, ok: boolean, why: string) => boolean} check
 * @returns {boolean[]}
 */
export function runs(folder, check) {
  const { code, output } = thirtyLines()
  writeFileSync(join(folder, 'thirty.mjs'), code)
  writeFileSync(join(folder, 'doors.mjs'), `for (const door of ${JSON.stringify(doors.map(({ name }) => name))}) {
  const names = Object.keys(await import(door))
  if (names.length === 0 && !['@vfp-ts/adapters/nic'].includes(door)) throw new Error(door + ' exports nothing')
}
console.log('all open')
`)
  return Object.entries(RUNTIMES).flatMap(([name, { alias, binary, args }]) => {
    const run = program => runIn(folder, join(folder, 'node_modules', alias, binary), [...args, join(folder, program)])
    const thirty = run('thirty.mjs')
    const open = run('doors.mjs')
    return [
      check(`${name} runs the thirty lines`, thirty.ok && sameLines(thirty.out, output), thirty.text),
      check(`${name} imports every door`, open.ok && open.out.trim() === 'all open', open.text),
    ]
  })
}

/** Runtimes show objects with quotes and spaces of their own. */
const sameLines = (a, b) => flat(a) === flat(b)
const flat = text => text.replaceAll(/["']/g, "'").replaceAll(/\s+/g, ' ').replaceAll(/,? }/g, ' }').trim()
