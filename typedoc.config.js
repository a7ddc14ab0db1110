/**
 * The site: every name a published package exports, by the door it is imported from, and all pages of the documentation, with one search.
 * A name without a docstring, and a link that leads nowhere, are errors.
 */
import { join } from 'node:path'
import { categoryOrder, documentTags, doors, namePages, nameDoors, packageNames, pages, sortNames } from './scripts/docs-site.mjs'
import { root } from './scripts/workspace.mjs'

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'vfp-ts',
  entryPoints: [...doors.keys()],
  tsconfig: 'docs/tsconfig.json',
  // One program over all sources, where a package's name leads to its source: so links between packages work.
  compilerOptions: { paths: Object.fromEntries([...doors].map(([file, name]) => [name, [join(root, file)]])) },
  plugin: [nameDoors, namePages, sortNames, documentTags],
  projectDocuments: pages,
  out: 'docs/api',
  readme: 'docs/README.md',
  // Sources are linked beside the pages, not in a hosted repository: so the pages build anywhere.
  disableGit: true,
  sourceLinkTemplate: '../../../packages/{path}#L{line}',
  excludeInternal: true,
  excludePrivate: true,
  searchInComments: true,
  searchInDocuments: true,
  navigation: { includeCategories: true, includeGroups: true, includeFolders: false, compactFolders: true, excludeReferences: true },
  categoryOrder,
  groupOrder: ['Guides', 'Layers', 'The paper', 'Project', 'Modules', '*'],
  // notExported is off: TypeDoc looks only at the root's own package, which exports nothing.
  validation: { notExported: false, invalidLink: true, invalidPath: true, rewrittenLink: true, notDocumented: true, unusedMergeModuleWith: true },
  requiredToBeDocumented: ['Variable', 'Function', 'Class', 'Interface', 'Method', 'Accessor', 'TypeAlias', 'Property', 'EnumMember'],
  packagesRequiringDocumentation: packageNames,
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
}
