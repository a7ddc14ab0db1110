/** Transpositions as JSON: the structure of the normal form, with addresses and options as text. */
import { formatIp, formatMac, type IpAddress } from '../wire/address.js'
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
  readonly need: Need
  readonly vlans?: VlanEdit
  readonly translate?: Translation
  readonly set: ChangesJson
}

/** A pushed group as JSON: addresses are text, options hexadecimal digits. */
export interface PushJson {
  readonly tunnel: TunnelKind
  readonly vni: number
  readonly srcIp: string
  readonly dstIp: string
  readonly srcMac: string
  readonly dstMac: string
  readonly vlans?: readonly VlanTag[]
  readonly srcPort: number
  readonly dscp: Value
  readonly ecn: EcnValue
  readonly ttl: TtlValue
  readonly options?: string
}

/** A transposition as JSON. */
export type TranspositionJson =
  | { readonly invalid: string }
  | {
      readonly pop: readonly Need[]
      readonly edit: readonly EditJson[]
      readonly push: readonly PushJson[]
      readonly quote?: 'refused' | { readonly version?: 4 | 6; readonly set: ChangesJson }
      readonly guard?: readonly EcnCombination[]
    }

/** The JSON form; total, and of the same content as `format`. Lists of tags, options and guards that are empty are left out. */
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
          ...(p.vlans.length > 0 && { vlans: p.vlans }), srcPort: p.srcPort, dscp: p.dscp, ecn: p.ecn, ttl: p.ttl,
          ...(p.options.length > 0 && { options: formatHex(p.options) }),
        })),
        ...(t.quote !== undefined && { quote: t.quote === 'refused' ? t.quote : quoteJson(t.quote) }),
        ...(t.guard.length > 0 && { guard: t.guard }),
      }

/** Fields of a group as JSON. */
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
