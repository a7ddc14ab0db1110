/** The MAC-rewrite layer's language: entries that set MACs to constants, to the port's own, or by a table of addresses. */
import {
  type Condition, Conditions, type ConditionsJson, formatIp, formatMac, integer, Ip, type IpAddress, type Mac, MacText, sameIp, strictly, strictlyPartial,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { Name, type Objection, refined, word } from '../codecs.js'

/** A table as written: the MAC to set for each address. */
export interface MacTableJson {
  /** The packet's address that is looked up. */
  readonly by: 'srcIp' | 'dstIp'
  /** From IP addresses, of both versions if need be, to MACs. */
  readonly table: Readonly<Record<string, string>>
}

/** What a MAC is set to, as written: a MAC as text, `port` for the port's own, or a table. */
export type MacValueJson = string | MacTableJson

/** One entry as written. */
export interface MacEntryJson {
  /** Which packets; all IP packets unless said. Only where `etherType` is named here are frames rewritten that are not IP. */
  readonly when?: ConditionsJson
  /** The new source MAC; kept unless said. */
  readonly srcMac?: MacValueJson
  /** The new destination MAC; kept unless said. At most one of the two is a table. */
  readonly dstMac?: MacValueJson
  /** Name of the rule, and with a table the beginning of the rules' names; by default `entry-1`, by position. */
  readonly name?: string
  /** 0–65534, smaller is tried first; by default 100 for the first entry, 101 for the second and so on. */
  readonly priority?: number
}

/** The configuration as written. */
export interface MacRewriteJson {
  /** Entries for what the VM sends; none unless said. */
  readonly outbound?: readonly MacEntryJson[]
  /** Entries for what the VM gets; none unless said. */
  readonly inbound?: readonly MacEntryJson[]
  /** Whether entries also apply to frames for broadcast and IP multicast MACs; `false` unless said. */
  readonly multicast?: boolean
}

/** A table as read. */
export interface MacTable {
  readonly by: 'srcIp' | 'dstIp'
  /** Each address once. */
  readonly table: readonly { readonly ip: IpAddress; readonly mac: Mac }[]
}

/** What a MAC is set to. */
export type MacValue = Mac | 'port' | MacTable

/** One entry as read: it sets something, and has at most one table. */
export interface MacEntry {
  readonly when?: readonly Condition[]
  readonly srcMac?: MacValue
  readonly dstMac?: MacValue
  readonly name?: string
  readonly priority?: number
}

/** The configuration as read. */
export interface MacRewriteConfig {
  readonly outbound?: readonly MacEntry[]
  readonly inbound?: readonly MacEntry[]
  readonly multicast?: boolean
}

/** Whether a value is a table. */
export const isTable = (value: MacValue | undefined): value is MacTable => typeof value === 'object'

type Row = MacTable['table'][number]

const isRow = (u: unknown): u is Row => typeof u === 'object' && u !== null && 'ip' in u && Ip.is(u.ip) && 'mac' in u && MacText.is(u.mac)

/** An object from addresses to MACs; every mistake is told at its key. */
const Rows: t.Type<readonly Row[], Readonly<Record<string, string>>> = new t.Type<readonly Row[], Readonly<Record<string, string>>>(
  'a table',
  (u): u is readonly Row[] => Array.isArray(u) && u.every(isRow),
  (u, context) => {
    if (typeof u !== 'object' || u === null || Array.isArray(u)) return t.failure(u, context, 'expected an object from IP addresses to MAC addresses')
    const errors: t.ValidationError[] = []
    const rows: Row[] = []
    for (const [key, value] of Object.entries(u)) {
      const inner = t.appendContext(context, key, MacText, value)
      const ip = Ip.validate(key, inner)
      const mac = MacText.validate(value, inner)
      if (ip._tag === 'Left') errors.push(...ip.left)
      else if (mac._tag === 'Left') errors.push(...mac.left)
      else if (rows.some((row) => sameIp(row.ip, ip.right))) errors.push({ value, context: inner, message: `${formatIp(ip.right)} is there already, written otherwise` })
      else rows.push({ ip: ip.right, mac: mac.right })
    }
    return errors.length > 0 ? t.failures(errors) : t.success(rows)
  },
  (rows) => Object.fromEntries(rows.map(({ ip, mac }) => [formatIp(ip), formatMac(mac)])),
)

const Table: t.Type<MacTable, MacTableJson> = strictly({ by: word('srcIp', 'dstIp'), table: Rows }, 'a table of MACs')

const MacValueCodec: t.Type<MacValue, MacValueJson> = new t.Type<MacValue, MacValueJson>(
  'a MAC address, "port", or a table',
  (u): u is MacValue => u === 'port' || MacText.is(u) || Table.is(u),
  (u, context) => {
    if (typeof u === 'object' && u !== null && !Array.isArray(u)) return Table.validate(u, context)
    if (u === 'port') return t.success(u)
    return typeof u === 'string' ? MacText.validate(u, context) : t.failure(u, context, 'expected a MAC address as text, "port", or an object with "by" and "table"')
  },
  (value) => (value === 'port' ? value : typeof value === 'number' ? formatMac(value) : Table.encode(value)),
)

const objection = (entry: MacEntry): Objection | undefined => {
  if (entry.srcMac === undefined && entry.dstMac === undefined) return { reason: 'an entry sets "srcMac", "dstMac" or both' }
  return isTable(entry.srcMac) && isTable(entry.dstMac)
    ? { at: 'dstMac', reason: 'only one of "srcMac" and "dstMac" can be a table' }
    : undefined
}

const Entry = refined<MacEntry, object, MacEntryJson>(
  strictlyPartial({}, {
    when: Conditions, srcMac: MacValueCodec, dstMac: MacValueCodec, name: Name, priority: integer(0, 65_534, 'a priority'),
  }, 'an entry'),
  objection,
)

/** The codec of the whole policy. */
export const codec: t.Type<MacRewriteConfig, MacRewriteJson> = strictlyPartial({}, {
  outbound: t.readonlyArray(Entry), inbound: t.readonlyArray(Entry), multicast: t.boolean,
}, 'a MAC-rewrite policy')
