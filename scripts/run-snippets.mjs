/**
 * Compiles and runs every TypeScript snippet of the documentation, pages and docstrings alike, so that what a reader copies works.
 *
 *   node scripts/run-snippets.mjs [file.md or file.ts …]
 *
 * A snippet is a fenced block whose info string starts with `ts`; `ts compile` is compiled only (it needs a privilege, a device or a peer);
 * `ts no-run` exempts one (a fragment, a signature). Each is a program of its own. If the next block is `text output` or `console output`, the snippet has to print
 * exactly that. All are type-checked together, as strictly as the packages (but unused names are allowed: a page shows
 * them), and run from `examples/`, where the packages are found by name. Expects the packages built.
 *
 * A snippet is written with as many blank lines before it as the page has: so tsc's and Node's line numbers are the page's.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './workspace.mjs'

const scratch = join(root, 'examples/.snippets')
const timeoutMs = 60_000

const wanted = process.argv.slice(2)
const pages = (wanted.length > 0 ? wanted : documentation()).sort()
const snippets = pages.flatMap(snippetsOf)
if (snippets.length === 0) {
  console.log(`no snippets in ${pages.length} pages`)
  process.exit(1)
}
write(snippets)
const failures = new Map() // snippet → what is wrong with it
typeCheck()
for (const snippet of snippets) if (!failures.has(snippet) && !snippet.compileOnly) run(snippet)

for (const snippet of snippets) {
  const failure = failures.get(snippet)
  console.log(`${failure === undefined ? 'ok' : 'not ok'} ${snippet.page}:${snippet.line}`)
  if (failure !== undefined) console.log(failure.replaceAll(/^/gm, '    '))
}
console.log(`${snippets.length - failures.size} snippets passed, ${failures.size} failed`)
process.exitCode = failures.size === 0 ? 0 : 1

/** The root's and each package's pages, everything in docs but the generated site, and the packages' sources. */
function documentation() {
  const pagesIn = (dir, recursive = false) =>
    readdirSync(join(root, dir), { recursive, encoding: 'utf8' })
      .filter(file => file.endsWith('.md') && !/(^|\/)(node_modules|CHANGELOG\.md)/.test(file))
      .map(file => join(dir, file))
  const packages = readdirSync(join(root, 'packages')).map(name => join('packages', name))
  const sources = packages.flatMap(dir => readdirSync(join(root, dir, 'src'), { recursive: true, encoding: 'utf8' }).map(file => join(dir, 'src', file)))
  return [
    ...pagesIn(''), ...pagesIn('docs', true), ...[...packages, 'examples'].flatMap(dir => pagesIn(dir)), ...sources.filter(file => file.endsWith('.ts')),
  ].filter(page => !page.startsWith('docs/api/'))
}

/** The lines of a page; of a source, those of its docstrings, without their stars. */
function linesOf(page) {
  const lines = readFileSync(join(root, page), 'utf8').split('\n')
  if (page.endsWith('.md')) return lines
  let inside = false
  return lines.map(line => {
    if (/^\s*\/\*\*/.test(line)) inside = true
    const text = inside ? line.replace(/^\s*(\/\*\*|\*) ?/, '').replace(/\s*\*\/$/, '') : ''
    if (line.includes('*/')) inside = false
    return text
  })
}

/** Reads a page's fenced blocks; `line` is where a block's fence stands. */
function snippetsOf(page) {
  const blocks = []
  let open = null
  linesOf(page).forEach((text, index) => {
    const fence = /^(\s*)(`{3,}|~{3,})\s*(.*?)\s*$/.exec(text)
    if (open === null) {
      if (fence !== null) open = { indent: fence[1], fence: fence[2], info: fence[3].split(/\s+/), line: index + 1, body: [] }
    } else if (fence !== null && fence[3] === '' && fence[2].startsWith(open.fence)) {
      blocks.push(open)
      open = null
    } else {
      open.body.push(text.startsWith(open.indent) ? text.slice(open.indent.length) : text)
    }
  })
  if (open !== null) throw new Error(`${page}:${open.line}: the block has no end`)
  return blocks.flatMap((block, i) => {
    const next = blocks[i + 1]
    if (!['ts', 'typescript'].includes(block.info[0]) || block.info.includes('no-run')) return []
    const printed = next !== undefined && ['text', 'console'].includes(next.info[0]) && next.info.includes('output') ? next : undefined
    const name = `${page.replace(/\.(md|ts)$/, '').replaceAll(/[^A-Za-z0-9]+/g, '-')}-${i + 1}`
    return [{ page, line: block.line, name, source: block.body, compileOnly: block.info.includes('compile'), output: printed?.body.join('\n'), outputLine: printed?.line }]
  })
}

function write(all) {
  rmSync(scratch, { recursive: true, force: true })
  mkdirSync(scratch, { recursive: true })
  for (const { name, line, source } of all) {
    writeFileSync(join(scratch, `${name}.ts`), '\n'.repeat(line) + source.join('\n') + '\n')
  }
  const compilerOptions = {
    composite: false,
    declaration: false,
    declarationMap: false,
    inlineSources: true,
    noUnusedLocals: false,
    rootDir: '.',
    outDir: 'out',
    types: ['node'],
  }
  const tsconfig = { extends: '../../tsconfig.base.json', compilerOptions, files: all.map(({ name }) => `${name}.ts`) }
  writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify(tsconfig, null, 2))
}

function typeCheck() {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', scratch, '--pretty', 'false'], { cwd: scratch, encoding: 'utf8' })
  if (status === 0) return
  let current
  for (const text of stdout.split('\n').filter(each => each !== '')) {
    const at = /^([^(\s]+)\.ts\((\d+),(\d+)\): (.*)$/.exec(text)
    if (at !== null) current = snippets.find(({ name }) => name === at[1])
    if (current === undefined) throw new Error(`tsc: ${stdout}${stderr}`)
    complain(current, at === null ? text : `${current.page}:${at[2]}:${at[3]} ${at[4]}`)
  }
  if (failures.size === 0) throw new Error(`tsc failed without a reason: ${stderr}`)
}

function run(snippet) {
  const { page, name, output, outputLine } = snippet
  const { status, signal, stdout, stderr, error } = spawnSync(process.execPath, ['--enable-source-maps', join('.snippets/out', `${name}.js`)], {
    cwd: join(root, 'examples'),
    encoding: 'utf8',
    timeout: timeoutMs,
  })
  if (error !== undefined || status !== 0) {
    complain(snippet, `ended with ${error?.message ?? signal ?? `exit code ${status}`}`)
    complain(snippet, stderr.replaceAll(join(scratch, `${name}.ts`), page).trimEnd())
  } else if (output !== undefined && stdout.trimEnd() !== output.trimEnd()) {
    complain(snippet, `prints, unlike ${page}:${outputLine}:\n${stdout.trimEnd()}`)
  }
}

function complain(snippet, text) {
  failures.set(snippet, [...(failures.has(snippet) ? [failures.get(snippet)] : []), text].join('\n'))
}
