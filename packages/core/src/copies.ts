/**
 * Copies of this package, told apart.
 *
 * Two packages of a program can each bring a copy of core, of one version or of two. What one copy makes is not what the other one expects,
 * however alike both look, so what crosses between a program and a switch bears the mark of the copy that made it: layer types, policies,
 * rule types, rules and directories. A switch refuses what bears the mark of another copy, as {@link ForeignCore}. What bears no mark, such as
 * a resource or an environment that a program wrote itself, is taken for what it is.
 *
 * The mark is an enumerable property under a symbol that all copies share, so `{ ...layer, name }` keeps it, and JSON does not show it.
 */
import { VERSION } from './version.js'

/** Something was made with another copy of core than the one that was to use it. Nothing has changed. */
export interface ForeignCore {
  readonly _tag: 'ForeignCore'
  /** What it is, in words: `the layer type acl`. */
  readonly what: string
  /** The copy that made it, as `@vfp-ts/core 0.1.0`. */
  readonly made: string
  /** The copy that was to use it; it ends with `(another copy)` if both have one version. `npm ls @vfp-ts/core` says which packages bring which. */
  readonly here: string
}

/** A copy; the object itself is its identity. */
interface Copy {
  readonly core: string
}

/** The marks' property. Copies of all versions find each other by this name, so it never changes. */
const MADE_BY = Symbol.for('@vfp-ts/core: made by')

const HERE: Copy = { core: `@vfp-ts/core ${VERSION}` }

/** Marks a new object as made by this copy; or, where it was `madeOf` things of another copy, by that one, which its user has to know of. */
export const marked = <T extends object>(thing: T, ...madeOf: readonly unknown[]): T =>
  Object.assign(thing, { [MADE_BY]: madeOf.map(makerOf).find((maker) => maker !== undefined && maker !== HERE) ?? HERE })

/** Returns whether something bears the mark of another copy of core. Codecs of what can be made with core, such as directories, refuse it then. */
export const isForeign = (thing: unknown): boolean => {
  const maker = makerOf(thing)
  return maker !== undefined && maker !== HERE
}

/** The refusal of something that another copy made; `undefined` if it was made by this one, or bears no mark. */
export const foreignCore = (what: string, thing: unknown): ForeignCore | undefined => {
  const maker = makerOf(thing)
  if (maker === undefined || maker === HERE) return undefined
  // The other copy may be of any version, and its mark of any form.
  const made = typeof maker === 'object' && 'core' in maker ? String(maker.core) : 'another @vfp-ts/core'
  return { _tag: 'ForeignCore', what, made, here: made === HERE.core ? `${HERE.core} (another copy)` : HERE.core }
}

/** The values of an object's properties; of nothing else. For policies and configurations, where resources stand. */
export const partsOf = (thing: unknown): readonly unknown[] =>
  typeof thing !== 'object' || thing === null || Array.isArray(thing) || ArrayBuffer.isView(thing) ? [] : Object.values(thing)

const makerOf = (thing: unknown): object | undefined => {
  if ((typeof thing !== 'object' && typeof thing !== 'function') || thing === null) return undefined
  const maker: unknown = Reflect.get(thing, MADE_BY)
  return typeof maker === 'object' && maker !== null ? maker : undefined
}
