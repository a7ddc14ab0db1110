/**
 * Edits of a stack of VLAN tags: some of the outermost go, others come. Two of them are one: what the second pops is first
 * what the first pushed.
 *
 * @see IEEE 802.1Q-2022 §6.9 for stacks of customer and service tags
 */
import type { VlanTag } from '../wire/vlan.js'
import type { VlanEdit } from './header-transposition.js'

/** Tags a group must have for an edit to fit. */
export const tagsNeeded = (edit: VlanEdit | undefined): number => (edit === undefined || edit.pop === 'all' ? 0 : edit.pop)

/** Tags there are behind an edit of a group that has `before`; unknown ones stay. */
export const tagsLeft = (edit: VlanEdit | undefined, before: number): number =>
  edit === undefined ? before : edit.push.length + (edit.pop === 'all' ? 0 : before - edit.pop)

/**
 * How many tags the original must have so that `tags` are there behind an edit; 0 if it makes no difference, -1 if they never
 * are.
 */
export const tagsBefore = (edit: VlanEdit | undefined, tags: number): number => {
  if (edit === undefined) return tags
  const missing = tags - edit.push.length
  if (missing <= 0) return tagsNeeded(edit)
  if (edit.pop === 'all') return -1
  const needed = missing + edit.pop
  return needed > 2 ? -1 : needed
}

/** First `a`, then `b`, which must fit; `undefined` is an edit that does nothing. */
export const composeVlans = (a: VlanEdit | undefined, b: VlanEdit | undefined): VlanEdit | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  if (b.pop === 'all') return b
  const cancelled = Math.min(b.pop, a.push.length)
  const push = [...b.push, ...a.push.slice(cancelled)]
  const rest = b.pop - cancelled
  const pop = a.pop === 'all' || rest === 0 ? a.pop : a.pop + rest > 1 ? 2 : 1
  return pop === 0 && push.length === 0 ? undefined : { pop, push }
}

/** The tags of a stack behind an edit that fits it. */
export const editTags = (tags: readonly VlanTag[], edit: VlanEdit): readonly VlanTag[] =>
  [...edit.push, ...(edit.pop === 'all' ? [] : tags.slice(edit.pop))]

/** Whether two edits do the same to every stack. */
export const sameVlans = (a: VlanEdit | undefined, b: VlanEdit | undefined): boolean =>
  a === undefined || b === undefined ? a === b : a.pop === b.pop && sameTags(a.push, b.push)

/** Whether two lists of tags are the same. */
export const sameTags = (a: readonly VlanTag[], b: readonly VlanTag[]): boolean =>
  a.length === b.length && a.every((tag, i) => sameTag(tag, b[i]))

const sameTag = (a: VlanTag, b: VlanTag | undefined): boolean =>
  b !== undefined && a.tpid === b.tpid && a.pcp === b.pcp && a.dei === b.dei && a.vid === b.vid
