/**
 * The slow oracle: a port that does everything the plain way, for law 5.
 *
 * It walks the layers for every packet. In each it parses the *bytes* again, looks through a list of connections,
 * tries every rule, and rewrites the bytes by this layer's transposition alone. It caches nothing, composes nothing and
 * classifies by trying; parsing, one transposition's `apply` and `invert`, and the rules themselves are the engine's, which have
 * laws of their own.
 *
 * What it says about time, connections and fragments is meant as the specification of what the datapath does quickly:
 *
 * - a connection lives while less than its idle time has passed since a packet of it *passed*;
 * - after a change of its layer, the packet that made it is looked at again, once, when the next packet of it comes;
 * - connections begin and are refreshed only if the whole walk lets the packet through; a RST that passes ends
 *   those it belongs to;
 * - a later fragment is decided by its own headers and its first fragment's transport, if that one passed; its own bytes are
 *   what is rewritten and counted.
 */
import type { Clock } from '../clock.js'
import { type Direction, entropyHash, opposite } from '../flow/flow-id.js'
import type { ActionContext } from '../policy/action-context.js'
import { type Decision, proceed } from '../policy/decision.js'
import type { PortIdentity } from '../policy/flow-context.js'
import { ANSWER_ROOM, NO_ANSWER, type Responder } from '../policy/responder.js'
import type { Output, Processed } from '../switch/output.js'
import { ApplyCode, applyCodeName } from '../transposition/apply-code.js'
import { answerToQuoted as answerWords, errorTransposition, makeAnswer, mirroredInQuote, quotes, tellsTheSender } from '../transposition/icmp-error.js'
import type { HeaderTransposition } from '../transposition/header-transposition.js'
import { Frag, L4, Slot, SLOTS } from '../wire/frame-view.js'
import { reasonName } from '../wire/reason.js'
import { answerToQuoted, datagramOf, type Identity, identityOf, mayBegin } from './oracle/identity.js'
import { heldBytes, offsetOf } from './oracle/fragments.js'
import { contextOf, parse, type Parsed, reparse, type SlowFrame, transposed, withoutMark, withTransportOf } from './oracle/slow-frame.js'
import { decidingRule } from './oracle/slow-match.js'
import { isAlive, pairFor, sideOf } from './oracle/slow-pair.js'
import { type SlowLayer, type SlowPair, SlowPolicy, type SlowRule } from './oracle/slow-policy.js'

/** What a slow port shares with the real one. */
export interface SlowPortOptions {
  readonly port: PortIdentity
  readonly clock: Clock
  readonly parseDepth: Readonly<Record<Direction, number>>
  /** The port of a name, for hairpins. */
  readonly find: (name: string) => SlowPort | undefined
  /** Bytes in front of a frame that headers may grow into. */
  readonly headroom: number
  readonly maxHairpins: number
}

/** How often things happened: for tests that make sure of what a run has seen. */
export interface SlowCounts {
  /** Packets that a connection decided, by whether they came in its direction or against it. */
  forward: number
  reverse: number
  begun: number
  expired: number
  reconciledKept: number
  reconciledEnded: number
  reset: number
  laterFragments: number
  hairpins: number
  mirrored: number
  /** ICMP errors about a packet of a connection. */
  related: number
  /** Packets that a responder took. */
  answered: number
}

const FRAGMENT_LIFETIME_US = 30_000_000
const RST = 0x04

type Ending = { readonly _tag: 'Passed' } | { readonly _tag: 'Hairpin'; readonly port: string } | { readonly _tag: 'Dropped'; readonly reason: string; readonly by: SlowRule | undefined }
  | { readonly _tag: 'Reply'; readonly by: Responder }

/** A frame on its way through one port. */
interface Passage {
  /** The frame that is decided on: of a later fragment, what it would be with its first one's transport. */
  judged: SlowFrame
  /** The frame itself. */
  frame: SlowFrame
  readonly direction: Direction
  readonly nowUs: number
  readonly flowHash: number
  readonly used: { readonly layer: SlowLayer; readonly pair: SlowPair }[]
  readonly made: { readonly layer: SlowLayer; readonly pair: SlowPair }[]
  readonly rules: SlowRule[]
  /** To whom the frame is handed, and of those who has yet to take it. */
  handed: readonly string[]
  untaken: readonly string[]
  readonly contexts: { readonly context: ActionContext; readonly length: number }[]
  readonly mirrors: Output[]
  /** Why the frame's own bytes could not be rewritten, though its decision was to pass. */
  refused: string | undefined
}

/** What a layer says of a frame, and by which direction of which connection. */
interface SlowDecision {
  readonly decision: Decision
  readonly rule: SlowRule
  readonly pair: SlowPair | undefined
  readonly side: 'forward' | 'reverse'
}

/** A port that decides on every packet anew. */
export class SlowPort {
  readonly policy: SlowPolicy
  readonly counts: SlowCounts = {
    forward: 0, reverse: 0, begun: 0, expired: 0, reconciledKept: 0, reconciledEnded: 0, reset: 0, laterFragments: 0, hairpins: 0, mirrored: 0, related: 0, answered: 0,
  }
  readonly #options: SlowPortOptions
  readonly #firsts = new Map<string, { readonly frame: SlowFrame; readonly seenUs: number }>()

  constructor(options: SlowPortOptions) {
    this.#options = options
    this.policy = new SlowPolicy(options.port)
  }

  /** Takes one frame through the port and, by hairpins, through others. */
  process(direction: Direction, bytes: Uint8Array): Processed {
    const outputs: Output[] = []
    const dropped = (reason: string, by?: SlowRule): Processed => ({
      outcome: { _tag: 'Dropped', reason, ...(by === undefined ? {} : { by: { port: port.#options.port.name, layer: by.layer, group: by.group, rule: by.id } }) }, outputs,
    })
    let frame = bytes
    let way = direction
    let headroom = this.#options.headroom
    let port: SlowPort = this // eslint-disable-line @typescript-eslint/no-this-alias -- it changes with every hairpin
    let origin: Direction | 'answer' = direction
    for (let hairpins = 0; ; hairpins++) {
      const { ending, left } = port.#pass(way, frame, headroom, outputs)
      if (ending._tag === 'Dropped') return dropped(ending.reason, ending.by)
      frame = left.bytes
      headroom += left.moved
      if (ending._tag === 'Passed') {
        outputs.push({ to: way === 'outbound' ? 'network' : 'vm', why: origin === 'answer' ? 'reply' : 'forward', frame })
        return { outcome: origin === 'answer' ? ANSWERED : { _tag: 'Passed' }, outputs }
      }
      if (ending._tag === 'Reply') {
        port.counts.answered++
        const answer = answerTo(left, ending.by)
        if (answer.length > 0 && origin === 'inbound') {
          if (hairpins === this.#options.maxHairpins) return dropped('HairpinLimit')
          frame = answer
          headroom = this.#options.headroom
          port = this // eslint-disable-line @typescript-eslint/no-this-alias -- answers go back to the port their packet came to
          way = 'outbound'
          origin = 'answer'
          continue
        }
        if (answer.length > 0) outputs.push({ to: 'vm', why: 'reply', frame: answer })
        return { outcome: ANSWERED, outputs }
      }
      port.counts.hairpins++
      if (hairpins === this.#options.maxHairpins) return dropped('HairpinLimit')
      const next = this.#options.find(ending.port)
      if (next === undefined) return dropped('NoSuchPort')
      port = next
      way = 'outbound'
    }
  }

  #pass(direction: Direction, bytes: Uint8Array, headroom: number, outputs: Output[]): { readonly ending: Ending; readonly left: SlowFrame } {
    const parsed = parse(bytes, this.#options.parseDepth[direction])
    const unparsed: SlowFrame = { bytes, depth: 1, moved: 0, standsForLater: false }
    if (typeof parsed === 'number') return { ending: dropFor(reasonName(parsed)), left: unparsed }
    const frame: SlowFrame = { bytes, depth: parsed.depth, moved: 0, standsForLater: false }
    const nowUs = this.#options.clock.nowUs()
    const fragment = parsed.view.slots[(parsed.depth - 1) * SLOTS + Slot.FRAG]!
    const datagram = fragment === Frag.Whole ? '' : `${direction} ${datagramOf(frame)}`
    let judged = frame
    if (fragment === Frag.Later) {
      const first = this.#firsts.get(datagram)
      if (first === undefined || nowUs - first.seenUs >= FRAGMENT_LIFETIME_US) return { ending: dropFor('FragmentWithoutFirst'), left: frame }
      if (offsetOf(frame) < heldBytes(first.frame)) return { ending: dropFor('FragmentOverlap'), left: frame }
      judged = withTransportOf(first.frame, frame)
      this.counts.laterFragments++
    }
    const { words, depth } = reparse(judged)
    const passage: Passage = {
      judged, frame, direction, nowUs, flowHash: entropyHash(words, depth),
      used: [], made: [], rules: [], handed: [], untaken: [], contexts: [], mirrors: [], refused: undefined,
    }
    const ending = this.#judge(passage, bytes.length, headroom, isReset(parsed), outputs)
    if (fragment === Frag.First && ending._tag !== 'Dropped') this.#firsts.set(datagram, { frame, seenUs: nowUs })
    return { ending, left: passage.frame }
  }

  /** Walks the layers, and carries out what follows from it. */
  #judge(passage: Passage, lengthBytes: number, headroom: number, reset: boolean, outputs: Output[]): Ending {
    const ending = this.#walk(passage)
    for (const { decided } of passage.rules) {
      decided.packets++
      decided.bytes += lengthBytes
    }
    if (ending._tag === 'Dropped') return ending
    outputs.push(...passage.mirrors)
    this.counts.mirrored += passage.mirrors.length
    if (passage.refused !== undefined) return dropFor(passage.refused)
    if (headroom + passage.frame.moved < 0) return dropFor('NoHeadroom')
    if (ending._tag === 'Reply' && lengthOfAnswer(passage.frame, ending.by) === NO_ANSWER) return dropFor('NoReply')
    for (const { layer, pair } of passage.made) layer.pairs.push(pair)
    this.counts.begun += passage.made.length
    const connections = [...passage.used, ...passage.made]
    for (const { pair } of connections) pair.lastUsedUs = passage.nowUs
    for (const { context, length } of passage.contexts) context.onPacket(length, passage.nowUs)
    if (reset) {
      for (const { layer, pair } of connections) layer.pairs = layer.pairs.filter((p) => p !== pair)
      this.counts.reset += connections.length
    }
    return ending
  }

  #walk(passage: Passage): Ending {
    const { layers } = this.policy
    for (const layer of passage.direction === 'outbound' ? layers : [...layers].reverse()) {
      const found = this.#decide(layer, passage)
      if (found === undefined) continue
      const { decision, rule, pair } = found
      passage.rules.push(rule)
      if (pair !== undefined) passage.used.push({ layer, pair })
      if (decision.verdict._tag === 'Drop') return dropFor(decision.verdict.reason, rule)
      if (decision.transposition._tag === 'Invalid') return dropFor('InvalidTransposition', rule)
      const before = passage.judged
      const after = judgedBehind(before, decision.transposition)
      if (typeof after === 'number') return dropFor('ShapeMismatch', rule)
      passage.judged = after
      this.#rewrite(passage, decision)
      if (pair === undefined && rule.rule.stateful !== undefined && mayBegin(before)) {
        const made = pairFor({ ...passage, before, after }, rule, rule.rule.stateful.idleUs, decision, layer.version)
        if (layer.pairs.some((p) => isAlive(p, passage.nowUs) && sideOf(p, opposite(passage.direction), made.answer) !== undefined)) {
          return dropFor('ReverseFlowTaken', rule)
        }
        passage.made.push({ layer, pair: made })
      }
      const { handsTo, takes } = rule.rule
      const [taken, given] = found.side === 'reverse' ? [handsTo, takes] : [takes, handsTo]
      passage.handed = [...passage.handed.filter((name) => name !== taken), ...(given === undefined ? [] : [given])]
      passage.untaken = [...passage.untaken.filter((name) => name !== taken), ...(given === undefined || found.side === 'reverse' ? [] : [given])]
      if (decision.verdict._tag === 'Reply') return decision.verdict
      if (decision.verdict._tag === 'Hairpin') return passage.untaken.length > 0 ? dropFor('NotTaken') : decision.verdict
    }
    return passage.untaken.length > 0 ? dropFor('NotTaken') : { _tag: 'Passed' }
  }

  /** The layer's transposition on the frame's own bytes, and what runs beside it. */
  #rewrite(passage: Passage, decision: Decision): void {
    if (passage.refused !== undefined) return
    const after = transposed(passage.frame, decision.transposition)
    if (typeof after === 'number') {
      passage.refused = applyCodeName(after)
      return
    }
    passage.frame = after
    for (const context of decision.contexts) passage.contexts.push({ context, length: after.bytes.length })
    for (const to of decision.mirrors) passage.mirrors.push({ to, why: 'mirror', frame: after.bytes })
  }

  #decide(layer: SlowLayer, passage: Passage): SlowDecision | undefined {
    const { judged, direction, nowUs } = passage
    const related = this.#related(layer, judged, direction, nowUs)
    if (related !== undefined) return related
    const known = this.#connection(layer, direction, identityOf(judged), nowUs)
    if (known !== undefined) {
      const { pair, side } = known
      this.counts[side]++
      return { decision: side === 'forward' ? pair.decision : proceed(pair.reverse), rule: pair.rule, pair, side }
    }
    const packet = reparse(judged)
    const rule = decidingRule(layer.inOrder(direction), packet)
    if (rule === undefined) return undefined
    const decision = rule.running.decide(contextOf(this.#options.port, direction, packet, nowUs, passage))
    const { transposition } = decision
    const mirrored = transposition._tag === 'Transposition' && quotes(packet.words) ? mirroredInQuote(transposition, packet.words, packet.depth) : transposition
    return { decision: { ...decision, transposition: mirrored }, rule, pair: undefined, side: 'forward' }
  }

  /** What the connection of the packet that an ICMP error quotes means for the error. The connection is not used by it, nor kept alive. */
  #related(layer: SlowLayer, judged: SlowFrame, direction: Direction, nowUs: number): SlowDecision | undefined {
    const { words, depth } = reparse(judged)
    if (!quotes(words)) return undefined
    const answer = makeAnswer()
    answerWords(words, depth, answer)
    if (!tellsTheSender(words, answer, depth)) return undefined
    const known = this.#connection(layer, direction, answerToQuoted(judged, words), nowUs)
    if (known === undefined) return undefined
    const { pair, side } = known
    this.counts.related++
    const decision = side === 'forward' ? pair.decision : proceed(pair.reverse)
    const { transposition } = decision
    return {
      decision: { ...decision, transposition: transposition._tag === 'Invalid' ? transposition : errorTransposition(transposition, words, answer, depth) },
      rule: pair.rule,
      pair: undefined,
      side,
    }
  }

  /** The living connection a packet belongs to, if the layer still permits it. */
  #connection(layer: SlowLayer, direction: Direction, identity: Identity, nowUs: number): { readonly pair: SlowPair; readonly side: 'forward' | 'reverse' } | undefined {
    for (const pair of layer.pairs) {
      const side = sideOf(pair, direction, identity)
      if (side === undefined) continue
      const alive = isAlive(pair, nowUs)
      if (!alive) this.counts.expired++
      if (alive && this.#isPermitted(layer, pair, nowUs)) return { pair, side }
      layer.pairs = layer.pairs.filter((p) => p !== pair)
    }
    return undefined
  }

  #isPermitted(layer: SlowLayer, pair: SlowPair, nowUs: number): boolean {
    const changed = pair.checked !== layer.version
    const packet = reparse(pair.initial)
    const rule = decidingRule(layer.inOrder(pair.direction), packet)
    const stateful = rule?.rule.stateful
    const decision = stateful === undefined || rule?.rule.type !== pair.rule.rule.type
      ? undefined
      : rule.running.decide(contextOf(this.#options.port, pair.direction, packet, nowUs, pair))
    if (rule === undefined || stateful === undefined || decision === undefined || decision.verdict._tag === 'Drop') {
      if (changed) this.counts.reconciledEnded++
      return false
    }
    pair.rule = rule
    pair.decision = { ...decision, transposition: pair.decision.transposition }
    pair.idleUs = stateful.idleUs
    pair.checked = layer.version
    if (changed) this.counts.reconciledKept++
    return isAlive(pair, nowUs)
  }
}

/**
 * What a frame is judged by behind a layer. A lost mark of congestion is found when the bytes are rewritten, and drops the packet
 * then; policy is asked as if the mark had not been there.
 */
const judgedBehind = (frame: SlowFrame, t: HeaderTransposition): ReturnType<typeof transposed> => {
  const after = transposed(frame, t)
  return after === ApplyCode.CongestionLost ? transposed(withoutMark(frame), t) : after
}

const isReset = ({ view, depth }: Parsed): boolean => {
  const last = (depth - 1) * SLOTS
  return view.slots[last + Slot.L4_KIND] === L4.Tcp && (view.bytes[view.slots[last + Slot.L4]! + 13]! & RST) !== 0
}

/** What a responder says to a frame; nothing if it took it. */
const answerTo = (frame: SlowFrame, by: Responder): Uint8Array => {
  const out = new Uint8Array(frame.bytes.length + ANSWER_ROOM)
  return out.slice(0, Math.max(0, by.answer(parsedBytes(frame), out, 0, 0)))
}

const lengthOfAnswer = (frame: SlowFrame, by: Responder): number =>
  by.answer(parsedBytes(frame), new Uint8Array(frame.bytes.length + ANSWER_ROOM), 0, 0)

const parsedBytes = ({ bytes, depth }: SlowFrame): Parsed['view'] => {
  const parsed = parse(bytes, depth)
  if (typeof parsed === 'number') throw new Error('a transposition left a frame that does not parse')
  return parsed.view
}

const ANSWERED: Processed['outcome'] = { _tag: 'Answered', reason: 'answered' }

const dropFor = (reason: string, by?: SlowRule): Extract<Ending, { readonly _tag: 'Dropped' }> => ({ _tag: 'Dropped', reason, by })
