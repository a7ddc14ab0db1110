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
 *   agree in those get the same result.
 *
 * Cost: per layer one lookup in its flow table, then per group one classifier lookup; no work per rule.
 *
 * @see VFP §5.2, §5.4, §6.1.3
 */
import type { Direction } from '../flow/flow-id.js'
import { type FlowMask, maskOf } from '../flow/flow-mask.js'
import { WORDS } from '../flow/layout.js'
import { matchesAll } from '../classify/compiled-condition.js'
import type { ActionContext } from '../policy/action-context.js'
import { type Decision, proceed, type Verdict } from '../policy/decision.js'
import type { PortIdentity } from '../policy/flow-context.js'
import { beginsConnection, type LayerFlowPair } from '../tables/layer-flow-table.js'
import { identity } from '../transposition/construct.js'
import type { HeaderTransposition, Transposition } from '../transposition/header-transposition.js'
import { invert } from '../transposition/invert.js'
import { PUSH4_LENGTH, PUSH6_LENGTH } from '../transposition/program.js'
import type { CompiledLayer, CompiledPort, CompiledRule } from './compiled-port.js'
import { type Dependency, FlowTracker } from './flow-tracker.js'
import type { Source, Trace } from './trace.js'

/** A context, and how the frame's length at its layer follows from the original's. */
export interface PlacedContext {
  readonly context: ActionContext
  /** Outermost groups gone by then. */
  readonly popped: number
  /** Bytes put around by then. */
  readonly pushedBytes: number
}

/** A port that gets a copy, and what the copy looks like. */
export interface PlacedMirror {
  readonly port: string
  readonly transposition: HeaderTransposition
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
  readonly pairs: readonly UsedPair[]
  readonly newPairs: readonly NewPair[]
  readonly dependencies: readonly Dependency[]
  /** Absent when the decision looked at something that differs from packet to packet. */
  readonly mask: FlowMask | undefined
  /** The flow id as the last layer left it. */
  readonly after: Uint32Array
  readonly afterDepth: number
}

/** Walks packets of one port; not re-entrant. */
export class Walker {
  readonly #flow: FlowTracker
  /** A second tracker, for looking again at the flow that made a pair. */
  readonly #initiator: FlowTracker
  /** Pairs that a rehearsal takes to be gone. */
  readonly #passedOver = new Set<LayerFlowPair<CompiledRule>>()

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
    trace?.begin(direction, words, depth)
    const contexts: PlacedContext[] = []
    const mirrors: PlacedMirror[] = []
    const rules: CompiledRule[] = []
    const pairs: UsedPair[] = []
    const newPairs: NewPair[] = []
    const unpaired: Dependency[] = []
    let verdict: Verdict = PASS

    const { layers } = port
    for (let i = 0; i < layers.length && verdict._tag === 'Continue'; i++) {
      const layer = layers[direction === 'outbound' ? i : layers.length - 1 - i]!
      trace?.enterLayer(layer, flow.words, flow.depth)
      const source = this.#find(layer, flow, unpaired, trace)
      if (source._tag === 'None') {
        trace?.leaveLayer(source, undefined, flow.words, flow.depth)
        continue
      }
      const read = flow.dependencies.length
      const decision = source._tag === 'Pair' ? source.decision : source.rule.inForce.running.decide(flow)
      rules.push(source.rule)
      if (source._tag === 'Pair') pairs.push({ layer, pair: source.pair })
      verdict = decision.verdict
      if (verdict._tag !== 'Drop') {
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
          place(decision, transposition, contexts, mirrors)
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

    const dropped = verdict._tag === 'Drop'
    return {
      verdict,
      transposition: dropped ? identity : flow.transposition,
      contexts: dropped ? [] : contexts,
      mirrors: dropped ? [] : mirrors,
      rules,
      pairs,
      newPairs: dropped ? [] : newPairs,
      // Who makes a pair does not depend on there having been none, nor on the way back being free. A dropped packet makes none.
      dependencies: dropped ? [...flow.dependencies, ...unpaired] : flow.dependencies,
      mask: flow.timed ? undefined : maskOf(flow.consulted, words, depth),
      after: flow.words.slice(0, flow.depth * WORDS),
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
    if (pair !== undefined) {
      const today = pair.checked === layer.version && isCurrent(pair) ? pair : this.#reconsider(layer, pair, flow.atUs)
      if (today !== undefined) {
        today.cells.forEach((cell, i) => { flow.dependencies.push({ cell, version: today.versions[i]! }) })
        if (today !== pair && !rehearsal) Object.assign(pair, today)
        const side = pair.direction === flow.direction ? 'forward' : 'reverse'
        return { _tag: 'Pair', rule: today.rule, pair, side, decision: side === 'forward' ? today.decision : proceed(pair.reverse) }
      }
      if (rehearsal) this.#passedOver.add(pair)
      else layer.flows.remove(pair)
    }
    const found = this.#match(layer, flow, trace)
    const cell = layer.flows.absence(flow.direction, flow.words, flow.depth)
    const makesPair = found._tag === 'Rule' && found.rule.inForce.rule.stateful !== undefined && beginsConnection(flow.words, flow.depth)
    const dependencies = makesPair ? unpaired : flow.dependencies
    dependencies.push({ cell, version: cell.version })
    return found
  }

  #match(layer: CompiledLayer, flow: FlowTracker, trace: Trace | undefined): Found {
    const rule = classify(layer, flow, trace)
    return rule === undefined ? { _tag: 'None' } : { _tag: 'Rule', rule }
  }

  /**
   * What a pair is now that its layer or a resource its rule read has changed, or `undefined` if it is not permitted any
   * more. The flow that made it is matched again: a stateful rule of the same type must let it through. The binding stays
   * as it was; contexts and mirrors are today's.
   */
  #reconsider(layer: CompiledLayer, pair: LayerFlowPair<CompiledRule>, nowUs: number): Today | undefined {
    const flow = this.#initiator
    flow.begin(pair.direction, pair.initial, pair.initialDepth, nowUs, pair.flowHash)
    const rule = classify(layer, flow, undefined)
    const stateful = rule?.inForce.rule.stateful
    if (rule === undefined || stateful === undefined || rule.inForce.rule.type !== pair.rule.inForce.rule.type) return undefined
    if (nowUs - pair.lastUsedUs >= stateful.idleUs) return undefined
    const decision = rule.inForce.running.decide(flow)
    if (decision.verdict._tag === 'Drop') return undefined
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
      decision,
      reverse: invert(decision.transposition, initial, flow.depth),
      rule,
      idleUs,
      lastUsedUs: flow.atUs,
      checked: layer.version,
      alive: true,
      ...cellsOf(read),
    }
  }
}

/** What reconsidering a pair may change about it. */
type Today = Pick<LayerFlowPair<CompiledRule>, 'rule' | 'decision' | 'idleUs' | 'checked' | 'cells' | 'versions'>

type Found =
  | Exclude<Source, { _tag: 'Pair' }>
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

const pushedLength = (t: Transposition): number => t.push.reduce((sum, p) => sum + (p.srcIp.version === 4 ? PUSH4_LENGTH : PUSH6_LENGTH), 0)

const place = (decision: Decision, soFar: Transposition, contexts: PlacedContext[], mirrors: PlacedMirror[]): void => {
  if (decision.contexts.length > 0) {
    const popped = soFar.pop.length
    const pushedBytes = pushedLength(soFar)
    for (const context of decision.contexts) contexts.push({ context, popped, pushedBytes })
  }
  for (const port of decision.mirrors) mirrors.push({ port, transposition: soFar })
}

const drop = (reason: string): Verdict => ({ _tag: 'Drop', reason })
const PASS: Verdict = { _tag: 'Continue' }
