/** Values as errors show them: on one line, short, whatever the value is. */

/** Characters after which a value is cut. */
const MOST = 60
/** Levels of lists and objects that are shown. */
const DEPTH = 3

/**
 * The value on one line of at most 60 characters and an ellipsis: strings quoted, lists and objects to three levels. It never
 * throws, runs no getter twice and ends for cyclic objects.
 */
export const showValue = (value: unknown): string => {
  try {
    return cut(show(value, DEPTH))
  } catch {
    return 'a value that cannot be read'
  }
}

const show = (value: unknown, depth: number): string => {
  switch (typeof value) {
    case 'string': return value.length > MOST ? JSON.stringify(value.slice(0, MOST)) : JSON.stringify(value)
    case 'number': return Object.is(value, -0) ? '-0' : String(value)
    case 'bigint': return value > MOST_BIGINT || value < -MOST_BIGINT ? 'a large bigint' : `${value}n`
    case 'function': return value.name === '' ? 'a function' : `the function ${value.name}`
    case 'object': return value === null ? 'null' : showObject(value, depth)
    default: return String(value)
  }
}

/** Beyond this, a bigint is not written out: that takes quadratic time. */
const MOST_BIGINT = 10n ** 40n

const showObject = (value: object, depth: number): string => {
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`
  if (Array.isArray(value)) return depth === 0 ? '[…]' : `[${joined(value.length, (i) => show(value[i], depth - 1))}]`
  const keys = Object.keys(value)
  if (keys.length === 0) return '{}'
  return depth === 0 ? '{…}' : `{${joined(keys.length, (i) => { const key = keys[i] ?? ''; return `${JSON.stringify(key)}: ${show(Reflect.get(value, key), depth - 1)}` })}}`
}

/** The parts with commas between them; no more of them than can be shown. */
const joined = (count: number, part: (i: number) => string): string => {
  let text = ''
  for (let i = 0; i < count && text.length <= MOST; i++) text += `${i === 0 ? '' : ', '}${part(i)}`
  return text
}

const cut = (text: string): string => (text.length > MOST ? `${text.slice(0, MOST)}…` : text)
