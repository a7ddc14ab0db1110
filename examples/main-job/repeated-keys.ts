/**
 * Properties that a JSON text has twice. `JSON.parse` takes the last and says nothing, so of two VMs of one name the
 * first would vanish.
 */
import { pointer } from './json-pointer.js'

interface Level {
  readonly seen: Set<string> | undefined
  /** The property or the element that is being read. */
  at: string | number
  /** Whether a text that comes now is a property's name. */
  naming: boolean
}

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g

/** JSON pointers to the repetitions in a text that is valid JSON, in the order of the text. @see RFC 8259 §4 */
export const repeatedKeys = (text: string): readonly string[] => {
  const levels: Level[] = []
  const repeated: string[] = []
  for (const [token] of text.matchAll(TOKENS)) {
    const level = levels.at(-1)
    switch (token) {
      case '{': levels.push({ seen: new Set(), at: '', naming: true }); break
      case '[': levels.push({ seen: undefined, at: 0, naming: false }); break
      case '}': case ']': levels.pop(); break
      case ':': if (level !== undefined) level.naming = false; break
      case ',':
        if (level === undefined) break
        if (typeof level.at === 'number') level.at++
        else level.naming = true
        break
      default:
        if (level?.naming !== true || level.seen === undefined) break
        level.at = String(JSON.parse(token))
        if (level.seen.has(level.at)) repeated.push(pointer(...levels.map((l) => l.at)))
        level.seen.add(level.at)
    }
  }
  return repeated
}
