/** What became of an unfinished frame. Numbers, since the per-packet path returns them. */
export const FinishCode = {
  /** Done. */
  Ok: 0,
  /** The frame cannot be parsed, its headers contradict each other, or there are more of them than can be listed. */
  Unreadable: 1,
  /** Its innermost group has no transport header, or none that can be cut. */
  NoTransport: 2,
  /** It is a fragment: most of what the checksum covers is elsewhere. */
  Fragment: 3,
  /** A TCP segment that opens or aborts a connection, of which there can be only one; a UDP datagram with a surplus area. */
  Uncuttable: 4,
  /** It would make more segments than {@link MAX_SEGMENTS}. */
  TooMany: 5,
  /** Not even one segment fits. */
  TooLong: 6,
  /** The sink wanted no more. */
  Stopped: 7,
  /** Between its headers is one whose meaning is not known, so what a segment must have there is unknown. */
  UnknownTunnel: 8,
} as const
/** What became of an unfinished frame. */
export type FinishCode = (typeof FinishCode)[keyof typeof FinishCode]

/** Returns the name of a {@link FinishCode}, as counters print it. */
export const finishCodeName = (code: FinishCode): keyof typeof FinishCode => NAMES[code]

const NAMES = ['Ok', 'Unreadable', 'NoTransport', 'Fragment', 'Uncuttable', 'TooMany', 'TooLong', 'Stopped', 'UnknownTunnel'] as const

/**
 * Most segments of one frame. Stacks cut 64 KB into fifty, and into not many more than a thousand where a path is as narrow as paths get; a
 * guest that asks for one byte a segment asks for a flood.
 */
export const MAX_SEGMENTS = 2048
