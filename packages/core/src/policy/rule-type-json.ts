/** Rule types given as data, as JSON: what `ruleTypeFromJson` and policies of rules layers read. */
import type { DropReason } from '../drop-reason.js'
import type { FieldRef } from '../flow/field.js'
import type { EcnCombination, Need, Translation, TunnelKind, VlanEdit } from '../transposition/header-transposition.js'
import type { ChangesJson, PushJson } from '../transposition/notation-json.js'
import type { EmbeddingLength } from './embedded-ipv4.js'
import type { ParameterJson } from './rule-type-parameters.js'

/** A value that is computed for a flow, as JSON. */
export type ComputedJson =
  /** A parameter of the rule. */
  | { readonly param: string }
  /** A field of the packet; without it the packet is dropped as `FieldAbsent`. */
  | { readonly field: FieldRef }
  /** Out of what a lookup found, by way of property names and indexes joined by dots; `or` is the value where there is none. */
  | { readonly lookup: string; readonly take?: string; readonly or?: ValueJson }
  /** Of the flow's hash: 16 is a source port from 49152 to 65535, 1 to 14 are that many bits. */
  | { readonly hash: number }
  /** An IPv4 address behind an IPv6 prefix. (RFC 6052 §2.2) */
  | { readonly prefix: ValueJson; readonly length: EmbeddingLength; readonly embed: ValueJson }
  /** The IPv4 address behind an IPv6 prefix. */
  | { readonly embedded: ValueJson; readonly length: EmbeddingLength }
  /** An address in which the bits under the mask are those of another. */
  | { readonly base: ValueJson; readonly mask: ValueJson; readonly bits: ValueJson }
  /** An address where no place tells the type, as in the key of a lookup. */
  | { readonly constant: string; readonly as: 'ip' | 'mac' }

/** A value as JSON: itself, or how it is computed. */
export type ValueJson = number | string | ComputedJson

/** The key of a lookup as JSON: a value, or the structure that the resource wants, of values. */
export type KeyJson = ValueJson | readonly KeyJson[] | { readonly [part: string]: KeyJson }

/** A lookup as JSON. */
export interface LookupJson {
  /** Name of the resource, or of the parameter that gives it. */
  readonly in: string | { readonly param: string }
  /** The key, in whatever structure the resource wants; parts of it may be computed. */
  readonly key: KeyJson
  /** Drop reason where nothing is found; `NoMapping` unless said. */
  readonly absent?: DropReason
}

/** A transposition as JSON, in which values of fields may be computed. What is left out is as in an empty one. */
export interface TemplateJson {
  readonly pop?: readonly Need[]
  readonly edit?: readonly { readonly need?: Need; readonly vlans?: VlanEdit; readonly translate?: Translation; readonly set?: Computable<ChangesJson> }[]
  readonly push?: readonly (Partial<Computable<Omit<PushJson, 'tunnel'>>> & { readonly tunnel?: TunnelKind })[]
  readonly quote?: 'refused' | { readonly version?: 4 | 6; readonly set: Computable<ChangesJson> }
  readonly guard?: readonly EcnCombination[]
}

/** Each property as it is, or computed. */
export type Computable<A> = { readonly [K in keyof A]: A[K] | ComputedJson }

/** The definition of a rule type as JSON. */
export interface RuleTypeJson {
  readonly name: string
  readonly parameters?: Readonly<Record<string, ParameterJson>>
  readonly lookups?: Readonly<Record<string, LookupJson>>
  /** As `transpositionToJson` writes one, with computed values in places of fields. */
  readonly transposition?: TemplateJson
  readonly verdict?: 'continue' | { readonly drop: DropReason | ComputedJson } | { readonly hairpin: string | ComputedJson }
  readonly mirrors?: readonly (string | ComputedJson)[]
}
