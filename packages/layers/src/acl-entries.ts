/**
 * What firewalls are written in: entries that allow or deny, the rules they become, and what is wrong with a list of them.
 *
 * Three layers share this: {@link acl}, whose denials end a walk of its groups and whose permissions do not;
 * `securityGroups`, where an entry may say so itself; `containers`, where each entry decides for its container.
 */
import {
  allow, block, type Condition, Conditions, type ConditionsJson, integer, is, type Problem, rule, type Rule, type Stateful, strictlyPartial,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { Name, type Objection, refined } from './codecs.js'
import { repeatedNames } from './names.js'

/** One entry as written: it allows or denies the packets that meet all its conditions. */
export type AclEntryJson =
  | {
      readonly allow: ConditionsJson
      readonly deny?: never
      /** Name of the rule; by default `allow-1`, the verb and the position from 1. */
      readonly name?: string
      /** 0–65534, smaller is tried first; by default 100 for the first entry, 101 for the second and so on. */
      readonly priority?: number
      /** Whether replies are let through whatever the other direction's entries say; by default as the policy says. */
      readonly stateful?: boolean
      /** Milliseconds without a packet after which a connection is forgotten, from 1. */
      readonly idleMs?: number
    }
  | { readonly deny: ConditionsJson; readonly allow?: never; readonly name?: string; readonly priority?: number }

/** One entry as read: exactly one of `allow` and `deny` is there. */
export interface AclEntry {
  readonly allow?: readonly Condition[]
  readonly deny?: readonly Condition[]
  readonly name?: string
  readonly priority?: number
  readonly stateful?: boolean
  readonly idleMs?: number
}

/** What an entry takes from its policy where it does not say. */
export interface EntryDefaults {
  readonly stateful?: boolean
  readonly idleMs?: number
}

const FIRST_PRIORITY = 100
/** The priority of rules behind all entries. */
export const LAST_PRIORITY = 65_535

/** Idle time of connections, milliseconds. */
export const Idle: t.Type<number> = integer(1, 0xffff_ffff, 'milliseconds')

/** The properties of an entry, for codecs that add to them. */
export const ENTRY = {
  allow: Conditions, deny: Conditions, name: Name, priority: integer(0, LAST_PRIORITY - 1, 'a priority'), stateful: t.boolean, idleMs: Idle,
}

/** What is wrong with an entry whose properties are fine one by one. */
export const entryObjection = (entry: AclEntry): Objection | undefined => {
  if ((entry.allow === undefined) === (entry.deny === undefined)) return { reason: 'an entry either allows or denies: it has one of "allow" and "deny"' }
  if (entry.deny === undefined) return undefined
  if (entry.stateful !== undefined) return { at: 'stateful', reason: 'what is denied makes no connection: only "allow" can be stateful' }
  return entry.idleMs === undefined ? undefined : { at: 'idleMs', reason: 'what is denied makes no connection and has no idle time' }
}

/** The codec of an entry without additions. */
export const Entry: t.Type<AclEntry, AclEntryJson> = refined<AclEntry, object, AclEntryJson>(strictlyPartial({}, ENTRY, 'an entry'), entryObjection)

/** The rule of an entry; `index` is its position, from 0. */
export const entryRule = (entry: AclEntry, index: number, defaults: EntryDefaults, terminating: boolean): Rule => {
  // Equal priorities go by position, so the cap changes nothing.
  const common = { id: entryName(entry, index), priority: entry.priority ?? Math.min(FIRST_PRIORITY + index, LAST_PRIORITY - 1), terminating }
  return entry.deny === undefined
    ? rule(allow, {}, { ...common, when: entry.allow ?? [], stateful: statefulness(defaults, entry) })
    : rule(block, {}, { ...common, when: entry.deny })
}

/** Whether and for how long what an entry allows is remembered. */
export const statefulness = (defaults: EntryDefaults, entry: AclEntry = {}): boolean | Stateful => {
  const idleMs = entry.idleMs ?? defaults.idleMs
  const stateful = entry.stateful ?? defaults.stateful ?? false
  return stateful && idleMs !== undefined ? { idleUs: idleMs * 1000 } : stateful
}

/** Names of rules that a firewall adds to its entries. */
export const OTHERWISE = 'otherwise'
const ARP = 'arp'
/** All of them, whichever a policy needs: so that `otherwise` may change alone. */
export const OWN_NAMES: readonly string[] = [ARP, OTHERWISE]

/** Denies, terminatingly, whatever no entry matches, IP or not. Only ARP passes: without it nothing could be sent at all. */
export const denyTheRest: readonly Rule[] = [
  // Of equal priorities the first wins.
  rule(allow, {}, { id: ARP, priority: LAST_PRIORITY, when: [is('etherType', 0x0806)] }),
  rule(block, {}, { id: OTHERWISE, priority: LAST_PRIORITY, terminating: true }),
]

/** What is wrong with a list of entries: names twice, idle times of what is not remembered. `path` is the list's. */
export const entryProblems = (entries: readonly AclEntry[], path: string, defaults: EntryDefaults): readonly Problem[] => [
  ...repeatedNames(entries.map((e, i) => ({ name: entryName(e, i), path: `${path}/${i}${e.name === undefined ? '' : '/name'}` })), OWN_NAMES),
  ...entries.flatMap((e, i) =>
    e.idleMs !== undefined && statefulness(defaults, e) === false
      ? [{ path: `${path}/${i}/idleMs`, reason: 'only a stateful entry has an idle time' }]
      : []),
]

const entryName = (e: AclEntry, index: number): string => e.name ?? `${e.deny === undefined ? 'allow' : 'deny'}-${index + 1}`
