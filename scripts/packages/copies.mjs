/** Two copies of core in one program, installed as npm does where ranges cannot be met by one: layers have one of their own below them. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runIn } from './project.mjs'

const PROGRAM = `import { describeError, openSwitch, orThrow } from '@vfp-ts/core'
import { acl } from '@vfp-ts/layers'
const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
const refused = vm.addLayer(acl.layer, { order: 1 })
console.log(refused._tag === 'Left' ? describeError(refused.left) : 'taken')
console.log(vm.layers().length)
`

/**
 * Has a program use layers whose core is another copy: of the same version, and of another.
 *
 * @param {string} project where everything else is installed
 * @param {Map<string, string>} tarballs
 * @param {(what: string, ok: boolean, why: string) => boolean} check
 * @returns {boolean[]}
 */
export function copies(project, tarballs, check) {
  const { version } = JSON.parse(readFileSync(join(project, 'node_modules/@vfp-ts/core/package.json'), 'utf8'))
  return [version, '9.9.9'].map(other => {
    const folder = join(project, `copies-${other}`)
    const unpack = (name, ...at) => {
      const into = join(folder, 'node_modules', ...at)
      mkdirSync(into, { recursive: true })
      execFileSync('tar', ['-xzf', tarballs.get(name), '-C', into, '--strip-components=1'])
      return into
    }
    unpack('@vfp-ts/core', '@vfp-ts/core')
    unpack('@vfp-ts/layers', '@vfp-ts/layers')
    const nested = join(unpack('@vfp-ts/core', '@vfp-ts/layers/node_modules/@vfp-ts/core'), 'dist/src/version.js')
    writeFileSync(nested, readFileSync(nested, 'utf8').replace(`'${version}'`, `'${other}'`))
    writeFileSync(join(folder, 'program.mjs'), PROGRAM)
    const here = other === version ? `@vfp-ts/core ${version} (another copy)` : `@vfp-ts/core ${version}`
    const { out, text } = runIn(folder, process.execPath, [join(folder, 'program.mjs')])
    return check(`a layer of core ${other} is refused by another copy, ${version}`, out === `ForeignCore: what the layer type acl, made @vfp-ts/core ${other}, here ${here}\n0\n`, text)
  })
}
