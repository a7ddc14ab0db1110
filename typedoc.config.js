/**
 * The reference: every name a published package exports, with an error for one that has no docstring.
 *
 * The pages are the packages' doors, read from `exports`, under the names users import them by.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Converter, ReflectionKind } from 'typedoc'
import { publishedPackages, root } from './scripts/workspace.mjs'

const manifest = dir => JSON.parse(readFileSync(join(root, dir, 'package.json'), 'utf8'))

/** Source file of a door → what users write after `from`. */
const doors = new Map(
  publishedPackages().flatMap(dir => {
    const { name, exports } = manifest(dir)
    return Object.entries(exports)
      .filter(([, target]) => typeof target === 'object')
      .map(([path, { types }]) => [`${dir}/${types.replace('./dist/', '').replace('.d.ts', '.ts')}`, `${name}${path.slice(1)}`])
  }),
)

/** TypeDoc names a module after its file; give it the name of the door. */
const nameDoors = app =>
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    if (!reflection.kindOf(ReflectionKind.Module)) return
    const file = context.getSymbolFromReflection(reflection)?.declarations?.[0]?.getSourceFile().fileName
    const name = file === undefined ? undefined : doors.get(file.slice(root.length + 1))
    if (name !== undefined) reflection.name = name
  })

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'vfp-ts',
  entryPoints: [...doors.keys()],
  tsconfig: 'docs/tsconfig.json',
  // One program over all sources, where a package's name leads to its source: so links between packages work.
  compilerOptions: { paths: Object.fromEntries([...doors].map(([file, name]) => [name, [join(root, file)]])) },
  plugin: [nameDoors],
  out: 'docs/api',
  readme: 'docs/reference.md',
  // Sources are linked beside the pages, not in a hosted repository: so the pages build anywhere.
  disableGit: true,
  sourceLinkTemplate: '../../../packages/{path}#L{line}',
  excludeInternal: true,
  excludePrivate: true,
  // notExported is off: TypeDoc looks only at the root's own package, which exports nothing.
  validation: { notExported: false, invalidLink: true, invalidPath: true, rewrittenLink: true, notDocumented: true, unusedMergeModuleWith: true },
  // A property needs a docstring where its name and type leave something to say, which no tool can tell.
  requiredToBeDocumented: ['Variable', 'Function', 'Class', 'Interface', 'Method', 'Accessor', 'TypeAlias'],
  packagesRequiringDocumentation: publishedPackages().map(dir => manifest(dir).name),
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
}
