/**
 * Transpositions as JSON documents: io-ts codecs of their parts and of the whole.
 *
 * A document has the structure that `transpositionToJson` writes, but may leave out what does and needs nothing: needs, empty lists,
 * a tag's TPID (0x8100), priority and eligibility, a push's DSCP and ECN (copied). In place of the list of needs, `pop` may be the
 * number of groups. A text in the notation is read as well. The parts are put together by `assemble`, hence by the constructors:
 * what no frame could undergo is refused with their reason.
 */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { assemble, type EditParts, type Parts } from '../transposition/assemble.js'
import { CHANGE_KINDS, CHANGE_NAMES, type ChangeKind, QUOTE_NAMES } from '../transposition/change-fields.js'
import { DEFAULT_TTL, type PushSpec } from '../transposition/construct.js'
import type {
  Changes, EcnCombination, EcnValue, HeaderTransposition, Need, TtlValue, TunnelKind, Value, VlanEdit,
} from '../transposition/header-transposition.js'
import { invalid } from '../transposition/normal-form.js'
import { formatHex } from '../transposition/notation.js'
import { toJson, type TranspositionJson } from '../transposition/notation-json.js'
import { parseTransposition } from '../transposition/notation-parse.js'
import { MAX_COMBINATIONS, readHex } from '../transposition/notation-values.js'
import type { VlanTag } from '../wire/vlan.js'
import { renderPath } from '../check/codec-errors.js'
import { choice, integer, strictlyPartial } from '../check/codecs.js'
import { Ip, MacText, PortNumber, Vni } from './codecs.js'
import { type Problems, toldOf } from '../check/problem.js'

const Group = integer(0, 255, 'a group of the original frame')
const Original = strictlyPartial({ original: Group }, {})
const Dscp: t.Type<Value> = t.union([integer(0, 63, 'a DSCP'), Original])
const Ttl: t.Type<TtlValue> = t.union([integer(0, 255, 'a TTL'), strictlyPartial({ original: Group, minus: integer(0, 255) }, {})])
const CodepointOrCopy = t.union([integer(0, 3, 'an ECN codepoint'), Original])

const isCombination = (u: unknown): u is EcnCombination => typeof u === 'object' && u !== null && 'outer' in u && 'inner' in u

/** An ECN value; nesting is bounded, so that no document can exhaust the stack. */
const ecn = (levels: number): t.Type<EcnValue> =>
  new t.Type<EcnValue>(
    'an ECN value',
    (u): u is EcnValue => isCombination(u) || CodepointOrCopy.is(u),
    (u, context) => {
      if (!isCombination(u)) return CodepointOrCopy.validate(u, context)
      if (levels === 0) return t.failure(u, context, `combinations are nested more than ${MAX_COMBINATIONS} deep`)
      return E.map(({ outer, inner }: { outer: EcnValue; inner: EcnValue }): EcnValue => ({ outer, inner }))(
        strictlyPartial({ outer: ecn(levels - 1), inner: ecn(levels - 1) }, {}).validate(u, context))
    },
    (a) => a,
  )

const Ecn = ecn(MAX_COMBINATIONS)
const Combination: t.Type<EcnCombination> = t.refinement(Ecn, isCombination, 'a combination of ECN fields') as t.Type<EcnCombination>

const NUMBERS: { readonly [N in keyof Changes]?: t.Mixed } = {
  srcPort: PortNumber, dstPort: PortNumber, tcpFlags: integer(0, 0x1ff, 'nine TCP flags'), icmpId: integer(0, 0xffff, 'an ICMP identifier'), vni: Vni,
  arpOperation: integer(0, 0xffff, 'an ARP operation'),
}

const KINDS: { readonly [K in Exclude<ChangeKind, 'number'>]: t.Mixed } = {
  mac: MacText, ip: Ip, dscp: Dscp, ecn: Ecn, ttl: Ttl, echo: choice('request', 'reply'),
}

const fields = (names: readonly (keyof Changes)[]): t.Type<Changes, unknown> => {
  const props = Object.fromEntries(names.map((name): [string, t.Mixed] => {
    const kind = CHANGE_KINDS[name]
    return [name, kind === 'number' ? NUMBERS[name] ?? t.unknown : KINDS[kind]]
  }))
  // A property for each name, each with the codec of its field's kind.
  return strictlyPartial({}, props)
}

/** Fields of a group that are set. */
export const ChangesCodec: t.Type<Changes, unknown> = fields(CHANGE_NAMES)

const NeedCodec: t.Type<Need> = strictlyPartial({}, {
  l3: choice('ipv4', 'ipv6', 'ip', 'arp'), l4: choice('ports', 'tcp', 'echo'), tunnel: choice<true | 'vni'>(true, 'vni'), leaf: choice<true>(true),
  udp: choice('vxlan', 'geneve', 'plain', 'none'), tags: choice<1 | 2>(1, 2), hops: integer(0, 255, 'hops'),
})

/** As `codec`, with what is left out filled in. */
const completed = <A, O, B>(codec: t.Type<A, O>, complete: (read: A) => B, back: (b: B) => A): t.Type<B, O> =>
  new t.Type<B, O>(codec.name, (u): u is B => codec.is(u), (u, context) => E.map(complete)(codec.validate(u, context)), (b) => codec.encode(back(b)))

const TagJson = strictlyPartial({
  /** VLAN identifier, 0–4095; 0 is a priority alone. */
  vid: integer(0, 4095, 'a VLAN identifier'),
}, {
  /** EtherType of the tag, 0x8100 or 0x88a8; 0x8100 unless given. */
  tpid: choice(0x8100, 0x88a8),
  /** Priority, 0–7; 0 unless given. */
  pcp: integer(0, 7, 'a priority'),
  /** Whether the frame may be dropped first; `false` unless given. */
  dei: t.boolean,
})

/** A VLAN tag; a customer tag of priority 0 unless said. */
export const Tag: t.Type<VlanTag, t.OutputOf<typeof TagJson>> = completed(
  TagJson, ({ vid, tpid, pcp, dei }): VlanTag => ({ tpid: tpid ?? 0x8100, pcp: pcp ?? 0, dei: dei ?? false, vid }),
  (tag) => tag as t.TypeOf<typeof TagJson>,
)

const Tags = t.readonlyArray(Tag, 'a list of VLAN tags')
const PopTags = choice<0 | 1 | 2 | 'all'>(0, 1, 2, 'all')
const VlansJson = strictlyPartial({}, {
  /** Tags to take off, outermost first: 0, 1, 2, or `all`; 0 unless given. */
  pop: PopTags,
  /** Tags to put on, outermost first; none unless given. */
  push: Tags,
})

/** An edit of VLAN tags. */
export const Vlans: t.Type<VlanEdit, t.OutputOf<typeof VlansJson>> = completed(VlansJson, ({ pop, push }): VlanEdit => ({ pop: pop ?? 0, push: push ?? [] }), (edit) => edit)

/** Bytes as hexadecimal digits. */
export const Hex: t.Type<Uint8Array, string> = new t.Type<Uint8Array, string>(
  'hexadecimal digits',
  (u): u is Uint8Array => u instanceof Uint8Array,
  (u, context) => {
    const bytes = typeof u === 'string' ? readHex(u) : undefined
    return bytes === undefined ? t.failure(u, context, 'expected pairs of hexadecimal digits as text') : t.success(bytes)
  },
  formatHex,
)

/** A tunnel kind. */
export const Tunnel: t.Type<TunnelKind> = choice('vxlan', 'nvgre', 'geneve', 'gre')
const Version = choice<4 | 6>(4, 6)
const Edit: t.Type<EditParts, unknown> = strictlyPartial({}, {
  need: NeedCodec, vlans: Vlans, translate: strictlyPartial({ from: Version, to: Version }, {}), set: ChangesCodec,
})

const PushJson = strictlyPartial(
  { srcIp: Ip, dstIp: Ip, srcMac: MacText, dstMac: MacText },
  { tunnel: Tunnel, vni: Vni, vlans: Tags, srcPort: PortNumber, dstPort: PortNumber, dscp: Dscp, ecn: Ecn, ttl: Ttl, options: Hex },
)

const PushCodec: t.Type<PushSpec, unknown> = new t.Type<PushSpec, unknown>(
  'a group to push',
  (u): u is PushSpec => PushJson.is(u),
  (u, context) => {
    const read = PushJson.validate(u, context)
    if (read._tag === 'Left') return read
    const { vni, srcPort, ...rest } = read.right
    if (rest.tunnel !== 'gre') {
      if (vni === undefined) return t.failure(vni, t.appendContext(context, 'vni', Vni), 'is missing: expected a VNI')
      if (srcPort === undefined) return t.failure(srcPort, t.appendContext(context, 'srcPort', PortNumber), 'is missing: expected a port, the entropy of the flow inside')
    }
    return t.success({ ...rest, ttl: rest.ttl ?? DEFAULT_TTL, vni: vni ?? 0, srcPort: srcPort ?? 0 })
  },
  (push) => PushJson.encode(push),
)

const Needs = t.readonlyArray(NeedCodec, 'a list of needs')
const Pops: t.Type<readonly Need[]> = new t.Type<readonly Need[]>(
  'groups to pop',
  Needs.is,
  (u, context) => (typeof u === 'number' ? E.map((n: number): readonly Need[] => Array.from({ length: n }, () => ({})))(integer(0, 255, 'groups to pop').validate(u, context)) : Needs.validate(u, context)),
  (a) => a,
)

const Quote: t.Type<Exclude<Parts['quote'], undefined>, unknown> = t.union([
  choice('refused'), strictlyPartial({}, { version: Version, set: fields(QUOTE_NAMES) }),
])

/** The parts of a transposition, each right by itself. */
export const PartsCodec: t.Type<Parts, unknown> = strictlyPartial({}, {
  pop: Pops, edit: t.readonlyArray(Edit, 'a list of edits'), push: t.readonlyArray(PushCodec, 'a list of groups to push'), quote: Quote,
  guard: t.readonlyArray(Combination, 'a list of combinations'),
})

const InvalidJson = strictlyPartial({ invalid: t.string }, {})

/** A transposition as JSON or in the notation; written as JSON. */
export const TranspositionCodec: t.Type<HeaderTransposition, TranspositionJson> = new t.Type<HeaderTransposition, TranspositionJson>(
  'a transposition',
  (u): u is HeaderTransposition => typeof u === 'object' && u !== null && '_tag' in u && (u._tag === 'Transposition' || u._tag === 'Invalid'),
  (u, context) => {
    if (typeof u === 'string') {
      const read = parseTransposition(u)
      return read._tag === 'Right' ? t.success(read.right) : t.failure(u, context, `at offset ${read.left.at}: ${read.left.reason}`)
    }
    if (typeof u === 'object' && u !== null && 'invalid' in u) return E.map(({ invalid: reason }: { invalid: string }): HeaderTransposition => invalid(reason))(InvalidJson.validate(u, context))
    const parts = PartsCodec.validate(u, context)
    if (parts._tag === 'Left') return parts
    const made = assemble(parts.right)
    return made._tag === 'Right' ? t.success(made.right) : t.failure(u, contextAt(context, made.left.path, u), made.left.reason)
  },
  toJson,
)

/** A context that leads further into a document. It holds the values on the way: paths are told from branches of codecs by them. */
export const contextAt = (context: t.Context, path: readonly string[], document: unknown): t.Context => {
  let at = context
  let value = document
  for (const key of path) {
    value = typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined
    at = t.appendContext(at, key, t.unknown, value)
  }
  return at
}

/** Why a document is not a transposition. */
export interface BadTransposition extends Problems {
  readonly _tag: 'BadTransposition'
}

/** Reads a transposition from what `transpositionToJson` wrote or somebody else did, or from its text. */
export const transpositionFromJson = (u: unknown): E.Either<BadTransposition, HeaderTransposition> =>
  E.mapLeft((errors: t.Errors): BadTransposition => ({ _tag: 'BadTransposition', ...toldOf(renderPath(errors)) }))(TranspositionCodec.decode(u))
