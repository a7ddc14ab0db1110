/**
 * The explanation of one frame at a port: what its metadata would meet in the layers, and whether its bytes would take what
 * comes of it. Nothing is cached, counted or committed.
 *
 * @see VFP §8.4
 */
import type { Datapath } from '../datapath/datapath.js'
import type { MtuGuard } from '../datapath/mtu.js'
import type { BuiltInDropReason } from '../drop-reason.js'
import { type Direction, makeUfid } from '../flow/flow-id.js'
import { explain, type Explanation, unexplained } from '../pipeline/explain.js'
import type { Walk } from '../pipeline/walk.js'
import { apply } from '../transposition/apply.js'
import { ApplyCode, applyCodeName } from '../transposition/apply-code.js'
import { compile } from '../transposition/program.js'
import { type FrameView, makeFrameView } from '../wire/frame-view.js'
import { parseFrame } from '../wire/parse.js'
import { Reason, reasonName } from '../wire/reason.js'
import type { TunnelEnds } from '../wire/tunnel-ends.js'

/** What `process` would do with a frame now, `headroom` bytes in front of it, where tunnels to `ends` are looked into. */
export const explainFrame = (datapath: Datapath, direction: Direction, frame: Uint8Array, ends: TunnelEnds, nowUs: number, headroom: number): Explanation => {
  const { walker, policy, pending, options } = datapath
  const view = makeFrameView(options.geneveOptions, ends)
  const depth = options.parseDepth[direction]
  const parsed = parseFrame(view, frame, 0, frame.length, depth)
  if (parsed !== Reason.Ok) return unexplained(direction, reasonName(parsed))
  const words = makeUfid()
  const unknown = datapath.identify(direction, view, words, nowUs)
  if (unknown !== '') return unexplained(direction, unknown)
  return explain(walker, policy, { direction, words, depth: view.depth, nowUs }, {
    letGo: (holds) => { pending.holds.letGo(holds) },
    refusal: (walk) => refusal(walk, direction, datapath.mtu, copyOf(frame, headroom, depth, view)),
  })
}

/** Why the bytes of a frame would not take what a walk decided; empty if they would. Some refusals are each packet's own, as a TTL that is used up. */
const refusal = (walk: Walk, direction: Direction, mtu: MtuGuard, view: FrameView): BuiltInDropReason | '' => {
  const program = compile(walk.transposition)
  const leaves = direction === 'outbound' && walk.verdict._tag === 'Continue'
  if (leaves && mtu.isOver({ program, contexts: walk.contexts }, view, 0) && !mtu.isCuttable) return 'PacketTooBig'
  const code = apply(program, view, 0)
  return code === ApplyCode.Ok ? '' : applyCodeName(code)
}

const copyOf = (frame: Uint8Array, headroom: number, depth: number, { knownOptions, ends }: FrameView): FrameView => {
  const bytes = new Uint8Array(headroom + frame.length)
  bytes.set(frame, headroom)
  const view = makeFrameView(knownOptions, ends)
  parseFrame(view, bytes, headroom, bytes.length, depth)
  return view
}
