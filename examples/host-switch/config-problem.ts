/** What is wrong with a configuration: where in the file, and why. */
import type * as t from 'io-ts'
import { describeError, type PolicyError, type PortError } from '@vfp-ts/core'
import { pointer } from '../main-job/json-pointer.js'

/** One mistake in a configuration. */
export interface ConfigProblem {
  /** A JSON pointer into the file; the whole file is the empty text. @see RFC 6901 §3 */
  readonly path: string
  /** Why, in words. */
  readonly reason: string
}

/** One mistake as a line. */
export const renderProblem = (file: string, { path, reason }: ConfigProblem): string =>
  `${file}${path === '' ? '' : ` ${path}`}: ${reason.replaceAll(/\s*\n\s*/g, ' ')}`

/** Mistakes that codecs without unions and intersections found. */
export const problemsOfCodec = (errors: t.Errors): readonly ConfigProblem[] =>
  errors.map((error) => ({ path: pointer(...error.context.slice(1).map((entry) => entry.key)), reason: reasonOf(error) }))

/** What the switch says of a port or a policy that came from `path`. */
export const problemsOfSwitch = (error: PolicyError | PortError, path: string): readonly ConfigProblem[] => {
  switch (error._tag) {
    case 'BadPolicy': return error.problems.map((problem) => ({ path: `${path}${problem.path}`, reason: problem.reason }))
    // A port's name is no property of it here, but what it is found by.
    case 'BadPort': return [{ path: error.path === '/name' ? path : `${path}${error.path}`, reason: error.reason }]
    default: return [{ path, reason: describeError(error) }]
  }
}

const reasonOf = ({ message, value, context }: t.ValidationError): string => {
  const expected = `expected ${context.at(-1)?.type.name ?? 'something else'}`
  if (value === undefined) return `is missing: ${message ?? expected}`
  return message ?? `${expected}, got ${shown(value)}`
}

const shown = (value: unknown): string =>
  Array.isArray(value) ? 'an array' : typeof value === 'object' && value !== null ? 'an object' : JSON.stringify(value)
