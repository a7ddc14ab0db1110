/**
 * Where in the layers an action context stands: how the length of the frame at its layer follows from the original's.
 *
 * Most of it is the same for every packet of a flow: pushed headers have constant lengths, and a transposition that pops or pushes
 * tags has looked at how many there are. Only a translated IP header is as long as its own options say.
 */
import { Shape, WORDS } from '../flow/layout.js'
import type { ActionContext } from '../policy/action-context.js'
import type { Translation, Transposition } from '../transposition/header-transposition.js'
import { pushLength } from '../transposition/push-template.js'
import { tagsLeft } from '../transposition/vlan-edit.js'
import { VLAN_LENGTH } from '../wire/vlan.js'

/** A group of the original frame whose IP header was exchanged. */
export interface TranslatedGroup {
  readonly group: number
  readonly how: Translation
}

/** A context, and how the frame's length at its layer follows from the original's. */
export interface PlacedContext {
  readonly context: ActionContext
  /** Outermost groups gone by then. */
  readonly popped: number
  /** Bytes of headers and tags put in by then, less those of tags taken out. */
  readonly addedBytes: number
  /** Present where an IP header was exchanged by then: how much longer the new one is, each frame says itself. */
  readonly translated: TranslatedGroup | undefined
}

/** Contexts at the layer that `soFar` leads to, of a flow that entered with these words. */
export const placeContexts = (contexts: readonly ActionContext[], soFar: Transposition, words: Uint32Array): readonly PlacedContext[] => {
  if (contexts.length === 0) return NONE
  const popped = soFar.pop.length
  const addedBytes = addedLength(soFar, words)
  const at = soFar.edit.findIndex((edit) => edit.translate !== undefined)
  const how = soFar.edit[at]?.translate
  const translated = how === undefined ? undefined : { group: popped + at, how }
  return contexts.map((context) => ({ context, popped, addedBytes, translated }))
}

const NONE: readonly PlacedContext[] = []

/** Whether two contexts run in the same place. */
export const samePlace = (a: PlacedContext, b: PlacedContext): boolean =>
  a.context === b.context && a.popped === b.popped && a.addedBytes === b.addedBytes && a.translated?.group === b.translated?.group &&
  a.translated?.how.from === b.translated?.how.from && a.translated?.how.to === b.translated?.how.to

const addedLength = ({ pop, edit, push }: Transposition, words: Uint32Array): number => {
  let bytes = 0
  for (const p of push) bytes += pushLength(p)
  edit.forEach(({ vlans }, e) => {
    if (vlans === undefined) return
    const before = (words[(pop.length + e) * WORDS]! >>> Shape.VLANS_SHIFT) & Shape.PART_MASK
    bytes += VLAN_LENGTH * (tagsLeft(vlans, before) - before)
  })
  return bytes
}
