import test from 'ava'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as t from 'io-ts'
import * as here from '../src/index.js'
import { VERSION } from '../src/version.js'

type Core = typeof here

/** Another copy of what was compiled, on disk, as two packages of a program may bring one each. */
const otherCopy = async (): Promise<Core> => {
  const folder = mkdtempSync(join(tmpdir(), 'vfp-ts-copy-'))
  try {
    mkdirSync(join(folder, 'src'))
    cpSync(fileURLToPath(new URL('../src/', import.meta.url)), join(folder, 'src'), { recursive: true, filter: (file) => !file.endsWith('.map') })
    cpSync(fileURLToPath(new URL('../../package.json', import.meta.url)), join(folder, 'package.json'))
    symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'))
    return await import(pathToFileURL(join(folder, 'src/index.js')).href) as Core
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Reads anything, as it is. */
const ANYTHING = t.unknown

const other = await otherCopy()

const FOREIGN = { _tag: 'ForeignCore', made: `@vfp-ts/core ${VERSION}`, here: `@vfp-ts/core ${VERSION} (another copy)` }

const factsOf = ({ what: _, ...facts }: here.ForeignCore): object => facts

const portOf = (core: Core): here.Port => core.orThrow(core.openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))

/** The refusal, if it is this one. */
const refusal = (answer: { readonly _tag: 'Left'; readonly left: here.TaggedError } | { readonly _tag: 'Right' }): object =>
  answer._tag === 'Right' ? answer : answer.left._tag === 'ForeignCore' ? factsOf(answer.left as here.ForeignCore) : answer.left

const withRules = (core: Core, rules: readonly here.Rule[], groups = ['web']): here.LayerType<'own', unknown, unknown> =>
  core.defineLayer({ name: 'own', codec: ANYTHING, groups: () => groups.map((name) => ({ name, direction: 'outbound', rules })) })

test('copies: a layer type of another copy is refused when it is added, and nothing has changed', (t) => {
  const port = portOf(here)
  const refused = port.addLayer(other.rulesLayer('firewall', [other.allow]), { order: 1 })
  t.deepEqual(refused, { _tag: 'Left', left: { ...FOREIGN, what: 'the layer type firewall' } } as never)
  t.deepEqual(port.layers(), [])
  t.is(port.generation(), portOf(here).generation())
})

test('copies: a policy of another copy is refused by every way of updating', (t) => {
  const type = here.rulesLayer('firewall', [here.allow])
  const handle = here.orThrow(portOf(here).addLayer(type, { order: 1 }))
  const policy = other.rulesLayer('firewall', [other.allow]).policy({})
  t.deepEqual(refusal(handle.update(policy)), FOREIGN)
  t.deepEqual(refusal(handle.updateGroups({ web: policy })), FOREIGN)
  t.deepEqual(refusal(handle.group('web').update(policy)), FOREIGN)
})

test('copies: a rule of another copy is refused in a layer of ours', (t) => {
  const handle = here.orThrow(portOf(here).addLayer(withRules(here, [here.rule(here.allow, {}), other.rule(other.block, {})]), { order: 1 }))
  t.deepEqual(refusal(handle.updateJson({})), FOREIGN)
  t.deepEqual(handle.rules(), [])
})

test('copies: a rule type of another copy is refused, in a rule of ours and in a layer of rules', (t) => {
  const handle = here.orThrow(portOf(here).addLayer(withRules(here, [here.rule(other.block, {})]), { order: 1 }))
  t.deepEqual(refusal(handle.updateJson({})), FOREIGN)
  t.deepEqual(refusal(portOf(here).addLayer(here.rulesLayer('firewall', [here.allow, other.block]), { order: 1 })), FOREIGN)
  const data = here.orThrow(other.ruleTypeFromJson({ name: 'drop', verdict: { drop: 'Denied' } }))
  t.deepEqual(refusal(portOf(here).addLayer(here.rulesLayer('firewall', [data]), { order: 1 })), FOREIGN)
})

test('copies: a directory of another copy is refused where a switch, a policy or a rule is given it', (t) => {
  const directory = other.directory()
  const thrown = t.throws(() => here.openSwitch({ resources: { directory } }), { instanceOf: here.VfpError })
  t.like(thrown.cause, { ...FOREIGN, what: 'the resource directory' })

  const anything = here.defineLayer({ name: 'own', codec: ANYTHING, groups: () => [] })
  const handle = here.orThrow(portOf(here).addLayer(anything, { order: 1 }))
  t.deepEqual(refusal(handle.update(anything.policy({ table: directory }))), FOREIGN)
  t.is(handle.update(anything.policy({ table: here.directory() }))._tag, 'Right')

  const lookUp = here.defineRuleType({ name: 'look-up', config: ANYTHING, decide: () => here.proceed() })
  const rules = here.orThrow(portOf(here).addLayer(withRules(here, [here.rule(lookUp, { table: directory })]), { order: 1 }))
  t.deepEqual(refusal(rules.updateJson({})), FOREIGN)
})

test('copies: what was spread from another copy keeps its mark', (t) => {
  const layer = { ...other.rulesLayer('firewall', [other.allow]), name: 'mine' }
  t.deepEqual(refusal(portOf(here).addLayer(layer, { order: 1 })), FOREIGN)
  const handle = here.orThrow(portOf(here).addLayer(withRules(here, [{ ...other.rule(other.block, {}), id: 'mine' }]), { order: 1 }))
  t.deepEqual(refusal(handle.updateJson({})), FOREIGN)
})

test('copies: each copy takes what it made itself, and what bears no mark', (t) => {
  for (const core of [here, other]) {
    const layer: here.LayerType<'plain', unknown, unknown> = {
      name: 'plain', codec: ANYTHING, check: () => [], groups: () => [], policy: (config) => core.rulesLayer('plain', []).policy(config as object),
    }
    const port = core.orThrow(core.openSwitch({ resources: { own: { name: 'own', lookup: () => ({ _tag: 'Absent', cell: { version: 0 } }) } } }).addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
    t.is(core.orThrow(port.addLayer(layer, { order: 2 })).update(layer.policy({}))._tag, 'Right')
    const handle = core.orThrow(port.addLayer(core.rulesLayer('firewall', [core.allow]), { order: 1 }))
    t.is(handle.updateJson({ outbound: [{ name: 'web', rules: [{ do: 'allow' }] }] })._tag, 'Right')
  }
})

test('copies: a copy of another version is told by its version', (t) => {
  const type = Object.assign(here.rulesLayer('firewall', [here.allow]), { [Symbol.for('@vfp-ts/core: made by')]: { core: '@vfp-ts/core 9.9.9' } })
  t.deepEqual(refusal(portOf(here).addLayer(type, { order: 1 })), { ...FOREIGN, made: '@vfp-ts/core 9.9.9', here: `@vfp-ts/core ${VERSION}` })
})

test('copies: no mark shows in JSON', (t) => {
  t.deepEqual(Object.keys(JSON.parse(JSON.stringify(here.rule(here.allow, {}))) as object).filter((key) => /core/.test(key)), [])
  t.false(JSON.stringify(here.rulesLayer('firewall', []).policy({})).includes('@vfp-ts/core'))
})

test('copies: the version is that of the package', (t) => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string }
  t.is(VERSION, manifest.version)
})
