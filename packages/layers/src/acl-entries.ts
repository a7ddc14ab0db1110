/**
 * The language of firewalls: entries that allow or deny, the rules that are made of them, and the checks of a list of entries.
 *
 * Three layers share it and differ in which rules are terminating: in `acl` those that deny, in `securityGroups` those whose entry
 * says so, in `containers` all of them.
 */
import {
  allow, block, type Condition, Conditions, type ConditionsJson, integer, is, type Problem, rule, type Rule, type Stateful, strictlyPartial,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { Name, type Objection, refined } from './codecs.js'
import { repeatedNames } from './names.js'

/**
 * One entry of a firewall, as written: it either allows or denies the packets that meet all its conditions. A packet from which a
 * condition's field is missing does not meet it.
 */
export type AclEntryJson =
  | {
      /** Conditions of packets that pass; `{}` holds for every packet. */
      readonly allow: ConditionsJson
      /** Absent: an entry has one of `allow` and `deny`. */
      readonly deny?: never
      /** Name of the entry's rule, once a direction; `allow-1` (the verb, and the position from 1) unless said. `arp` and `otherwise` are taken. */
      readonly name?: string
      /** 0–65534, smaller is tried first; 100 for the first entry, 101 for the second and so on unless said. Equal ones are tried in order. */
      readonly priority?: number
      /** Whether replies pass whatever the other direction's entries say; the policy's `stateful` unless said. */
      readonly stateful?: boolean
      /** Milliseconds without a packet after which a connection is forgotten, from 1; the policy's `idleMs` unless said. Only of what is stateful. */
      readonly idleMs?: number
    }
  | {
      /** Conditions of packets that are dropped as `Denied`; `{}` holds for every packet. */
      readonly deny: ConditionsJson
      /** Absent: an entry has one of `allow` and `deny`. */
      readonly allow?: never
      /** Name of the entry's rule, once a direction; `deny-1` (the verb, and the position from 1) unless said. `arp` and `otherwise` are taken. */
      readonly name?: string
      /** 0–65534, smaller is tried first; 100 for the first entry, 101 for the second and so on unless said. Equal ones are tried in order. */
      readonly priority?: number
    }

/** One entry of a firewall, as read: it has exactly one of `allow` and `deny`. */
export interface AclEntry {
  /** Conditions of packets that pass; with none, every packet does. */
  readonly allow?: readonly Condition[]
  /** Conditions of packets that are dropped as `Denied`; with none, every packet is. */
  readonly deny?: readonly Condition[]
  /** Name of the entry's rule; `allow-1` or `deny-1`, by position, unless said. */
  readonly name?: string
  /** 0–65534, smaller is tried first; 100 plus the position from 0 unless said. */
  readonly priority?: number
  /** Whether replies pass whatever the other direction's entries say; the policy's unless said. Not with `deny`. */
  readonly stateful?: boolean
  /** Milliseconds without a packet after which a connection is forgotten, from 1; the policy's unless said. Only of what is stateful. */
  readonly idleMs?: number
}

/** What an entry takes from its policy where it says nothing itself. */
export interface EntryDefaults {
  /** `false` unless said. */
  readonly stateful?: boolean
  /** Milliseconds; core's default unless said. */
  readonly idleMs?: number
}

const FIRST_PRIORITY = 100
/** The priority of rules that are tried after all entries. */
export const LAST_PRIORITY = 65_535

/** Idle time of connections, milliseconds. */
export const Idle: t.Type<number> = integer(1, 0xffff_ffff, 'milliseconds')

/** The properties of an entry, for codecs that add to them. */
export const ENTRY = {
  allow: Conditions, deny: Conditions, name: Name, priority: integer(0, LAST_PRIORITY - 1, 'a priority'), stateful: t.boolean, idleMs: Idle,
}

/** Returns what is wrong with an entry whose properties are fine one by one; `undefined` if nothing is. */
export const entryObjection = (entry: AclEntry): Objection | undefined => {
  if ((entry.allow === undefined) === (entry.deny === undefined)) return { reason: 'an entry either allows or denies: it has one of "allow" and "deny"' }
  if (entry.deny === undefined) return undefined
  if (entry.stateful !== undefined) return { at: 'stateful', reason: 'what is denied makes no connection: only "allow" can be stateful' }
  return entry.idleMs === undefined ? undefined : { at: 'idleMs', reason: 'what is denied makes no connection and has no idle time' }
}

/** The codec of an entry without additions. */
export const Entry: t.Type<AclEntry, AclEntryJson> = refined<AclEntry, object, AclEntryJson>(strictlyPartial({}, ENTRY, 'an entry'), entryObjection)

/** Returns the rule of an entry; `index` is its position, from 0. */
export const entryRule = (entry: AclEntry, index: number, defaults: EntryDefaults, terminating: boolean): Rule => {
  // Equal priorities go by position, so the cap changes nothing.
  const common = { id: entryName(entry, index), priority: entry.priority ?? Math.min(FIRST_PRIORITY + index, LAST_PRIORITY - 1), terminating }
  return entry.deny === undefined
    ? rule(allow, {}, { ...common, when: entry.allow ?? [], stateful: statefulness(defaults, entry) })
    : rule(block, {}, { ...common, when: entry.deny })
}

/** Returns whether connections that an entry allows are remembered, and for how long. */
export const statefulness = (defaults: EntryDefaults, entry: AclEntry = {}): boolean | Stateful => {
  const idleMs = entry.idleMs ?? defaults.idleMs
  const stateful = entry.stateful ?? defaults.stateful ?? false
  return stateful && idleMs !== undefined ? { idleUs: idleMs * 1000 } : stateful
}

/** Name of the rule that a firewall adds for packets that no entry matches. */
export const OTHERWISE = 'otherwise'
const ARP = 'arp'
/** Names that no entry may have, whichever rules a policy adds: so that `otherwise` may change alone. */
export const OWN_NAMES: readonly string[] = [ARP, OTHERWISE]

/** Rules, the second of them terminating, that deny whatever no entry matches, IP or not. Only ARP passes: without it nothing could be sent at all. */
export const denyTheRest: readonly Rule[] = [
  // Of equal priorities the first wins.
  rule(allow, {}, { id: ARP, priority: LAST_PRIORITY, when: [is('etherType', 0x0806)] }),
  rule(block, {}, { id: OTHERWISE, priority: LAST_PRIORITY, terminating: true }),
]

/** Returns what is wrong with a list of entries: names twice, idle times of what is not remembered. `path` is the list's. */
export const entryProblems = (entries: readonly AclEntry[], path: string, defaults: EntryDefaults): readonly Problem[] => [
  ...repeatedNames(entries.map((e, i) => ({ name: entryName(e, i), path: `${path}/${i}${e.name === undefined ? '' : '/name'}` })), OWN_NAMES),
  ...entries.flatMap((e, i) =>
    e.idleMs !== undefined && statefulness(defaults, e) === false
      ? [{ path: `${path}/${i}/idleMs`, reason: 'only a stateful entry has an idle time' }]
      : []),
]

const entryName = (e: AclEntry, index: number): string => e.name ?? `${e.deny === undefined ? 'allow' : 'deny'}-${index + 1}`
