/**
 * A frame as the slow oracle has it: bytes, and how many header groups of them are looked at. Each layer gets new bytes
 * and parses them again; nothing is carried over from layer to layer but the bytes themselves.
 */
import { none, type Option, some } from 'fp-ts/lib/Option.js'
import { isPresent, readMac, readNumber, type FieldRef, resolveField, type ResolvedField } from '../../flow/field.js'
import { type Direction, extractFlow, makeUfid } from '../../flow/flow-id.js'
import { Shape, WORDS } from '../../flow/layout.js'
import type { FlowContext, PortIdentity } from '../../policy/flow-context.js'
import type { Resource } from '../../policy/resource.js'
import { apply } from '../../transposition/apply.js'
import { ApplyCode } from '../../transposition/apply-code.js'
import { modify } from '../../transposition/construct.js'
import type { HeaderTransposition } from '../../transposition/header-transposition.js'
import { compile } from '../../transposition/program.js'
import { type IpAddress, ipv4, ipv6, type Mac } from '../../wire/address.js'
import { putU16, u16 } from '../../wire/bytes.js'
import { checksum } from '../../wire/checksum.js'
import { Frag, type FrameView, L3, L4, makeFrameView, Slot, SLOTS } from '../../wire/frame-view.js'
import { IPV6_LENGTH } from '../../wire/ipv6.js'
import { parseFrame } from '../../wire/parse.js'
import { Reason } from '../../wire/reason.js'
import { TEST_ENDS } from '../transposition-values.js'

/** Some bytes of a frame and the most header groups that are looked at. */
export interface SlowFrame {
  readonly bytes: Uint8Array
  /** Groups of the frame as it is: what a parse with this limit finds. */
  readonly depth: number
  /** Bytes by which the frame's start has moved forward since it entered its port; negative when it has grown. */
  readonly moved: number
  /** Whether these bytes stand for a later fragment that has been given a transport: see {@link withTransportOf}. */
  readonly standsForLater: boolean
}

/** A parsed frame: offsets and flow id. */
export interface Parsed {
  readonly view: FrameView
  readonly words: Uint32Array
  readonly depth: number
}

/** Parses a frame with at most `maxGroups` groups. */
export const parse = (bytes: Uint8Array, maxGroups: number): Parsed | Exclude<Reason, 0> => {
  const view = makeFrameView([], TEST_ENDS)
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
  if (frame.standsForLater) {
    const w = (parsed.depth - 1) * WORDS
    parsed.words[w] = (parsed.words[w]! & ~(Shape.PART_MASK << Shape.FRAG_SHIFT)) | (Frag.Later << Shape.FRAG_SHIFT)
  }
  return parsed
}

/**
 * What a later fragment is judged by: its own headers down to the network header, and behind them all that its first
 * fragment has. The lengths are made to fit, so this is the one thing that is not the fragment's own.
 */
export const withTransportOf = (first: SlowFrame, later: SlowFrame): SlowFrame => {
  const from = spanOf(first)
  const to = spanOf(later)
  const bytes = new Uint8Array(to.transport + from.end - from.transport)
  bytes.set(later.bytes.subarray(0, to.transport))
  bytes.set(first.bytes.subarray(from.transport, from.end), to.transport)
  const { slots } = to.view
  for (let g = 0; g < later.depth; g++) {
    const ip = slots[g * SLOTS + Slot.L3]!
    const isFour = slots[g * SLOTS + Slot.L3_KIND] === L3.Ipv4
    if (isFour) putU16(bytes, ip + 2, bytes.length - ip)
    else putU16(bytes, ip + 4, bytes.length - ip - IPV6_LENGTH)
    if (g < later.depth - 1 && slots[g * SLOTS + Slot.L4_KIND] === L4.Udp) putU16(bytes, slots[g * SLOTS + Slot.L4]! + 4, bytes.length - slots[g * SLOTS + Slot.L4]!)
    if (isFour) {
      if (g === later.depth - 1) putU16(bytes, ip + 6, (u16(bytes, ip + 6) & 0xc000) | MORE_FRAGMENTS_4)
      putU16(bytes, ip + 10, 0)
      putU16(bytes, ip + 10, checksum(bytes, ip, slots[g * SLOTS + Slot.L4]!))
    }
  }
  const header = slots[(later.depth - 1) * SLOTS + Slot.FRAG_HEADER]!
  if (header > 0) {
    bytes[header] = first.bytes[from.transport - FRAGMENT_HEADER_LENGTH]!
    putU16(bytes, header + 2, MORE_FRAGMENTS_6)
  }
  return { bytes, depth: later.depth, moved: later.moved, standsForLater: true }
}

const MORE_FRAGMENTS_4 = 0x2000
const MORE_FRAGMENTS_6 = 1
const FRAGMENT_HEADER_LENGTH = 8

/** Where what fragments divide lies in a fragment: what follows the IPv4 header or the IPv6 fragment header. */
const spanOf = (frame: SlowFrame): { readonly view: FrameView; readonly transport: number; readonly end: number } => {
  const { view } = reparse(frame)
  const last = (frame.depth - 1) * SLOTS
  const header = view.slots[last + Slot.FRAG_HEADER]!
  return { view, transport: header > 0 ? header + FRAGMENT_HEADER_LENGTH : view.slots[last + Slot.L4]!, end: view.slots[last + Slot.END]! }
}

/** More room than any transposition needs: what the engine has is checked once, at the end. */
const ROOM = 512

/** One layer's transposition on the bytes, alone; or why it does not go. */
export const transposed = (frame: SlowFrame, t: HeaderTransposition): SlowFrame | Exclude<ApplyCode, 0> => {
  const bytes = new Uint8Array(ROOM + frame.bytes.length)
  bytes.set(frame.bytes, ROOM)
  const view = makeFrameView([], TEST_ENDS)
  parseFrame(view, bytes, ROOM, bytes.length, frame.depth)
  const code = apply(compile(t), view, 0)
  if (code !== ApplyCode.Ok) return code
  const depth = t._tag === 'Invalid' ? frame.depth : frame.depth - t.pop.length + t.push.length
  return { bytes: view.bytes.slice(view.start, view.end), depth, moved: frame.moved + view.start - ROOM, standsForLater: frame.standsForLater }
}

/** The frame with the ECN field of its outermost group cleared. */
export const withoutMark = (frame: SlowFrame): SlowFrame => {
  const cleared = transposed(frame, modify({ ecn: 0 }))
  if (typeof cleared === 'number') throw new Error('a field of the outermost group cannot be set')
  return cleared
}

/** What a rule is told beside the packet. */
interface Asked {
  readonly flowHash: number
  readonly handed: readonly string[]
}

/** What a rule is told of a frame; it notes nothing. */
export const contextOf = (port: PortIdentity, direction: Direction, parsed: Parsed, nowUs: number, { flowHash, handed }: Asked): FlowContext => {
  const { words, depth } = parsed
  const at = (ref: FieldRef, kind: 'number' | 'mac' | 'ip'): ResolvedField | undefined => {
    const resolved = resolveField(ref)
    return resolved?.field.kind === kind && isPresent(resolved.field.presence, words, resolved.group, depth) ? resolved : undefined
  }
  return {
    port, direction, nowUs, depth, flowHash,
    handed: (to) => handed.includes(to),
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
    ask: (resource, key) => resource.lookup(key),
    dependsOn: () => undefined,
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
