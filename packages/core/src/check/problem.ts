/** What is wrong with something that was given to the library, as data. */

/** One fault in options or in a policy. */
export interface Problem {
  /** Where: a JSON pointer into what was given, as `/outbound/0/allow/dstPort`; the empty text is all of it. @see RFC 6901 §3 */
  readonly path: string
  /** Why, in words. */
  readonly reason: string
  /** The wrong value on one line of some 60 characters, strings quoted; not there where something is missing or only its name is wrong. */
  readonly value?: string
}

/** Faults that one error tells: the first twenty of them, and how many there are beside those. */
export interface Problems {
  /** At least one, at most 20. */
  readonly problems: readonly Problem[]
  /** Problems beyond those listed; not there if there are none. */
  readonly more?: number
}

/** Problems that an error tells in full. */
export const MOST_PROBLEMS = 20

/** The first problems, and the number of the rest. */
export const toldOf = (problems: readonly Problem[]): Problems =>
  problems.length <= MOST_PROBLEMS ? { problems } : { problems: problems.slice(0, MOST_PROBLEMS), more: problems.length - MOST_PROBLEMS }
