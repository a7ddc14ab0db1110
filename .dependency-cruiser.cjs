/**
 * The import rules of ARCHITECTURE.md, on TypeScript sources, type-only imports included.
 *
 * Packages reach each other by name, which resolves to their built doors (`dist/src/…`): so build first. `exports`
 * closes everything else to names, which leaves relative paths (dependency type `local`) to forbid.
 */

/** Within core a folder imports only from those before it. A new folder takes its place here first. */
const coreOrder = ['check', 'wire', 'flow', 'transposition', 'policy', 'classify', 'tables', 'pipeline', 'datapath', 'switch']

/** What each package may import of ours. */
const mayImport = { core: [], layers: ['core'], gateway: ['core'], adapters: ['core', 'gateway'] }

/** Sources of the doors of adapters: those that run wherever JavaScript does, and those that `exports` opens under the condition `node` only. */
const doors = Object.values(require('./packages/adapters/package.json').exports).filter(target => target.types !== undefined)
const sourceOf = ({ types }) => `^packages/adapters/${types.replace('./dist/', '').replace('index.d.ts', '').replace('.d.ts', '\\.ts$')}`
const anywhere = doors.filter(door => door.node === undefined).map(sourceOf)
const nodeOnly = doors.filter(door => door.node !== undefined).map(sourceOf)

const core = '^packages/core/src/'
const oneOf = names => `(?:${names.join('|')})`

/** @type {import('dependency-cruiser').IRuleConfiguration[]} */
const packageRules = Object.entries(mayImport).map(([name, allowed]) => ({
  name: `package-${name}`,
  comment: `packages/${name} may import ${allowed.length === 0 ? 'no other package of ours' : `of ours only ${allowed.join(', ')}`}.`,
  severity: 'error',
  from: { path: `^packages/${name}/`, pathNot: '/test/' },
  to: { path: ['^packages/', '^examples/'], pathNot: `^packages/${oneOf([name, ...allowed])}/` },
}))

/** Tests of adapters send real traffic through ready-made layers, which nothing published there needs. */
const testRules = Object.entries({ ...mayImport, adapters: [...mayImport.adapters, 'layers'] }).map(([name, allowed]) => ({
  name: `package-${name}-tests`,
  comment: `Tests of packages/${name} may import ${allowed.length === 0 ? 'no other package of ours' : `of ours only ${allowed.join(', ')}`}.`,
  severity: 'error',
  from: { path: `^packages/${name}/(?:dist/)?test/` },
  to: { path: ['^packages/', '^examples/'], pathNot: `^packages/${oneOf([name, ...allowed])}/` },
}))

/** @type {import('dependency-cruiser').IRuleConfiguration[]} */
const coreRules = coreOrder.slice(0, -1).map((folder, i) => ({
  name: `core-${folder}`,
  comment: `core/src/${folder} imports only to its left: files of core/src itself, ${coreOrder.slice(0, i).join(', ') || 'and no folder'}.`,
  severity: 'error',
  from: { path: `${core}${folder}/` },
  to: { path: `${core}${oneOf(coreOrder.slice(i + 1))}/` },
}))

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...packageRules,
    ...testRules,
    ...coreRules,
    {
      name: 'package-unplaced',
      comment: 'A new package states in .dependency-cruiser.cjs what it may import.',
      severity: 'error',
      from: { path: '^packages/', pathNot: `^packages/${oneOf(Object.keys(mayImport))}/` },
      to: {},
    },
    {
      name: 'core-folder-unplaced',
      comment: 'A new folder of core takes its place in the order in .dependency-cruiser.cjs.',
      severity: 'error',
      from: {},
      to: { path: `${core}[^/]+/`, pathNot: `${core}${oneOf([...coreOrder, 'testing'])}/` },
    },
    {
      name: 'core-root-is-leftmost',
      comment: "core/src's own files (errors, clock) come before every folder.",
      severity: 'error',
      from: { path: `${core}[^/]+$`, pathNot: `${core}index\\.ts$` },
      to: { path: `${core}[^/]+/` },
    },
    {
      name: 'core-door-is-rightmost',
      comment: 'index.ts and testing/ are doors: they may import everything within core, nothing within core imports them.',
      severity: 'error',
      from: { path: core, pathNot: [`${core}testing/`] },
      to: { path: [`${core}index\\.ts$`, `${core}testing/`] },
    },
    {
      name: 'only-through-the-door',
      comment: 'Another package is imported by its name, not by a path into its files.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/', pathNot: '^packages/$1/', dependencyTypes: ['local'] },
    },
    {
      name: 'examples-only-through-the-door',
      comment: 'Examples use what users use.',
      severity: 'error',
      from: { path: '^examples/' },
      to: { path: '^packages/', dependencyTypes: ['local'] },
    },
    {
      name: 'tests-are-not-imported',
      comment: 'What tests share with others lives in src/testing.',
      severity: 'error',
      from: { pathNot: '/test/' },
      to: { path: '^packages/[^/]+/(?:dist/)?test/' },
    },
    {
      name: 'needs-are-of-tests',
      comment: 'What tests need beside Node is declared by tests alone.',
      severity: 'error',
      from: { pathNot: ['/test/', '^needs/'] },
      to: { path: '^needs/' },
    },
    {
      name: 'needs-stand-alone',
      comment: 'What declares needs knows nothing of what is tested.',
      severity: 'error',
      from: { path: '^needs/' },
      to: { path: ['^packages/', '^examples/'] },
    },
    {
      name: 'engine-without-node',
      comment: 'core and layers run wherever JavaScript does: touching the outside is for adapters.',
      severity: 'error',
      from: { path: '^packages/(?:core|layers)/src/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'doors-without-node',
      comment: 'An adapter whose door has no condition `node` in `exports` uses nothing of Node.',
      severity: 'error',
      from: { path: anywhere },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'doors-without-node-adapters',
      comment: 'An adapter whose door has no condition `node` in `exports` uses none that has. check:packages bundles them all for a browser.',
      severity: 'error',
      from: { path: anywhere, pathNot: nodeOnly },
      to: { path: [...nodeOnly, '^packages/adapters/src/native/'] },
    },
    {
      name: 'sources-use-declared-dependencies',
      comment: 'What a published file imports is in its package.json, and not as a development dependency only.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm', 'npm-peer'] },
    },
    {
      name: 'no-cycles',
      comment: 'Neither of values nor of types.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: "The import leads nowhere: a misspelling, a path `exports` closes, or a package that isn't built yet.",
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'node', 'default'], extensions: ['.ts', '.d.ts', '.js', '.mjs'] },
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: ['^(?:packages/[^/]+|examples)/(?:\\.out-|\\.snippets)', '^(?:packages/[^/]+|examples)/dist/.*\\.tsbuildinfo$'] },
    skipAnalysisNotInRules: true,
  },
}
