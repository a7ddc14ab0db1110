/** From a walk to a unified flow: decisions become a program, programs need no policy. */
import type { Direction } from '../flow/flow-id.js'
import type { Generation } from '../policy/port-policy.js'
import { samePlace } from '../pipeline/placed-context.js'
import type { Walk } from '../pipeline/walk.js'
import { compile } from '../transposition/program.js'
import { equals } from '../transposition/normal-form.js'
import { sameVerdict } from '../policy/decision.js'
import type { FlowMask } from '../flow/flow-mask.js'
import { WORDS } from '../flow/layout.js'
import type { UnifiedFlow } from '../tables/unified-flow.js'
import type { DropReasons } from './reasons.js'

const NOTHING: FlowMask = { at: new Uint16Array(0), bits: new Uint32Array(0) }

/** The flow that carries out what a walk decided. Its own words are a copy. */
export const compileFlow = (
  walk: Walk, direction: Direction, words: Uint32Array, depth: number, hash: number,
  generation: Generation, nowUs: number, reasons: DropReasons,
): UnifiedFlow => {
  const flow: UnifiedFlow = {
    direction,
    words: words.slice(0, depth * WORDS),
    depth,
    hash,
    mask: NOTHING,
    verdict: walk.verdict,
    transposition: walk.transposition,
    program: compile(walk.transposition),
    contexts: [],
    mirrors: [],
    tallies: [],
    reason: 0,
    by: undefined,
    generation,
    cells: [],
    versions: [],
    lifelines: [],
    peer: undefined,
    createdUs: nowUs,
    lastHitUs: nowUs,
    packets: 0,
    bytes: 0,
    installed: false,
  }
  refresh(flow, walk, words, generation, reasons)
  return flow
}

/** Whether carrying out the flow is carrying out the walk: same verdict, transposition, contexts and mirrors. */
export const sameDecision = (flow: UnifiedFlow, walk: Walk): boolean =>
  sameVerdict(flow.verdict, walk.verdict) &&
  equals(flow.transposition, walk.transposition) &&
  flow.contexts.length === walk.contexts.length &&
  flow.contexts.every((c, i) => samePlace(c, walk.contexts[i]!)) &&
  flow.mirrors.length === walk.mirrors.length &&
  flow.mirrors.every((m, i) => m.port === walk.mirrors[i]!.port && m.transforms === walk.mirrors[i]!.transforms && equals(m.transposition, walk.mirrors[i]!.transposition))

/** Brings what a flow rests on, and whom it counts for, up to date with a walk of a packet with these words and the same decision. */
export const refresh = (flow: UnifiedFlow, walk: Walk, words: Uint32Array, generation: Generation, reasons: DropReasons): void => {
  // The mask may have grown: the decision is about this packet, not about all that were alike under the old mask.
  flow.words.set(words.subarray(0, flow.words.length))
  flow.mask = walk.mask ?? NOTHING
  flow.contexts = walk.contexts
  flow.mirrors = walk.mirrors.map((m) => ({ ...m, program: compile(m.transposition) }))
  flow.tallies = walk.rules.map((r) => r.counters)
  flow.reason = walk.verdict._tag === 'Drop' ? reasons.intern(walk.verdict.reason) : 0
  flow.by = walk.by
  flow.generation = generation
  flow.cells = walk.dependencies.map((d) => d.cell)
  flow.versions = walk.dependencies.map((d) => d.version)
  flow.lifelines = [...walk.pairs, ...walk.newPairs].map((p) => p.pair)
}
