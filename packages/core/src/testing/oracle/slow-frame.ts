/**
 * A frame as the slow oracle has it: bytes, and how many header groups of them are looked at. Each layer gets new bytes
 * and parses them again; nothing is carried over from layer to layer but the bytes themselves.
 */
import { none, type Option, some } from 'fp-ts/lib/Option.js'
import { isPresent, readMac, readNumber, type FieldRef, resolveField, type ResolvedField } from '../../flow/field.js'
import { type Direction, extractFlow, makeUfid } from '../../flow/flow-id.js'
import { WORDS } from '../../flow/layout.js'
import type { FlowContext, PortIdentity } from '../../policy/flow-context.js'
import type { Resource } from '../../policy/resource.js'
import { apply } from '../../transposition/apply.js'
import { ApplyCode } from '../../transposition/apply-code.js'
import type { HeaderTransposition } from '../../transposition/header-transposition.js'
import { compile } from '../../transposition/program.js'
import { type IpAddress, ipv4, ipv6, type Mac } from '../../wire/address.js'
import { type FrameView, L3, makeFrameView } from '../../wire/frame-view.js'
import { parseFrame } from '../../wire/parse.js'
import { Reason } from '../../wire/reason.js'

/** Some bytes of a frame and the most header groups that are looked at. */
export interface SlowFrame {
  readonly bytes: Uint8Array
  /** Groups of the frame as it is: what a parse with this limit finds. */
  readonly depth: number
  /** Bytes by which the frame's start has moved forward since it entered its port; negative when it has grown. */
  readonly moved: number
}

/** A parsed frame: offsets and flow id. */
export interface Parsed {
  readonly view: FrameView
  readonly words: Uint32Array
  readonly depth: number
}

/** Parses a frame with at most `maxGroups` groups. */
export const parse = (bytes: Uint8Array, maxGroups: number): Parsed | Exclude<Reason, 0> => {
  const view = makeFrameView()
  const reason = parseFrame(view, bytes, 0, bytes.length, maxGroups)
  if (reason !== Reason.Ok) return reason
  const words = makeUfid()
  extractFlow(view, words)
  return { view, words, depth: view.depth }
}

/** Parses a frame that parsed before it was changed. */
export const reparse = (frame: SlowFrame): Parsed => {
  const parsed = parse(frame.bytes, frame.depth)
  if (typeof parsed === 'number' || parsed.depth !== frame.depth) throw new Error('a transposition left a frame that does not parse as it should')
  return parsed
}

/** More room than any transposition needs: what the engine has is checked once, at the end. */
const ROOM = 512

/** One layer's transposition on the bytes, alone; or why it does not go. */
export const transposed = (frame: SlowFrame, t: HeaderTransposition): SlowFrame | Exclude<ApplyCode, 0> => {
  const bytes = new Uint8Array(ROOM + frame.bytes.length)
  bytes.set(frame.bytes, ROOM)
  const view = makeFrameView()
  parseFrame(view, bytes, ROOM, bytes.length, frame.depth)
  const code = apply(compile(t), view, 0)
  if (code !== ApplyCode.Ok) return code
  const depth = t._tag === 'Invalid' ? frame.depth : frame.depth - t.pop.length + t.push.length
  return { bytes: view.bytes.slice(view.start, view.end), depth, moved: frame.moved + view.start - ROOM }
}

/** What a rule is told of a frame; it notes nothing. */
export const contextOf = (port: PortIdentity, direction: Direction, parsed: Parsed, nowUs: number, flowHash: number): FlowContext => {
  const { words, depth } = parsed
  const at = (ref: FieldRef, kind: 'number' | 'mac' | 'ip'): ResolvedField | undefined => {
    const resolved = resolveField(ref)
    return resolved?.field.kind === kind && isPresent(resolved.field.presence, words, resolved.group, depth) ? resolved : undefined
  }
  return {
    port, direction, nowUs, depth, flowHash,
    number: (ref): number | undefined => {
      const place = at(ref, 'number')
      return place === undefined ? undefined : readNumber(place.field, words, place.group)
    },
    mac: (ref): Mac | undefined => {
      const place = at(ref, 'mac')
      return place === undefined ? undefined : readMac(place.field, words, place.group)
    },
    ip: (ref): IpAddress | undefined => {
      const place = at(ref, 'ip')
      return place === undefined ? undefined : addressAt(words, place)
    },
    lookup: <K, V>(resource: Resource<K, V>, key: K): Option<V> => {
      const answer = resource.lookup(key)
      return answer._tag === 'Found' ? some(answer.value) : none
    },
  }
}

/** The address in an IP field. */
export const addressAt = (words: Uint32Array, { field, group }: ResolvedField): IpAddress => {
  const w = group * WORDS + field.word
  return (words[group * WORDS]! & 0xf) === L3.Ipv6 ? ipv6(words[w]!, words[w + 1]!, words[w + 2]!, words[w + 3]!) : ipv4(words[w + 3]!)
}
