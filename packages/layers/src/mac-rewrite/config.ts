/** The MAC-rewrite layer's language: entries that set MACs to constants, to the port's own, or by a table of addresses. */
import {
  type Condition, Conditions, type ConditionsJson, formatIp, formatMac, integer, Ip, type IpAddress, type Mac, MacText, sameIp, strictly, strictlyPartial,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { Name, type Objection, refined, word } from '../codecs.js'

/** A table as written: the MAC to set for each address. */
export interface MacTableJson {
  /** The field of the packet that is looked up. */
  readonly by: 'srcIp' | 'dstIp'
  /** From IP addresses, of either version, to MACs. Addresses that it does not hold are left to the next entries. */
  readonly table: Readonly<Record<string, string>>
}

/** The new value of a MAC, as written: a MAC as text, `port` for the MAC of the port, or a table. */
export type MacValueJson = string | MacTableJson

/** One entry as written. */
export interface MacEntryJson {
  /** Conditions of the packets; all IP packets unless said. Frames that are not IP are rewritten only where `etherType` is named here. */
  readonly when?: ConditionsJson
  /** The new source MAC; kept unless said. */
  readonly srcMac?: MacValueJson
  /** The new destination MAC; kept unless said. At most one of the two is a table. */
  readonly dstMac?: MacValueJson
  /**
   * Name of the entry's rule, once a direction, and with a table the beginning of its rules' names; `entry-1`, by position, unless said.
   * `to-many` is taken.
   */
  readonly name?: string
  /** 0–65534, smaller is tried first; 100 for the first entry, 101 for the second and so on unless said. Equal ones are tried in order. */
  readonly priority?: number
}

/** The configuration as written. */
export interface MacRewriteJson {
  /** Entries for what the VM sends; none unless said. */
  readonly outbound?: readonly MacEntryJson[]
  /** Entries for what is sent to the VM; none unless said. */
  readonly inbound?: readonly MacEntryJson[]
  /** Whether entries also apply to frames for broadcast and IP multicast MACs; `false` unless said. */
  readonly multicast?: boolean
}

/** A table as read. */
export interface MacTable {
  /** The field of the packet that is looked up. */
  readonly by: 'srcIp' | 'dstIp'
  /** Rows of the table, each address once. */
  readonly table: readonly {
    /** The address that the packet has. */
    readonly ip: IpAddress
    /** The MAC that is set. */
    readonly mac: Mac
  }[]
}

/** The new value of a MAC, as read: a MAC, `port` for the MAC of the port, or a table. */
export type MacValue = Mac | 'port' | MacTable

/** One entry as read: it has `srcMac`, `dstMac` or both, of which at most one is a table. */
export interface MacEntry {
  /** Conditions of the packets; all IP packets unless said. Frames that are not IP are rewritten only where `etherType` is among them. */
  readonly when?: readonly Condition[]
  /** The new source MAC; kept unless said. */
  readonly srcMac?: MacValue
  /** The new destination MAC; kept unless said. */
  readonly dstMac?: MacValue
  /** Name of the rule, and with a table the beginning of its rules' names; `entry-1`, by position, unless said. */
  readonly name?: string
  /** 0–65534, smaller is tried first; 100 plus the position from 0 unless said. */
  readonly priority?: number
}

/** The configuration as read. */
export interface MacRewriteConfig {
  /** Entries for what the VM sends; none unless said. */
  readonly outbound?: readonly MacEntry[]
  /** Entries for what is sent to the VM; none unless said. */
  readonly inbound?: readonly MacEntry[]
  /** Whether entries also apply to frames for broadcast and IP multicast MACs; `false` unless said. */
  readonly multicast?: boolean
}

/** Returns whether a value is a table. */
export const isTable = (value: MacValue | undefined): value is MacTable => typeof value === 'object'

type Row = MacTable['table'][number]

const isRow = (u: unknown): u is Row => typeof u === 'object' && u !== null && 'ip' in u && Ip.is(u.ip) && 'mac' in u && MacText.is(u.mac)

/** An object from addresses to MACs; each error has the path of its key. */
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
