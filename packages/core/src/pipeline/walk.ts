/**
 * The slow path: one packet's metadata through the layers.
 *
 * Outbound packets pass the layers from the VM side to the network side, inbound ones in reverse. In each layer the
 * packet either belongs to a connection that a stateful rule made (a pair in the layer's flow table), or its groups
 * are searched and the matching rule decides. The decisions' transpositions are composed as they come and applied
 * to the metadata, so the next layer sees the packet as this one left it; no byte of the frame is touched.
 *
 * Invariants:
 * - the walk itself changes nothing, save that it forgets pairs which policy or time has ended; new pairs are returned and committed by the
 *   caller, and only when the whole walk lets the packet through;
 * - everything the decision depended on is in the result: consulted bits, resource entries, pairs. Two packets that
 *   agree in those get the same result;
 * - a rule that looked a key up which its resource does not know about yet decides nothing, whatever it answered: the walk
 *   ends there as `Pending`, and all it found out on the way but what it misses and holds is void. A rule that asked for the
 *   three answers (`ask`) is taken at its word.
 *
 * Cost: per layer one lookup in its flow table, then per group one classifier lookup; no work per rule.
 *
 * @see VFP §5.2, §5.4, §6.1.3
 */
import type { BuiltInDropReason } from '../drop-reason.js'
import type { Direction } from '../flow/flow-id.js'
import { type FlowMask, maskOf } from '../flow/flow-mask.js'
import { WORDS } from '../flow/layout.js'
import { matchesAll } from '../classify/compiled-condition.js'
import { type Decision, type Hold, proceed, type Verdict } from '../policy/decision.js'
import type { PortIdentity } from '../policy/flow-context.js'
import { beginsConnection, type LayerFlowPair } from '../tables/layer-flow-table.js'
import { identity } from '../transposition/construct.js'
import type { HeaderTransposition, Transposition } from '../transposition/header-transposition.js'
import { answerToQuoted, errorTransposition, makeAnswer, mirroredInQuote, quotes, tellsTheSender } from '../transposition/icmp-error.js'
import { invert } from '../transposition/invert.js'
import type { CompiledLayer, CompiledPort, CompiledRule } from './compiled-port.js'
import { type Dependency, FlowTracker } from './flow-tracker.js'
import type { Miss } from './miss.js'
import { type PlacedContext, placeContexts } from './placed-context.js'
import type { Source, Trace } from './trace.js'

/** A port that gets a copy, and what the copy looks like. */
export interface PlacedMirror {
  readonly port: string
  readonly transposition: HeaderTransposition
  /** Transformations of the payload that have been made by then. */
  readonly transforms: number
}

/** A connection that a stateful rule wants to make. */
export interface NewPair {
  readonly layer: CompiledLayer
  readonly pair: LayerFlowPair<CompiledRule>
  /** The flow id as the layer leaves it. */
  readonly after: Uint32Array
  readonly afterDepth: number
}

/** A pair a decision rests on. */
export interface UsedPair {
  readonly layer: CompiledLayer
  readonly pair: LayerFlowPair<CompiledRule>
}

/** Everything a walk found out. */
export interface Walk {
  readonly verdict: Verdict
  /** Composition of all layers' transpositions up to the one that decided. */
  readonly transposition: HeaderTransposition
  readonly contexts: readonly PlacedContext[]
  readonly mirrors: readonly PlacedMirror[]
  readonly rules: readonly CompiledRule[]
  /** The rule that the verdict is of; absent where the packet goes on, and where no rule alone decided. */
  readonly by: CompiledRule | undefined
  readonly pairs: readonly UsedPair[]
  readonly newPairs: readonly NewPair[]
  readonly dependencies: readonly Dependency[]
  /** Keys that resources did not know about, whether the packet waits for them or goes a default way. */
  readonly misses: readonly Miss[]
  /** The key the packet waits for; present if and only if the verdict is `Pending`. */
  readonly waitsFor: Miss | undefined
  /** What rules took for the flow, whatever the verdict. */
  readonly holds: readonly Hold[]
  /** What rules took when connections were looked at again. Bindings stay, so what is not held already goes back. */
  readonly stray: readonly Hold[]
  /** Absent when the decision looked at something that differs from packet to packet, or is none yet. */
  readonly mask: FlowMask | undefined
  /** The flow id as the last layer left it; with what it quotes, if it does. */
  readonly after: Uint32Array
  readonly afterDepth: number
}

/** Walks packets of one port; not re-entrant. */
export class Walker {
  readonly #flow: FlowTracker
  /** A second tracker, for looking again at the flow that made a pair. */
  readonly #initiator: FlowTracker
  /** The flow id by which the connection of a quoted packet is found. */
  readonly #answer = makeAnswer()
  /** Pairs that a rehearsal takes to be gone. */
  readonly #passedOver = new Set<LayerFlowPair<CompiledRule>>()
  #stray: readonly Hold[] = NO_HOLDS

  constructor(port: PortIdentity) {
    this.#flow = new FlowTracker(port)
    this.#initiator = new FlowTracker(port)
  }

  /**
   * Decides on a packet with these metadata, at this time, under this policy. With a `trace` it is a rehearsal: pairs that
   * policy or time has ended are passed over as if they were gone, but left as they are.
   */
  walk(port: CompiledPort, direction: Direction, words: Uint32Array, depth: number, nowUs: number, trace?: Trace): Walk {
    const flow = this.#flow
    flow.begin(direction, words, depth, nowUs)
    this.#passedOver.clear()
    this.#stray = NO_HOLDS
    trace?.begin(direction, words, depth)
    const contexts: PlacedContext[] = []
    const mirrors: PlacedMirror[] = []
    const rules: CompiledRule[] = []
    const pairs: UsedPair[] = []
    const newPairs: NewPair[] = []
    const unpaired: Dependency[] = []
    const holds: Hold[] = []
    let waitsFor: Miss | undefined
    let verdict: Verdict = PASS
    const quoting = quotes(flow.words)

    const { layers } = port
    for (let i = 0; i < layers.length && verdict._tag === 'Continue'; i++) {
      const layer = layers[direction === 'outbound' ? i : layers.length - 1 - i]!
      trace?.enterLayer(layer, flow.words, flow.depth)
      const source = (quoting ? this.#related(layer, flow, trace) : undefined) ?? this.#find(layer, flow, unpaired, trace)
      if (source._tag === 'None') {
        trace?.leaveLayer(source, undefined, flow.words, flow.depth)
        continue
      }
      const read = flow.dependencies.length
      const decision = source._tag === 'Rule' ? decide(source.rule, flow) : source.decision
      rules.push(source.rule)
      if (source._tag === 'Pair') pairs.push({ layer, pair: source.pair })
      // Those of a pair are the pair's since it was made.
      else if (source._tag === 'Rule' && decision.holds !== undefined) holds.push(...decision.holds)
      verdict = decision.verdict
      if (verdict._tag === 'Pending') waitsFor = flow.overlooked ?? flow.missed
      else if (verdict._tag !== 'Drop') {
        const stateful = source._tag === 'Rule' ? source.rule.inForce.rule.stateful : undefined
        const made = stateful === undefined || !beginsConnection(flow.words, flow.depth)
          ? undefined
          : this.#pairOf(layer, source.rule, decision, stateful.idleUs, flow.dependencies.slice(read))
        const fits = flow.transpose(decision.transposition)
        const { transposition } = flow
        // What does not fit the packet here may contradict an earlier layer as well: the reason is the same, whoever finds it.
        if (decision.transposition._tag === 'Invalid') verdict = drop('InvalidTransposition')
        else if (!fits || transposition._tag === 'Invalid') verdict = drop('ShapeMismatch')
        else {
          place(decision, transposition, words, contexts, mirrors)
          flow.passOn(source.rule.inForce.rule, source._tag === 'Rule' ? 'forward' : source.side)
          if (made !== undefined) {
            const after = flow.words.slice(0, flow.depth * WORDS)
            const holder = layer.flows.holder(direction, after, flow.depth, nowUs)
            if (layer.flows.isFull(nowUs)) {
              verdict = drop('ConnectionLimit')
              // Good for this moment only: the next packet may find room.
              flow.timed = true
            } else if (holder === undefined || this.#passedOver.has(holder)) {
              newPairs.push({ layer, pair: made, after, afterDepth: flow.depth })
              const vacancy = layer.flows.vacancy(direction, after, flow.depth)
              unpaired.push({ cell: vacancy, version: vacancy.version })
            } else {
              verdict = drop('ReverseFlowTaken')
              // The refusal rests on the other connection, and ends with it.
              pairs.push({ layer, pair: holder })
            }
          }
        }
      }
      trace?.leaveLayer(source, { ...decision, verdict }, flow.words, flow.depth)
    }

    const by = verdict._tag === 'Continue' ? undefined : rules.at(-1)
    // Neither out nor into another port: whoever hands a packet over relies on what its taker does to it.
    if ((verdict._tag === 'Continue' || verdict._tag === 'Hairpin') && flow.isUntaken) verdict = NOT_TAKEN

    const dropped = verdict._tag === 'Drop' || verdict._tag === 'Pending'
    return {
      verdict,
      transposition: dropped ? identity : flow.transposition,
      contexts: dropped ? [] : contexts,
      mirrors: dropped ? [] : mirrors,
      rules,
      by: verdict === NOT_TAKEN ? undefined : by,
      pairs,
      newPairs: dropped ? [] : newPairs,
      // Who makes a pair does not depend on there having been none, nor on the way back being free. A dropped packet makes none.
      dependencies: dropped ? [...flow.dependencies, ...unpaired] : flow.dependencies,
      misses: flow.misses,
      waitsFor,
      holds,
      stray: this.#stray.length === 0 ? NO_HOLDS : this.#stray.filter((hold) => !holds.includes(hold)),
      // What an error quotes is compared by no lookup.
      mask: flow.timed || quoting || waitsFor !== undefined ? undefined : maskOf(flow.consulted, words, depth),
      after: quoting ? flow.words.slice() : flow.words.slice(0, flow.depth * WORDS),
      afterDepth: flow.depth,
    }
  }

  #find(layer: CompiledLayer, flow: FlowTracker, unpaired: Dependency[], trace: Trace | undefined): Found {
    if (!layer.stateful && layer.flows.size === 0) return this.#match(layer, flow, trace)
    flow.consultPair()
    const rehearsal = trace !== undefined
    const pair = rehearsal
      ? layer.flows.peek(flow.direction, flow.words, flow.depth, flow.atUs)
      : layer.flows.find(flow.direction, flow.words, flow.depth, flow.atUs)
    const today = pair === undefined ? undefined : this.#today(layer, pair, flow, rehearsal)
    if (pair !== undefined && today !== undefined) {
      today.cells.forEach((cell, i) => { flow.dependencies.push({ cell, version: today.versions[i]! }) })
      const side = pair.direction === flow.direction ? 'forward' : 'reverse'
      return { _tag: 'Pair', rule: today.rule, pair, side, decision: side === 'forward' ? today.decision : proceed(pair.reverse) }
    }
    const found = this.#match(layer, flow, trace)
    const cell = layer.flows.absence(flow.direction, flow.words, flow.depth)
    const makesPair = found._tag === 'Rule' && found.rule.inForce.rule.stateful !== undefined && beginsConnection(flow.words, flow.depth)
    const dependencies = makesPair ? unpaired : flow.dependencies
    dependencies.push({ cell, version: cell.version })
    return found
  }

  /**
   * For an ICMP error, the connection of the packet it quotes and what that means for the error. The error is no packet of the
   * connection and does not keep it alive: neither end has shown itself by it.
   */
  #related(layer: CompiledLayer, flow: FlowTracker, trace: Trace | undefined): Found | undefined {
    if (layer.flows.size === 0) return undefined
    const { direction, words, depth, atUs } = flow
    const answer = this.#answer
    answerToQuoted(words, depth, answer)
    if (!tellsTheSender(words, answer, depth)) return undefined
    const rehearsal = trace !== undefined
    const pair = rehearsal ? layer.flows.peek(direction, answer, depth, atUs) : layer.flows.find(direction, answer, depth, atUs)
    const today = pair === undefined ? undefined : this.#today(layer, pair, flow, rehearsal)
    if (pair === undefined || today === undefined) return undefined
    const side = pair.direction === direction ? 'forward' : 'reverse'
    const decision = side === 'forward' ? today.decision : proceed(pair.reverse)
    const { transposition: t } = decision
    const transposition = t._tag === 'Invalid' ? t : errorTransposition(t, words, answer, depth)
    return { _tag: 'Related', rule: today.rule, side, decision: { ...decision, transposition } }
  }

  /** What a pair is today, brought up to date; `undefined`, and forgotten, if it is not permitted any more. */
  #today(layer: CompiledLayer, pair: LayerFlowPair<CompiledRule>, flow: FlowTracker, rehearsal: boolean): Today | undefined {
    const today = pair.checked === layer.version && isCurrent(pair) ? pair : this.#reconsider(layer, pair, flow)
    if (today !== undefined && today !== pair && !rehearsal) Object.assign(pair, today)
    if (today === undefined && rehearsal) this.#passedOver.add(pair)
    if (today === undefined && !rehearsal) layer.flows.remove(pair)
    return today
  }

  #match(layer: CompiledLayer, flow: FlowTracker, trace: Trace | undefined): Found {
    const rule = classify(layer, flow, trace)
    return rule === undefined ? { _tag: 'None' } : { _tag: 'Rule', rule }
  }

  /**
   * What a pair is now that its layer or a resource its rule read has changed, or `undefined` if it is not permitted any
   * more. The flow that made it is matched again: a stateful rule of the same type must let it through. The binding stays
   * as it was; contexts and mirrors are today's. Where the rule misses a key the pair stays as it is for now, and is looked
   * at again in the next walk: not to know is no refusal.
   */
  #reconsider(layer: CompiledLayer, pair: LayerFlowPair<CompiledRule>, { atUs: nowUs, misses }: FlowTracker): Today | undefined {
    const flow = this.#initiator
    flow.begin(pair.direction, pair.initial, pair.initialDepth, nowUs, pair.flowHash, pair.handed)
    const rule = classify(layer, flow, undefined)
    const stateful = rule?.inForce.rule.stateful
    if (rule === undefined || stateful === undefined || rule.inForce.rule.type !== pair.rule.inForce.rule.type) return undefined
    if (nowUs - pair.lastUsedUs >= stateful.idleUs) return undefined
    const decision = decide(rule, flow)
    misses.push(...flow.misses)
    if (decision.holds !== undefined) this.#stray = [...this.#stray, ...decision.holds]
    if (decision.verdict._tag === 'Drop') return undefined
    if (decision.verdict._tag === 'Pending') return { rule, decision: pair.decision, idleUs: stateful.idleUs, checked: NEVER, ...cellsOf(flow.dependencies) }
    return { rule, decision: { ...decision, transposition: pair.decision.transposition }, idleUs: stateful.idleUs, checked: layer.version, ...cellsOf(flow.dependencies) }
  }

  #pairOf(layer: CompiledLayer, rule: CompiledRule, decision: Decision, idleUs: number, read: readonly Dependency[]): LayerFlowPair<CompiledRule> {
    const flow = this.#flow
    const initial = flow.words.slice(0, flow.depth * WORDS)
    return {
      direction: flow.direction,
      initial,
      initialDepth: flow.depth,
      flowHash: flow.flowHash,
      handed: flow.handedTo,
      decision,
      reverse: invert(decision.transposition, initial, flow.depth),
      rule,
      idleUs,
      lastUsedUs: flow.atUs,
      checked: layer.version,
      alive: true,
      ended: undefined,
      ...cellsOf(read),
    }
  }
}

/** What a rule decides, or that it has to wait: for a key it overlooked to be unknown, or for one it says it waits for. */
const decide = (rule: CompiledRule, flow: FlowTracker): Decision => {
  flow.beginDecision(rule.layer)
  const decision = withQuote(rule.inForce.running.decide(flow), flow)
  if (flow.overlooked === undefined && decision.verdict._tag !== 'Pending') return decision
  const miss = flow.overlooked ?? flow.missed
  if (miss === undefined) return { ...proceed(), verdict: drop('PendingForNothing'), holds: decision.holds ?? [] }
  const verdict: Verdict = { _tag: 'Pending', resource: miss.resource.name, key: miss.keyText }
  return { verdict, transposition: identity, contexts: [], mirrors: [], holds: decision.holds ?? [] }
}

/** The decision on an ICMP error with what it rewrites rewritten in the quoted packet, too. */
const withQuote = (decision: Decision, { words, depth }: FlowTracker): Decision => {
  const { transposition } = decision
  return transposition._tag === 'Invalid' || !quotes(words) ? decision : { ...decision, transposition: mirroredInQuote(transposition, words, depth) }
}

const NO_HOLDS: readonly Hold[] = []

/** No version of a layer's policy. */
const NEVER = -1

/** What reconsidering a pair may change about it. */
type Today = Pick<LayerFlowPair<CompiledRule>, 'rule' | 'decision' | 'idleUs' | 'checked' | 'cells' | 'versions'>

type Found =
  | Extract<Source, { _tag: 'Rule' | 'None' }>
  | (Extract<Source, { _tag: 'Related' }> & { readonly decision: Decision })
  | (Extract<Source, { _tag: 'Pair' }> & { readonly pair: LayerFlowPair<CompiledRule>; readonly decision: Decision })

const cellsOf = (read: readonly Dependency[]): Pick<LayerFlowPair<CompiledRule>, 'cells' | 'versions'> =>
  ({ cells: read.map((d) => d.cell), versions: read.map((d) => d.version) })

/** Whether the resource entries a pair rests on are as they were. */
const isCurrent = ({ cells, versions }: LayerFlowPair<CompiledRule>): boolean => {
  for (let i = 0; i < cells.length; i++) if (cells[i]!.version !== versions[i]) return false
  return true
}

/** The rule of a layer that applies to the flow as it stands: the last group's match, or the first terminating one. */
const classify = (layer: CompiledLayer, flow: FlowTracker, trace: Trace | undefined): CompiledRule | undefined => {
  let decided: CompiledRule | undefined
  const groups = layer[flow.direction]
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i]!
    flow.consult(group.consultsToEnter)
    const entered = matchesAll(group.conditions, flow.words, flow.depth)
    let rule: CompiledRule | undefined
    if (entered) {
      flow.consult(group.consultsToMatch)
      const entry = group.classifier.classifier.lookup(flow.words, flow.depth)
      rule = entry === undefined ? undefined : group.byId.get(entry.id)
    }
    trace?.group(group, entered, rule)
    if (rule === undefined) continue
    decided = rule
    if (rule.inForce.rule.terminating) break
  }
  return decided
}

const place = (decision: Decision, soFar: Transposition, words: Uint32Array, contexts: PlacedContext[], mirrors: PlacedMirror[]): void => {
  contexts.push(...placeContexts(decision.contexts, soFar, words))
  if (decision.mirrors.length === 0) return
  const transforms = contexts.reduce((n, { context }) => (context.transform === undefined ? n : n + 1), 0)
  for (const port of decision.mirrors) mirrors.push({ port, transposition: soFar, transforms })
}

const drop = (reason: BuiltInDropReason): Verdict => ({ _tag: 'Drop', reason })
const PASS: Verdict = { _tag: 'Continue' }
const NOT_TAKEN = drop('NotTaken')
