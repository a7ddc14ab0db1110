import type { ApplyReason } from '../drop-reason.js'

/** The results of applying a transposition to a frame or a flow id. Numbers, because the per-packet path returns them. */
export const ApplyCode = {
  /** The transposition was carried out. */
  Ok: 0,
  /** The transposition is the absorbing `Invalid`: a chain whose shapes contradict each other. */
  Invalid: 1,
  /** The frame lacks a header group, or a header or tag in one, that the transposition pops or edits, or its quoted packet is not what it must be. */
  Shape: 2,
  /** The result would have more header groups than `MAX_GROUPS`, or a group more VLAN tags than two. */
  TooDeep: 3,
  /** The pushed headers do not fit between the floor and the frame. */
  NoHeadroom: 4,
  /** A header cannot express the length of what it encloses: more than 65535 bytes. */
  TooLong: 5,
  /** The TTL or hop limit is not greater than what is taken from it. */
  TtlExceeded: 6,
  /** The outer header says that congestion was met, the inner one that its transport cannot be told (RFC 6040 §4.2). */
  CongestionLost: 7,
  /** The packet has no equivalent in the other version of IP (RFC 7915). */
  Untranslatable: 8,
  /** An address is edited that a checksum may cover or not, and nothing tells (`wire/opaque-checksum.ts`). */
  UnknownChecksum: 9,
} as const satisfies Readonly<Record<'Ok' | ApplyReason, number>>
/** One of the results of applying a transposition. */
export type ApplyCode = (typeof ApplyCode)[keyof typeof ApplyCode]

/** Returns the name of an {@link ApplyCode}, as counters and explanations print it. */
export const applyCodeName = <C extends ApplyCode>(code: C): NameOf<C> => NAMES[code] as NameOf<C>

/** A code that is not `Ok` has a name that is a drop reason. */
type NameOf<C extends ApplyCode> = C extends 0 ? 'Ok' : ApplyReason

// Keys come in the order they are written in, which is that of the numbers.
const NAMES = Object.keys(ApplyCode) as (keyof typeof ApplyCode)[]
