/**
 * What makes the reference and the pages one site: TypeDoc plugins for the names of doors, the titles and groups of pages, the categories of
 * names, and the text of `_tag` members.
 *
 * A page's title is its first heading and its group follows from its folder, so pages need no front matter. A name's category follows from the
 * folder of its source, which is where a reader of the code looks for it too.
 */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Comment, CommentTag, Converter, ReflectionKind } from 'typedoc'
import { doorsOf, publishedPackages, root } from './workspace.mjs'

const manifest = dir => JSON.parse(readFileSync(join(root, dir, 'package.json'), 'utf8'))

/** Source file of each door → what users write after `from`. */
export const doors = new Map(
  publishedPackages().flatMap(dir =>
    doorsOf(dir)
      .filter(({ types }) => types !== undefined)
      .map(({ types, name }) => [`${dir}/${types.replace('./dist/', '').replace('.d.ts', '.ts')}`, name]),
  ),
)

/** Names of the packages that are published. */
export const packageNames = publishedPackages().map(dir => manifest(dir).name)

/** Pages of the site, in the order in which their groups are shown. */
export const pages = ['docs/guides/*.md', 'docs/layers/*.md', 'docs/paper.md', 'docs/paper/*.md', 'ARCHITECTURE.md', 'GLOSSARY.md', 'CONTRIBUTING.md', 'examples/README.md']

const groupOfPage = [
  [/^docs\/guides\//, 'Guides'],
  [/^docs\/layers\//, 'Layers'],
  [/^docs\/paper/, 'The paper'],
  [/./, 'Project'],
]

/** Categories of the names of core, by the folder of their source. */
const categoryOfSource = [
  [/\/core\/src\/(switch|datapath)\//, 'Switch and ports'],
  [/\/core\/src\/policy\/(rule|rule-types|data-rule-type|rule-type-[a-z]+|decision|flow-context|action-context|responder|rules-layer|layer|group|port-policy)\.ts$/, 'Policy: layers and rules'],
  [/\/core\/src\/check\//, 'Policy: conditions and codecs'],
  [/\/core\/src\/policy\/(condition|condition-codec|match-text|codecs|codec-errors|policy-error|embedded-ipv4)\.ts$/, 'Policy: conditions and codecs'],
  [/\/core\/src\/policy\//, 'Policy: resources'],
  [/\/core\/src\/(pipeline|classify|tables)\//, 'Explanations'],
  [/\/core\/src\/transposition\//, 'Header transpositions'],
  [/\/core\/src\/flow\//, 'Flows'],
  [/\/core\/src\/wire\//, 'Frames and wire formats'],
  [/\/core\/src\/[a-z-]+\.ts$/, 'Time and errors'],
]

/** Categories in the order in which a newcomer meets them. */
export const categoryOrder = [
  'Switch and ports', 'Policy: layers and rules', 'Policy: conditions and codecs', 'Policy: resources', 'Header transpositions', 'Explanations',
  'Frames and wire formats', 'Flows', 'Time and errors', '*',
]

/** TypeDoc names a module after its file; give it the name of the door. */
export const nameDoors = app =>
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    if (!reflection.kindOf(ReflectionKind.Module)) return
    const file = context.getSymbolFromReflection(reflection)?.declarations?.[0]?.getSourceFile().fileName
    const name = file === undefined ? undefined : doors.get(relative(root, file))
    if (name !== undefined) reflection.name = name
  })

/** Gives a page its first heading as its title, and a group. */
export const namePages = app =>
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, page) => {
    const [first] = page.content
    const heading = first?.kind === 'text' ? /^# (.+)\n/.exec(first.text) : null
    if (heading === null) return
    page.name = heading[1].replaceAll(/[`*]/g, '')
    const file = page.project.files.getReflectionPath(page) ?? ''
    page.frontmatter.group ??= groupOfPage.find(([folder]) => folder.test(relative(root, file)))[1]
  })

/** Gives each name of core's main door a category. */
export const sortNames = app =>
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, context => {
    for (const door of context.project.getChildrenByKind(ReflectionKind.Module).filter(({ name }) => name === '@vfp-ts/core')) {
      for (const child of door.children ?? []) {
        const file = `/${child.sources?.[0]?.fullFileName ?? ''}`
        const category = categoryOfSource.find(([folder]) => folder.test(file))?.[1]
        if (category !== undefined) categorise(child, category)
      }
    }
  })

/** A drop reason's value is the sentence that says what it means. */
function reasonText(member) {
  const value = member.type?.type === 'literal' ? member.type.value : undefined
  return member.sources?.some(({ fullFileName }) => fullFileName.endsWith('/core/src/drop-reason.ts')) && typeof value === 'string' ? value : undefined
}

/** The tag stands where the comment is: a function's comments are its signatures'. */
function categorise(reflection, category) {
  const tag = new CommentTag('@category', [{ kind: 'text', text: category }])
  const commented = reflection.comment === undefined ? reflection.signatures?.find(({ comment }) => comment !== undefined) ?? reflection : reflection
  commented.comment ??= new Comment()
  commented.comment.blockTags.push(tag)
}

/** Documents each `_tag` member that has no comment of its own: its meaning is the same in every union. */
export const documentTags = app =>
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, context => {
    for (const member of context.project.getReflectionsByKind(ReflectionKind.Property)) {
      if (member.comment !== undefined) continue
      const text = member.name === '_tag' ? 'Tells the variants of the union apart.' : reasonText(member)
      if (text !== undefined) member.comment = new Comment([{ kind: 'text', text }])
    }
  })
