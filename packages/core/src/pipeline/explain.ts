/**
 * Explanations: a walk in words and as data.
 *
 * Made by listening to an ordinary walk, so what is told is what happens; nothing is cached, counted or committed.
 *
 * @see VFP §8.4
 */
import type { BuiltInDropReason } from '../drop-reason.js'
import { type FlowGroup, flowToJson, formatFlow } from '../flow/format-flow.js'
import type { Direction } from '../flow/flow-id.js'
import { formatCondition } from '../policy/match-text.js'
import { formatVerdict, type Verdict } from '../policy/decision.js'
import { quotes } from '../transposition/icmp-error.js'
import { format } from '../transposition/notation.js'
import type { CompiledPort, CompiledRule } from './compiled-port.js'
import { failing, type PassedOver, passedOver } from './passed-over.js'
import type { Source } from './trace.js'
import type { Walk, Walker } from './walk.js'

/** What happened in one group of a layer. */
export interface ExplainedGroup {
  /** Name of the group, unique in its layer and direction. */
  readonly group: string
  /** `matched`, or `searched` without a match, or `skipped` because its own conditions do not hold. */
  readonly outcome: 'matched' | 'searched' | 'skipped'
  /** Its conditions in words, where it has some. */
  readonly when: string
  /** Id of the rule that matched; absent where none did. */
  readonly rule?: string
  /** The rule's conditions in words. */
  readonly ruleWhen?: string
  /** Whether the rule that matched ends the search in its layer. */
  readonly terminating?: boolean
  /** Why the group was skipped, in words. */
  readonly because?: string
  /** Rules that did not match, and why: those better than the one that matched; in a longest-prefix group, all. */
  readonly passedOver: PassedOver
}

/** What happened in one layer. */
export interface ExplainedLayer {
  /** Name of the layer on its port. */
  readonly layer: string
  /** The packet as the layer saw it, in words. */
  readonly before: string
  /** The packet as the layer saw it, as data: its header groups, outermost first. */
  readonly beforeGroups: readonly FlowGroup[]
  /** Groups of this direction in the order they were walked; none where a connection decided. */
  readonly groups: readonly ExplainedGroup[]
  /** How the decision was found, in words. */
  readonly decidedBy: string
  /** `continue`, `drop Reason`, `hairpin to port`, `reply by responder`, or `pending on resource key`. */
  readonly verdict: string
  /** What the layer did to the headers, in the notation of transpositions; `identity` where nothing. */
  readonly transposition: string
  /** Labels of the action contexts that run for the packet. */
  readonly contexts: readonly string[]
  /** Names of the ports that get a copy of the packet as the layer left it. */
  readonly mirrors: readonly string[]
  /** The packet as the layer left it, in words. */
  readonly after: string
  /** The packet as the layer left it, as data: its header groups, outermost first. */
  readonly afterGroups: readonly FlowGroup[]
}

/** The whole way of a packet. `String()` of it is the readable form; its own properties are the JSON form. */
export interface Explanation {
  /** Direction in which the packet went through the port. */
  readonly direction: Direction
  /** The packet as it came in, in words; `not parsed` if it could not be read. */
  readonly before: string
  /** What each layer did, in the order they were walked; layers behind the one that decided are absent. */
  readonly layers: readonly ExplainedLayer[]
  /** `continue`, `drop Reason`, `hairpin to port`, `reply by responder`, or `pending on resource key`. */
  readonly verdict: string
  /** The rule that the verdict is of; absent where it is `continue`, and where no rule alone decided. */
  readonly by?: {
    /** Name of the rule's layer. */
    readonly layer: string
    /** Name of its group. */
    readonly group: string
    /** Its id in the group. */
    readonly rule: string
  }
  /** Keys that resources do not know about yet, each behind its resource's name. The verdict says whether the packet waits. */
  readonly unknown: readonly string[]
  /** Composition of all layers' transpositions. */
  readonly transposition: string
  /** The packet as it would leave, in words; `nothing` if it is dropped. */
  readonly after: string
  /** Whether later packets of the flow are decided by this decision, without a walk. If not, `notCached` has the reason. */
  readonly cacheable: boolean
  /** Why later packets of the flow are walked, too, in words; empty where they are not. */
  readonly notCached: string
  /** The readable form, some lines a layer. */
  readonly toString: () => string
}

/** The explanation of a frame no layer ever saw. */
export const unexplained = (direction: Direction, reason: BuiltInDropReason): Explanation =>
  readable({ direction, before: 'not parsed', layers: [], verdict: `drop ${reason}`, unknown: [], transposition: 'identity', after: 'not parsed', cacheable: false, notCached: 'nothing was parsed' })

/** A packet's metadata, and when it comes. */
export interface Explained {
  readonly direction: Direction
  readonly words: Uint32Array
  readonly depth: number
  readonly nowUs: number
}

/** What an explanation needs of the caller, which has the frame. */
export interface Explaining {
  /** Takes back what rules took on the way. */
  readonly letGo: (holds: Walk['holds']) => void
  /** Why the frame's bytes would not take what a walk decided; empty if they would. */
  readonly refusal: (walk: Walk) => BuiltInDropReason | ''
}

/** Walks a packet's metadata and tells how it came out. */
export const explain = (walker: Walker, port: CompiledPort, { direction, words, depth, nowUs }: Explained, { letGo, refusal }: Explaining): Explanation => {
  const layers: ExplainedLayer[] = []
  let groups: ExplainedGroup[] = []
  let before = ''
  let beforeGroups: readonly FlowGroup[] = []
  let seen = words
  let seenDepth = depth
  const walk: Walk = walker.walk(port, direction, words, depth, nowUs, {
    begin: () => undefined,
    enterLayer: (_layer, w, d) => {
      groups = []
      seen = w
      seenDepth = d
      before = formatFlow(w, d)
      beforeGroups = flowToJson(w, d)
    },
    group: (group, entered, rule) => {
      const when = (group.source.group.when ?? []).map(formatCondition).join(' and ')
      groups.push({
        group: group.name,
        outcome: !entered ? 'skipped' : rule === undefined ? 'searched' : 'matched',
        when,
        ...(entered ? {} : { because: failing(group.source.group.when ?? [], seen, seenDepth) ?? when }),
        passedOver: entered ? passedOver(group, rule, seen, seenDepth) : NONE,
        ...(rule === undefined ? {} : { rule: rule.id, ruleWhen: whenOf(rule), terminating: rule.inForce.rule.terminating }),
      })
    },
    leaveLayer: (source, decision, w, d) => {
      const layer = layersOf(port, direction)[layers.length]!
      layers.push({
        layer: layer.name,
        before,
        beforeGroups,
        groups,
        decidedBy: decidedBy(source),
        verdict: decision === undefined ? 'continue' : formatVerdict(decision.verdict),
        transposition: decision === undefined ? 'identity' : format(decision.transposition),
        contexts: decision?.contexts.map((c) => c.label) ?? [],
        mirrors: decision?.mirrors ?? [],
        after: formatFlow(w, d),
        afterGroups: flowToJson(w, d),
      })
    },
  })
  letGo([...walk.holds, ...walk.stray])
  const refused = walk.verdict._tag === 'Drop' || walk.verdict._tag === 'Pending' ? '' : refusal(walk)
  const verdict: Verdict = refused === '' ? walk.verdict : { _tag: 'Drop', reason: refused }
  return readable({
    direction,
    before: formatFlow(words, depth),
    layers,
    verdict: formatVerdict(verdict),
    ...(walk.by === undefined || refused !== '' ? {} : { by: { layer: walk.by.layer, group: walk.by.group, rule: walk.by.id } }),
    unknown: walk.misses.map((m) => `${m.resource.name} ${m.keyText}`),
    transposition: format(walk.transposition),
    after: droppedOr(verdict, formatFlow(walk.after, walk.afterDepth)),
    cacheable: walk.mask !== undefined,
    notCached: notCached(walk, words),
  })
}

const notCached = ({ mask, verdict }: Walk, words: Uint32Array): string => {
  if (mask !== undefined) return ''
  if (verdict._tag === 'Pending') return 'it is decided anew when the answer comes'
  return quotes(words) ? 'an ICMP error is decided by what it quotes' : 'a rule looked at a field that differs from packet to packet'
}

const decidedBy = (source: Source): string => {
  if (source._tag === 'None') return 'no rule'
  const rule = `rule ${source.rule.group}/${source.rule.id} (${source.rule.inForce.rule.type})`
  switch (source._tag) {
    case 'Rule': return rule
    case 'Pair': return `${source.side} direction of a connection that ${rule} keeps`
    case 'Related': return `ICMP error with the ${source.side} direction of a connection that ${rule} keeps`
  }
}

const NONE: PassedOver = { rules: [], more: 0 }

const droppedOr = (verdict: Verdict, after: string): string =>
  verdict._tag === 'Drop' ? 'nothing' : verdict._tag === 'Pending' ? 'nothing yet' : verdict._tag === 'Reply' ? `an answer to ${after}` : after

const layersOf = (port: CompiledPort, direction: Direction): CompiledPort['layers'] =>
  direction === 'outbound' ? port.layers : port.layers.toReversed()

const whenOf = (rule: CompiledRule): string =>
  rule.conditions.length === 0 ? 'everything' : rule.conditions.map(formatCondition).join(' and ')

const readable = (e: Omit<Explanation, 'toString'>): Explanation =>
  Object.defineProperty({ ...e }, 'toString', { value: () => render(e), enumerable: false })

const render = (e: Omit<Explanation, 'toString'>): string => [
  `${e.direction}: ${e.before}`,
  ...e.layers.flatMap(renderLayer),
  `result: ${e.verdict}`,
  `  composed: ${e.transposition}`,
  `  leaves as: ${e.after}`,
  ...e.unknown.map((key) => `  not known yet: ${key}`),
  ...(e.cacheable ? [] : [`  not cached: ${e.notCached}`]),
].join('\n')

const renderLayer = (l: ExplainedLayer): readonly string[] => [
  `layer ${l.layer}`,
  `  sees: ${l.before}`,
  ...l.groups.flatMap((g) => [`  group ${g.group}: ${renderGroup(g)}`, ...renderPassedOver(g)]),
  `  decided by: ${l.decidedBy}: ${l.verdict}`,
  ...(l.transposition === 'identity' ? [] : [`  transposition: ${l.transposition}`]),
  ...(l.contexts.length === 0 ? [] : [`  contexts: ${l.contexts.join(', ')}`]),
  ...(l.mirrors.length === 0 ? [] : [`  mirrored to: ${l.mirrors.join(', ')}`]),
  ...(l.after === l.before ? [] : [`  leaves as: ${l.after}`]),
]

const renderGroup = (g: ExplainedGroup): string => {
  switch (g.outcome) {
    case 'skipped': return `skipped: ${g.because ?? g.when}`
    case 'searched': return 'no rule matches'
    case 'matched': return `rule ${g.rule ?? ''} matches (${g.ruleWhen ?? ''})${g.terminating === true ? ', terminating' : ''}`
  }
}

const renderPassedOver = ({ passedOver: { rules, more } }: ExplainedGroup): readonly string[] => [
  ...rules.map((r) => `    passed over ${r.rule}: ${r.because}`),
  ...(more === 0 ? [] : [`    passed over ${more} more`]),
]
