/**
 * What a connection's transposition means for an ICMP error about one of its packets.
 *
 * An error travels with the answers of the connection whose packet it quotes, so it belongs where they belong: to the same
 * connection, through the same tunnels. But it is not an answer. Its source is the host or router that met the problem, its destination
 * the packet's sender; it has no ports. The packet it quotes went the **other** way: what an answer has as destination, the
 * quoted packet has as source. So of a transposition made for answers
 *
 * - pops, pushes and edits of the groups around apply as they are, and so do MACs, tags and traffic class of the innermost one;
 * - an address of the error is rewritten where it is the answer's own: the destination as a rule, the source where the error comes
 *   from the other end itself. A router's address is left alone, but for a translation, which has no address for it: there the error
 *   seems to come from the other end;
 * - the quote gets the answer's addresses and ports crosswise.
 *
 * @see RFC 5508 §4.2 (REQ-4, REQ-5), RFC 7915 §4.3
 */
import { Shape, UFID_WORDS, Word, WORDS } from '../flow/layout.js'
import { reverseFlow } from '../flow/flow-id.js'
import { L4, QUOTE } from '../wire/frame-view.js'
import type { Changes, Edit, HeaderTransposition, QuoteChanges, Transposition } from './header-transposition.js'
import { invalid, KEEP, makeEdit, makeQuote, transposition } from './normal-form.js'

/** Whether a flow id is that of an ICMP error whose quoted packet can be read. */
export const quotes = (words: Uint32Array): boolean => (words[QUOTE * WORDS] ?? 0) !== 0

/**
 * Writes into `answer` the flow id of an answer to the packet that an error quotes, in the tunnels and with the tags of the error:
 * what the connection knows its packets by. The error's flow id must quote.
 */
export const answerToQuoted = (error: Uint32Array, depth: number, answer: Uint32Array): void => {
  const last = (depth - 1) * WORDS
  const quote = QUOTE * WORDS
  answer.fill(0)
  answer.set(error.subarray(quote, quote + WORDS), last)
  reverseFlow(answer, depth)
  answer.set(error.subarray(0, last))
  answer[last] = (answer[last]! & ~TAGS) | (error[last]! & TAGS)
  answer[last + Word.VLAN] = error[last + Word.VLAN]!
  answer.set(error.subarray(last + Word.MAC_0, last + Word.MAC_2 + 1), last + Word.MAC_0)
}

const TAGS = (Shape.PART_MASK << Shape.VLANS_SHIFT) | (Shape.PART_MASK << Shape.STAGS_SHIFT)

/**
 * Whether an error tells the sender of a packet what became of it: it goes to that sender, and is of a kind that says so. An error to
 * another address would be a way past policy to any host, and a redirect is advice, not news.
 *
 * @see RFC 792; RFC 4443 §3
 */
export const tellsTheSender = (error: Uint32Array, answer: Uint32Array, depth: number): boolean => {
  const last = (depth - 1) * WORDS
  for (let i = Word.DST_IP; i < Word.DST_IP + 4; i++) if (error[last + i] !== answer[last + i]) return false
  const type = error[last + Word.ICMP]! >>> 8
  const codes = ((error[last]! >>> Shape.L4_SHIFT) & Shape.PART_MASK) === L4.Icmp ? CODES[type] : CODES6[type]
  return codes !== undefined && (error[last + Word.ICMP]! & 0xff) < codes
}

/** Codes of unreachable, time exceeded and parameter problem. */
const CODES: Readonly<Record<number, number>> = { 3: 16, 11: 2, 12: 3 }
/** Codes of unreachable, packet too big, time exceeded and parameter problem; of packet too big any (RFC 4443 §3.2: receivers ignore it). */
const CODES6: Readonly<Record<number, number>> = { 1: 9, 2: 256, 3: 2, 4: 11 }

/** An empty flow id for {@link answerToQuoted}. */
export const makeAnswer = (): Uint32Array => new Uint32Array(UFID_WORDS)

/**
 * What `t`, made for packets like `answer`, does to the error: both of `depth` groups. `Invalid` only if `t` is so ill-formed that
 * its parts contradict each other.
 */
export const errorTransposition = (t: Transposition, error: Uint32Array, answer: Uint32Array, depth: number): HeaderTransposition => {
  const at = depth - 1 - t.pop.length
  const innermost = t.edit[at]
  if (innermost === undefined) return t
  const { vlans, translate, set } = innermost
  const made = makeEdit({}, { vlans, translate, set: { ...ownChanges(set), ...addresses(innermost, error, answer, depth) } })
  if (typeof made === 'string') return invalid(made)
  const quote = makeQuote(translate?.from ?? (set.srcIp ?? set.dstIp)?.version, crosswise(set))
  const edit = Array.from({ length: Math.max(at + 1, t.edit.length) }, (_, i) => (i === at ? made : t.edit[i] ?? KEEP))
  return transposition({ pop: t.pop, edit, push: t.push, guard: t.guard, ...(quote !== undefined && { quote }) })
}

/**
 * What `t`, which a rule decided on for the error itself, does to it: that, and where it rewrites an address which the quoted
 * packet has on its other side, there too. A rule that says itself what is to be done with the quote is left alone.
 */
export const mirroredInQuote = (t: Transposition, error: Uint32Array, depth: number): HeaderTransposition => {
  const set = t.edit[depth - 1 - t.pop.length]?.set
  if (typeof t.quote === 'object' || set === undefined) return t
  const last = (depth - 1) * WORDS
  const quote = QUOTE * WORDS
  const srcIp = sameAddress(error, last + Word.DST_IP, quote + Word.SRC_IP) ? set.dstIp : undefined
  const dstIp = sameAddress(error, last + Word.SRC_IP, quote + Word.DST_IP) ? set.srcIp : undefined
  const translate = t.edit[depth - 1 - t.pop.length]?.translate
  // A translated quote has both addresses or none.
  if (translate !== undefined && (srcIp === undefined || dstIp === undefined)) return t
  const edit = makeQuote(translate?.from ?? (srcIp ?? dstIp)?.version, { ...(srcIp !== undefined && { srcIp }), ...(dstIp !== undefined && { dstIp }) })
  return edit === undefined ? t : { ...t, quote: edit }
}

/** Of the changes to an answer's innermost group those that are not about its ends. */
const ownChanges = ({ dstMac, srcMac, dscp, ecn, ttl }: Changes): Changes => ({
  ...(dstMac !== undefined && { dstMac }), ...(srcMac !== undefined && { srcMac }),
  ...(dscp !== undefined && { dscp }), ...(ecn !== undefined && { ecn }), ...(ttl !== undefined && { ttl }),
})

const addresses = ({ translate, set: { srcIp, dstIp } }: Edit, error: Uint32Array, answer: Uint32Array, depth: number): Changes => {
  const last = (depth - 1) * WORDS
  const same = (word: number): boolean => translate !== undefined || [0, 1, 2, 3].every((i) => error[last + word + i] === answer[last + word + i])
  return {
    ...(srcIp !== undefined && same(Word.SRC_IP) && { srcIp }),
    ...(dstIp !== undefined && same(Word.DST_IP) && { dstIp }),
  }
}

/** Changes to an answer as changes to the packet it answers. */
const crosswise = ({ srcIp, dstIp, srcPort, dstPort, icmpId }: Changes): QuoteChanges => ({
  ...(dstIp !== undefined && { srcIp: dstIp }), ...(srcIp !== undefined && { dstIp: srcIp }),
  ...(dstPort !== undefined && { srcPort: dstPort }), ...(srcPort !== undefined && { dstPort: srcPort }),
  ...(icmpId !== undefined && { icmpId }),
})

const sameAddress = (words: Uint32Array, a: number, b: number): boolean => [0, 1, 2, 3].every((i) => words[a + i] === words[b + i])
