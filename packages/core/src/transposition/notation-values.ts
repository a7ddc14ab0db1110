/** Reads the values of the notation of transpositions, each from its own text; `undefined` is a text that is none. */
import type { Either } from 'fp-ts/lib/Either.js'
import { parseIp, parseMac } from '../wire/address.js'
import type { VlanTag } from '../wire/vlan.js'
import { CHANGE_KINDS, ECN_NAMES } from './change-fields.js'
import type { Changes, EcnValue } from './header-transposition.js'

/** The value of a field that is set, or `undefined` if the text is none. Ranges are the constructors' to check. */
export const readField = (name: keyof Changes, text: string): unknown => {
  switch (CHANGE_KINDS[name]) {
    case 'mac': return valueOf(parseMac(text))
    case 'ip': return valueOf(parseIp(text))
    case 'number': return readNumber(text)
    case 'echo': return text === 'request' || text === 'reply' ? text : undefined
    case 'dscp': return readDscp(text)
    case 'ecn': return readEcn(text)
    case 'ttl': return readTtl(text)
  }
}

/** A whole number. */
export const readNumber = (text: string): number | undefined => (/^\d{1,15}$/.test(text) ? Number(text) : undefined)

const readCopy = (text: string, staying: number | undefined): { readonly original: number } | undefined => {
  if (text === 'copy') return staying === undefined ? undefined : { original: staying }
  const group = /^copy\((\d{1,3})\)$/.exec(text)?.[1]
  return group === undefined ? undefined : { original: Number(group) }
}

/** A DSCP; `copy` is that of the group `staying`, where there is one. */
export const readDscp = (text: string, staying?: number): number | { readonly original: number } | undefined => readNumber(text) ?? readCopy(text, staying)

/** A TTL. */
export const readTtl = (text: string): number | { readonly original: number; readonly minus: number } | undefined => {
  const [, group, minus] = /^ttl\((\d{1,3})\)(?:-(\d{1,3}))?$/.exec(text) ?? []
  return group === undefined ? readNumber(text) : { original: Number(group), minus: Number(minus ?? 0) }
}

/** An ECN field; `copy` is that of the group `staying`, where there is one. */
export const readEcn = (text: string, staying?: number): EcnValue | undefined => readNumber(text) ?? readCopy(text, staying) ?? readCombination(text)

const readCombination = (text: string, levels = MAX_COMBINATIONS): EcnValue | undefined => {
  if (levels === 0 || !text.startsWith(COMBINE) || !text.endsWith(')')) return undefined
  const inside = text.slice(COMBINE.length, -1)
  let depth = 0
  for (let i = 0; i < inside.length; i++) {
    if (inside[i] === '(') depth++
    else if (inside[i] === ')') depth--
    else if (inside[i] === ',' && depth === 0) {
      const outer = readOperand(inside.slice(0, i), levels - 1)
      const inner = readOperand(inside.slice(i + 1), levels - 1)
      return outer === undefined || inner === undefined ? undefined : { outer, inner }
    }
  }
  return undefined
}

const COMBINE = 'combine('

/** Deepest nesting of combinations that is read, so that no text can exhaust the stack. */
export const MAX_COMBINATIONS = 64

const readOperand = (text: string, levels: number): EcnValue | undefined => {
  const name = (ECN_NAMES as readonly string[]).indexOf(text)
  if (name >= 0) return name
  return /^\d{1,3}$/.test(text) ? { original: Number(text) } : readCombination(text, levels)
}

/** Bytes from hexadecimal digits. */
export const readHex = (text: string): Uint8Array | undefined =>
  /^([0-9a-f]{2})*$/i.test(text) ? Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)) : undefined

/** A VLAN tag, or why the text is none. */
export const readTag = (text: string): VlanTag | string => {
  const [, tpid, vid, pcp, dei] = /^([0-9a-f]{1,4}):(\d{1,5}):(\d)(:dei)?$/.exec(text) ?? []
  return tpid === undefined ? 'a tag is its TPID, identifier and priority, as 8100:100:3' : { tpid: Number.parseInt(tpid, 16), pcp: Number(pcp), dei: dei !== undefined, vid: Number(vid) }
}

/** Tags with commas between them. */
export const readTags = (text: string): readonly VlanTag[] | undefined => {
  const tags = text.split(',').map(readTag)
  const read = tags.filter((tag) => typeof tag !== 'string')
  return read.length === tags.length ? read : undefined
}

/** What was read, if it could be. */
export const valueOf = <A>(read: Either<unknown, A>): A | undefined => (read._tag === 'Right' ? read.right : undefined)
