/**
 * core knows its version without reading files: `packages/core/src/version.ts` has that of core's package.json. Says whether it does;
 * `--write` makes it so, which follows `changeset version`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './workspace.mjs'

const file = join(root, 'packages/core/src/version.ts')
const { version } = JSON.parse(readFileSync(join(root, 'packages/core/package.json'), 'utf8'))
const source = readFileSync(file, 'utf8')
const wanted = source.replace(/VERSION = '[^']*'/, `VERSION = '${version}'`)

if (process.argv.includes('--write')) writeFileSync(file, wanted)
else if (source !== wanted || !source.includes(`'${version}'`)) {
  console.error(`packages/core/src/version.ts does not say ${version}, as package.json does: node scripts/core-version.mjs --write`)
  process.exitCode = 1
}
