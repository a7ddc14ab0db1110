/**
 * IP/ICMP translation of bytes: a group's IP header becomes one of the other version, over the same payload (RFC 7915).
 *
 * The group is the innermost one, of a view that was parsed whole. {@link checkTranslation} answers first, and reads only;
 * {@link translationGrowth} says how much room it takes; {@link translateGroup} does it, in place. **The payload stays where it is** and
 * what stands in front of it moves; only an ICMP error with more to rewrite than its headers moves part of what it quotes, and never
 * beyond the end of its datagram.
 *
 * **Addresses are not translated here**: no algorithm of RFC 6052 or table of RFC 7757 is part of the language of
 * transpositions. The new header, and the one of a quoted packet, have both addresses 0 and all checksums agree with that, so
 * that an edit which sets them afterwards is the incremental one it always is. Nor is the TTL decremented, which is an edit of its own.
 * Lengths and checksums of the groups around are the caller's.
 *
 * What is translated and how is in `ip-header.ts` (the table of fields, options, extension headers, fragments), `transport.ts`
 * (checksums), `icmp.ts` (types, pointers, MTU), `icmp-error.ts` (errors, their quotes and extensions), `identification.ts`.
 *
 * Invariants: a refusal comes from the check alone, and has changed nothing; a translation there, back and there gives the same as there alone,
 * with two exceptions: an atomic fragment loses its fragment header on the way back, and a quote in front of an extension may
 * gain padding.
 *
 * Cost: no allocation. Neither the payload nor its length matters, but for UDP without a checksum, ICMP errors, and translation
 * there and back.
 *
 * @see RFC 7915
 */
import type { FrameView } from '../../wire/frame-view.js'
import type { ApplyCode } from '../apply-code.js'
import type { Translation } from '../header-transposition.js'
import { checkOneWay, oneWayGrowth, translateOneWay } from './one-way.js'
import { checkThereAndBack, thereAndBackGrowth, translateThereAndBack } from './there-and-back.js'

export { translatedIcmp } from './icmp.js'

/** Whether group `g`, the innermost, can be translated: `Ok`, `Untranslatable` or `TooLong`. Reads only. */
export const checkTranslation = (view: FrameView, g: number, t: Translation): ApplyCode =>
  t.from === t.to ? checkThereAndBack(view, g, t.from) : checkOneWay(view, g, t.from)

/** Bytes by which the frame grows at its front, negative where it shrinks. The translation was checked. */
export const translationGrowth = (view: FrameView, g: number, t: Translation): number =>
  t.from === t.to ? thereAndBackGrowth(view, g, t.from) : oneWayGrowth(view, g, t.from)

/**
 * Translates group `g` in place and sets `view.start`. The translation was checked, and there is room for its growth in front of the
 * frame. The slots describe the old frame afterwards.
 */
export const translateGroup = (view: FrameView, g: number, t: Translation): void =>
  t.from === t.to ? translateThereAndBack(view, g, t.from) : translateOneWay(view, g, t.from)
