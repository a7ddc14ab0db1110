/** Transpositions as JSON: the structure of the normal form, with addresses and options as text. */
import { formatIp, formatMac, type IpAddress } from '../wire/address.js'
import { standardPort } from './construct.js'
import type { VlanTag } from '../wire/vlan.js'
import { CHANGE_KINDS, CHANGE_NAMES } from './change-fields.js'
import type {
  Changes, EcnCombination, EcnValue, HeaderTransposition, Need, QuoteEdit, Translation, TtlValue, TunnelKind, Value, VlanEdit,
} from './header-transposition.js'
import { formatHex } from './notation.js'

/** Fields of a group as JSON: addresses are text. */
export type ChangesJson = { readonly [K in keyof Changes]: K extends 'dscp' | 'ecn' | 'ttl' | 'echo' ? NonNullable<Changes[K]> : number | string }

/** An edit of one group as JSON. */
export interface EditJson {
  /** What the group must be in the original frame. */
  readonly need: Need
  /** How its VLAN tags change; absent where they stay. */
  readonly vlans?: VlanEdit
  /** Which IP version its header gets; absent where it keeps its own. */
  readonly translate?: Translation
  /** Fields that are set, by name. */
  readonly set: ChangesJson
}

/** A pushed group as JSON: addresses are text, options hexadecimal digits. */
export interface PushJson {
  /** Which tunnel header stands in front of the frame. */
  readonly tunnel: TunnelKind
  /** Network identifier of the tunnel, 0–16777215; 0 for plain GRE. */
  readonly vni: number
  /** Outer source address. */
  readonly srcIp: string
  /** Outer destination address, of the same IP version. */
  readonly dstIp: string
  /** Source MAC of the outer frame, as `00:15:5d:00:00:01`. */
  readonly srcMac: string
  /** Destination MAC of the outer frame. */
  readonly dstMac: string
  /** VLAN tags of the outer frame, outermost first; absent where there are none. */
  readonly vlans?: readonly VlanTag[]
  /** Entropy of the flow inside: UDP source port, or flow id of NVGRE. */
  readonly srcPort: number
  /** UDP destination port, where it is not the kind's standard one. */
  readonly dstPort?: number
  /** Outer DSCP, 0–63, or the group of the original frame it is copied from. */
  readonly dscp: Value
  /** Outer ECN field, 0–3, copied, or combined. */
  readonly ecn: EcnValue
  /** Outer TTL or hop limit, 0–255, or the group it is read from. */
  readonly ttl: TtlValue
  /** Geneve options as hexadecimal digits; absent where there are none. */
  readonly options?: string
}

/** A transposition as JSON: the structure of {@link Transposition}, with addresses and options as text. */
export type TranspositionJson =
  | {
      /** Why no frame passes. */
      readonly invalid: string
    }
  | {
      /** What each popped group must be, outermost first. */
      readonly pop: readonly Need[]
      /** What happens to each staying group, outermost first. */
      readonly edit: readonly EditJson[]
      /** Groups that are put around the frame, outermost first. */
      readonly push: readonly PushJson[]
      /** What happens to a packet that an ICMP error quotes; `'refused'` where frames that quote a packet are dropped. Absent where it is left alone. */
      readonly quote?: 'refused' | {
        /** IP version that the quoted packet must have; absent where it does not matter. */
        readonly version?: 4 | 6
        /** Fields of the quoted packet that are set. */
        readonly set: ChangesJson
      }
      /** Combinations of ECN fields of which none may be CE over Not-ECT; absent where there are none. */
      readonly guard?: readonly EcnCombination[]
    }

/**
 * Returns a transposition as JSON; total. It says the same as `formatTransposition`. Lists of tags, options and guards that are empty are
 * left out.
 */
export const toJson = (t: HeaderTransposition): TranspositionJson =>
  t._tag === 'Invalid'
    ? { invalid: t.reason }
    : {
        pop: t.pop,
        edit: t.edit.map(({ need, vlans, translate, set }) => ({
          need, ...(vlans !== undefined && { vlans }), ...(translate !== undefined && { translate }), set: changesJson(set),
        })),
        push: t.push.map((p) => ({
          tunnel: p.tunnel, vni: p.vni, srcIp: formatIp(p.srcIp), dstIp: formatIp(p.dstIp), srcMac: formatMac(p.srcMac), dstMac: formatMac(p.dstMac),
          ...(p.vlans.length > 0 && { vlans: p.vlans }), srcPort: p.srcPort, ...(p.dstPort !== standardPort(p.tunnel) && { dstPort: p.dstPort }), dscp: p.dscp, ecn: p.ecn, ttl: p.ttl,
          ...(p.options.length > 0 && { options: formatHex(p.options) }),
        })),
        ...(t.quote !== undefined && { quote: t.quote === 'refused' ? t.quote : quoteJson(t.quote) }),
        ...(t.guard.length > 0 && { guard: t.guard }),
      }

/** Returns the fields that are set in a group as JSON. */
export const changesJson = (set: Changes): ChangesJson =>
  Object.fromEntries(CHANGE_NAMES.flatMap((name) => {
    const value = set[name]
    return value === undefined ? [] : [[name, fieldJson(name, value)]]
  }))

const quoteJson = ({ version, set }: QuoteEdit): { readonly version?: 4 | 6; readonly set: ChangesJson } =>
  ({ ...(version !== undefined && { version }), set: changesJson(set) })

const fieldJson = (name: keyof Changes, value: NonNullable<Changes[keyof Changes]>): unknown => {
  const kind = CHANGE_KINDS[name]
  return kind === 'ip' ? formatIp(value as IpAddress) : kind === 'mac' ? formatMac(value as number) : value
}
