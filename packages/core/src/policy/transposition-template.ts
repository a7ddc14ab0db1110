/**
 * Templates of transpositions: the document of a transposition in which values may be computed when a flow comes.
 *
 * A template is read once. Every computed value is cut out and its place remembered; what is left, with samples in the holes,
 * passes the codec of transpositions' parts, which finds whatever is wrong with the document. For a flow the holes are filled with
 * values of the places' own types and the parts put together by `assemble`: no document is read again.
 *
 * A template that no value could make possible, such as an IPv4 source beside an IPv6 destination, is found out by trying:
 * every value that is not known yet stands for a few samples (an address of either version, a port of a tunnel or not), and some
 * combination of them must be possible. Beyond 256 combinations a template is taken to be possible: what then is not drops the packet as
 * `InvalidTransposition`.
 */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import type { DropReason } from '../drop-reason.js'
import { resolveField } from '../flow/field.js'
import { assemble, assembled, type Misfit, type Parts } from '../transposition/assemble.js'
import type { HeaderTransposition } from '../transposition/header-transposition.js'
import { type IpAddress, ipv4, ipv6 } from '../wire/address.js'
import type { TunnelEnd } from '../wire/tunnel-ends.js'
import { UdpPort } from '../wire/udp.js'
import type { TunnelUse } from './tunnel-use.js'
import { type Computed, compute, isComputed, type Names, readValue, type Sources, type TemplateValue } from './template-value.js'
import { contextAt, PartsCodec } from './transposition-codec.js'
import { PLACES, type TypedValue, type ValueType } from './value-type.js'

/** A template, read. */
export interface TranspositionTemplate {
  /** The parts, with samples in the holes. */
  readonly parts: Parts
  readonly holes: readonly Hole[]
}

/** A place that is filled for each flow. */
interface Hole {
  readonly path: readonly string[]
  readonly type: ValueType
  readonly value: TemplateValue
}

/** Reads a template from its document. */
export const readTemplate = (u: unknown, names: Names, context: t.Context): t.Validation<TranspositionTemplate> => {
  const holes: Hole[] = []
  const errors: t.ValidationError[] = []
  const cut = (part: unknown, path: readonly string[], at: t.Context): unknown => {
    if (isComputed(part)) {
      const name = path.at(-1) ?? ''
      const type = Object.hasOwn(PLACES, name) ? PLACES[name as keyof typeof PLACES] : undefined
      if (type === undefined) {
        errors.push({ value: part, context: at, message: 'no computed value can stand here' })
        return part
      }
      const value = readValue(part, type, names, at)
      if (value._tag === 'Left') errors.push(...value.left)
      else holes.push({ path, type, value: value.right })
      return SAMPLE_TEXTS[type.kind]
    }
    if (path.length > MAX_DEPTH) return part
    if (Array.isArray(part)) return part.map((one: unknown, i) => cut(one, [...path, String(i)], t.appendContext(at, String(i), t.unknown, one)))
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([key, one]) => [key, cut(one, [...path, key], t.appendContext(at, key, t.unknown, one))]))
  }
  const solid = cut(u, [], context)
  if (errors.length > 0) return t.failures(errors)
  // The context's last value is told from branches of codecs by being the one that is validated.
  const last = context.at(-1)
  const within = last === undefined ? context : [...context.slice(0, -1), { ...last, actual: solid }]
  return E.map((parts: Parts): TranspositionTemplate => ({ parts, holes }))(PartsCodec.validate(solid, within))
}

/** Levels of a document in which values can stand: beyond them are combinations of ECN fields only. */
const MAX_DEPTH = 8
const SAMPLE_TEXTS = { ip: '192.0.2.1', mac: '00:00:00:00:00:00', number: 0, text: '' } as const

/** The transposition of a template for a flow, or the reason for which the packet is dropped. */
export const instantiate = (template: TranspositionTemplate, from: Sources): { readonly transposition: HeaderTransposition } | { readonly drop: DropReason } => {
  const filled = fill(template, from)
  return 'drop' in filled ? filled : { transposition: assembled(filled.parts) }
}

const fill = ({ parts, holes }: TranspositionTemplate, from: Sources): { readonly parts: Parts } | { readonly drop: DropReason } => {
  let filled: unknown = parts
  for (const { path, type, value } of holes) {
    const computed = compute(value, type, from)
    if ('drop' in computed) return computed
    filled = put(filled, path, computed.value)
  }
  // Samples were replaced by values of the same types.
  return { parts: filled as Parts }
}

const put = (into: unknown, path: readonly string[], value: TypedValue): unknown => {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (Array.isArray(into)) return into.map((one: unknown, i) => (String(i) === key ? put(one, rest, value) : one))
  const object = into as Readonly<Record<string, unknown>>
  return { ...object, [key]: put(object[key], rest, value) }
}

/** What parameters are known to be, by name; the others stand for samples. */
export type KnownParams = ReadonlyMap<string, TypedValue>

/**
 * The tunnels that a template removes, and where answers to those end that it puts around a packet: an address that only a packet or a
 * resource tells may be any.
 */
export const tunnelsOfTemplate = ({ parts, holes }: TranspositionTemplate, known: KnownParams): TunnelUse | undefined => {
  const { pop = [], push = [] } = parts
  const sourceOf = (i: number, sample: IpAddress): IpAddress | undefined => {
    const hole = holes.find(({ path }) => path[0] === 'push' && path[1] === String(i) && path[2] === 'srcIp')
    if (hole === undefined) return sample
    const value = hole.value._tag === 'Constant' ? hole.value.value : hole.value._tag === 'Param' ? known.get(hole.value.name) : undefined
    return typeof value === 'object' ? value : undefined
  }
  if (pop.length === 0 && push.length === 0) return undefined
  return {
    removes: pop.map(() => ({})),
    answers: push.map(({ tunnel: kind = 'vxlan', srcIp, dstPort }, i): TunnelEnd => {
      const ip = sourceOf(i, srcIp)
      return { kind, ...(dstPort === undefined ? {} : { udpPort: dstPort }), ...(ip === undefined ? {} : { ip }) }
    }),
  }
}

/** Why a template can never be carried out, whatever the packet and the unknown parameters, or `undefined` if it can. */
export const infeasible = (template: TranspositionTemplate, known: KnownParams): Misfit | undefined => {
  const choices = new Map<string, readonly TypedValue[]>()
  const first = attempt(template, known, choices, 0)
  if (first === undefined) return undefined
  const count = [...choices.values()].reduce((product, samples) => product * samples.length, 1)
  if (count > MAX_ATTEMPTS) return undefined
  for (let n = 1; n < count; n++) if (attempt(template, known, choices, n) === undefined) return undefined
  return first
}

const MAX_ATTEMPTS = 256

/** Tries the `n`-th combination of samples, in the mixed radix of their numbers; notes unknowns that it meets for the first time. */
const attempt = (template: TranspositionTemplate, known: KnownParams, choices: Map<string, readonly TypedValue[]>, n: number): Misfit | undefined => {
  const sample = (source: string, type: ValueType | undefined, place: string): Computed => {
    const key = type?.kind === 'number' ? `${source} ${place}` : `${source} ${typeKey(type)}`
    if (!choices.has(key)) choices.set(key, samplesOf(type, place))
    let rest = n
    for (const [other, samples] of choices) {
      if (other === key) return { value: samples[rest % samples.length] ?? 0 }
      rest = Math.floor(rest / samples.length)
    }
    return { value: 0 }
  }
  let filled: unknown = template.parts
  for (const { path, type, value } of template.holes) {
    const place = path.at(-1) ?? ''
    const computed = compute(value, type, {
      param: (name, wanted) => {
        const given = known.get(name)
        return given === undefined ? sample(`param ${name}`, wanted, place) : { value: given }
      },
      // All addresses of one header are of one version.
      field: (ref, wanted) => sample(wanted?.kind === 'ip' ? `field ${resolveField(ref)?.group ?? 0}` : `field ${ref}`, wanted, place),
      lookup: (name, take, wanted) => sample(`lookup ${name}.${take.join('.')}`, wanted, place),
      flowHash: 0,
    })
    if ('drop' in computed) return { path, reason: 'the address that is put together here is of no one version' }
    filled = put(filled, path, computed.value)
  }
  const made = assemble(filled as Parts)
  return made._tag === 'Left' ? made.left : undefined
}

const typeKey = (type: ValueType | undefined): string => (type?.kind === 'ip' ? `ip${type.version ?? ''}` : type?.kind ?? '')

const samplesOf = (type: ValueType | undefined, place: string): readonly TypedValue[] => {
  switch (type?.kind) {
    case 'ip': return type.version === 4 ? [SAMPLE_4] : type.version === 6 ? [SAMPLE_6] : [SAMPLE_4, SAMPLE_6]
    case 'number': return place === 'dstPort' ? [1, UdpPort.Vxlan, UdpPort.Geneve] : place === 'vni' ? [1, 0] : [1]
    case 'text': return ['']
    default: return [0]
  }
}

const SAMPLE_4 = ipv4(0xc000_0201)
const SAMPLE_6 = ipv6(0x2001_0db8, 0, 0, 1)

/** A misfit as an error of a document that is read. */
export const misfitAt = ({ path, reason }: Misfit, value: unknown, context: t.Context): t.Validation<never> => t.failure(value, contextAt(context, path, value), reason)
