/**
 * The public names of every door with their types, in `packages/<package>/api/<door>.api.md`: what a change does to users shows in its diff.
 *
 * Compares what is there with what the built packages have; `--update` writes it. Expects the packages built.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import { doorsOf, publishedPackages, root } from './workspace.mjs'

const update = process.argv.includes('--update')
const scratch = mkdtempSync(join(tmpdir(), 'vfp-ts-api-'))
const silent = { default: { logLevel: ExtractorLogLevel.None } }
let different = 0
try {
  for (const dir of publishedPackages()) {
    const kept = join(root, dir, 'api')
    const reports = new Map(doorsOf(dir).filter(({ types }) => types !== undefined).map(door => [nameOf(dir, door), report(dir, door)]))
    if (update) mkdirSync(kept, { recursive: true })
    for (const [name, text] of reports) settle(join(kept, name), text)
    for (const stray of existsSync(kept) ? readdirSync(kept).filter(name => !reports.has(name)) : []) settle(join(kept, stray), undefined)
  }
} finally {
  rmSync(scratch, { recursive: true })
}
if (different > 0 && !update) console.error(`${different} API reports differ from the code: if the change is meant, node scripts/api-report.mjs --update, and commit them`)
process.exitCode = different > 0 && !update ? 1 : 0

/** `core.api.md` for the main door, `pcap-codec.api.md` for `./pcap/codec`. */
function nameOf(dir, { path }) {
  return `${path === '.' ? dir.replace('packages/', '') : path.slice(2).replaceAll('/', '-')}.api.md`
}

function report(dir, { types }) {
  const folder = join(root, dir)
  const config = ExtractorConfig.prepare({
    packageJsonFullPath: join(folder, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: join(folder, types),
      compiler: { tsconfigFilePath: join(folder, 'tsconfig.json') },
      apiReport: { enabled: true, reportFileName: 'report.api.md', reportFolder: scratch, reportTempFolder: join(scratch, 'temp'), includeForgottenExports: true },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      // Docstrings are judged elsewhere (typedoc.config.js).
      messages: { compilerMessageReporting: silent, extractorMessageReporting: silent, tsdocMessageReporting: silent },
    },
  })
  rmSync(join(scratch, 'report.api.md'), { force: true })
  const messages = []
  const { errorCount } = Extractor.invoke(config, {
    localBuild: true,
    messageCallback: message => {
      message.handled = true
      if (message.logLevel === ExtractorLogLevel.Error) messages.push(message.text)
    },
  })
  if (errorCount > 0) throw new Error(`${dir} ${types}: ${messages.join('; ')}`)
  return readFileSync(join(scratch, 'report.api.md'), 'utf8')
}

/** Writes a report, or says how the one that is there differs; `undefined` is that of a door that is gone. */
function settle(file, text) {
  const there = existsSync(file) ? readFileSync(file, 'utf8') : undefined
  if (there === text) return
  different++
  console.log(`${update ? 'updated' : 'differs'}: ${file.slice(root.length + 1)}`)
  if (update) {
    if (text === undefined) rmSync(file)
    else writeFileSync(file, text)
    return
  }
  const now = join(scratch, 'now.api.md')
  writeFileSync(now, text ?? '')
  const { stdout } = spawnSync('git', ['diff', '--no-index', '--no-color', there === undefined ? '/dev/null' : file, now], { encoding: 'utf8' })
  const lines = stdout.split('\n').slice(4, 44)
  console.log(lines.join('\n'))
}
