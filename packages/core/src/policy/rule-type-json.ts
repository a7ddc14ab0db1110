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
  | {
    /** Name of the parameter. */
    readonly param: string
  }
  /** A field of the packet; without it the packet is dropped as `FieldAbsent`. */
  | {
    /** Name of the field, as conditions write it. */
    readonly field: FieldRef
  }
  /** Out of what a lookup found, by way of property names and indexes joined by dots; `or` is the value where there is none. */
  | {
    /** Name of the lookup. */
    readonly lookup: string
    /** Way into what was found, `endpoints.0.pa`; `#` takes the element that the flow's hash chooses. All of it unless given. */
    readonly take?: string
    /** The value where there is none; the packet is dropped as `BadResourceValue` unless given. */
    readonly or?: ValueJson
  }
  /** Of the flow's hash: 16 is a source port from 49152 to 65535, 1 to 14 are that many bits. */
  | {
    /** Bits: 16, or 1 to 14. */
    readonly hash: number
  }
  /** An IPv4 address behind an IPv6 prefix. (RFC 6052 §2.2) */
  | {
    /** The IPv6 prefix, as an address. */
    readonly prefix: ValueJson
    /** Its length in bits. */
    readonly length: EmbeddingLength
    /** The IPv4 address. */
    readonly embed: ValueJson
  }
  /** The IPv4 address behind an IPv6 prefix. */
  | {
    /** The IPv6 address. */
    readonly embedded: ValueJson
    /** Length of the prefix in bits. */
    readonly length: EmbeddingLength
  }
  /** An address in which the bits under the mask are those of another. */
  | {
    /** The address to change. */
    readonly base: ValueJson
    /** An address whose ones are the bits to replace. */
    readonly mask: ValueJson
    /** The address that gives them. */
    readonly bits: ValueJson
  }
  /** An address where no place tells the type, as in the key of a lookup. */
  | {
    /** The address as text. */
    readonly constant: string
    /** What it is: an IP or a MAC address. */
    readonly as: 'ip' | 'mac'
  }

/** A value as JSON: itself, or how it is computed. */
export type ValueJson = number | string | ComputedJson

/** The key of a lookup as JSON: a value, or the structure that the resource wants, of values. */
export type KeyJson = ValueJson | readonly KeyJson[] | { readonly [part: string]: KeyJson }

/** A lookup as JSON. */
export interface LookupJson {
  /** Name of the resource, or of the parameter that gives it. */
  readonly in: string | {
    /** Name of the parameter that gives the resource. */
    readonly param: string
  }
  /** The key, in whatever structure the resource wants; parts of it may be computed. */
  readonly key: KeyJson
  /** Drop reason where nothing is found; `NoMapping` unless said. */
  readonly absent?: DropReason
}

/** A transposition as JSON, in which values of fields may be computed. What is left out is as in an empty one. */
export interface TemplateJson {
  /** What each popped group must be, outermost first; none is popped unless given. */
  readonly pop?: readonly Need[]
  /** Changes of the groups that stay, outermost first; none unless given. */
  readonly edit?: readonly EditTemplateJson[]
  /** Groups to push, outermost first; none unless given. */
  readonly push?: readonly PushTemplateJson[]
  /** What is changed in the packet that an ICMP error quotes, or that such errors are refused; nothing unless given. */
  readonly quote?: 'refused' | {
    /** IP version that the quoted packet must have; any unless given. */
    readonly version?: 4 | 6
    /** Fields to set in it. */
    readonly set: Computable<ChangesJson>
  }
  /** Combinations of ECN fields that must not lose a mark of congestion; none unless given. */
  readonly guard?: readonly EcnCombination[]
}

/** Changes of one group, as JSON. */
export interface EditTemplateJson {
  /** What the group must be; anything unless given. */
  readonly need?: Need
  /** Tags to pop and push; none unless given. */
  readonly vlans?: VlanEdit
  /** IP versions to translate from and to; none unless given. */
  readonly translate?: Translation
  /** Fields to set; none unless given. */
  readonly set?: Computable<ChangesJson>
}

/** A group to push, as JSON. What is not given has the defaults of `push`. */
export type PushTemplateJson = Partial<Computable<Omit<PushJson, 'tunnel'>>> & {
  /** Kind of the tunnel; VXLAN unless given. */
  readonly tunnel?: TunnelKind
}

/** Each property as it is, or computed. */
export type Computable<A> = { readonly [K in keyof A]: A[K] | ComputedJson }

/** The definition of a rule type as JSON. */
export interface RuleTypeJson {
  /** Name that rules refer to the type by, under `do`. */
  readonly name: string
  /** What a rule gives under `with`, by name; none unless given. */
  readonly parameters?: Readonly<Record<string, ParameterJson>>
  /** What is looked up for each flow, by name, in this order; nothing unless given. */
  readonly lookups?: Readonly<Record<string, LookupJson>>
  /** As `transpositionToJson` writes one, with computed values in places of fields; none unless given. */
  readonly transposition?: TemplateJson
  /** Where the packet goes; `'continue'` unless given. */
  readonly verdict?: 'continue' | {
    /** Reason that the packet is dropped for. */
    readonly drop: DropReason | ComputedJson
  } | {
    /** Name of the port that the packet goes into. */
    readonly hairpin: string | ComputedJson
  }
  /** Names of ports that get a copy of the packet; none unless given. */
  readonly mirrors?: readonly (string | ComputedJson)[]
}
