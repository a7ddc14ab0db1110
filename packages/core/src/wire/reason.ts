import type { ParseReason } from '../drop-reason.js'

/** Reasons why bytes cannot be read as a frame or header, and `Ok`. They are numbers because the per-packet path returns them. */
export const Reason = {
  /** Nothing is wrong. */
  Ok: 0,
  /** A header is cut off by the end of its enclosing data. */
  Truncated: 1,
  /** A length field contradicts the least length of its header, or the data that are there. */
  BadLength: 2,
  /** A checksum that was to be verified does not match. */
  BadChecksum: 3,
  /** A version field names another version than its EtherType promised. */
  BadVersion: 4,
  /** A field holds a value its protocol forbids. */
  BadHeader: 5,
  /** A protocol or a combination of headers is not supported. */
  UnsupportedProtocol: 6,
  /** A Geneve option is critical and not known: the tunnel must not be looked into. */
  UnknownCriticalOption: 7,
} as const satisfies Readonly<Record<'Ok' | ParseReason, number>>
/** One of the {@link Reason} numbers. */
export type Reason = (typeof Reason)[keyof typeof Reason]

/** Returns the name of a {@link Reason}, as tables and errors print it. */
export const reasonName = <R extends Reason>(reason: R): NameOf<R> => NAMES[reason] as NameOf<R>

/** What is known not to be `Ok` is a drop reason by its type. */
type NameOf<R extends Reason> = R extends 0 ? 'Ok' : ParseReason

// Keys come in the order they are written in, which is that of the numbers.
const NAMES = Object.keys(Reason) as (keyof typeof Reason)[]
