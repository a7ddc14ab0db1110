/** Rules of all ports as one list in which every port finds its own rules in its own order. */
import type { Direction, RuleReport } from '@vfp-ts/core'
import type { Host } from './hosts.js'

/** One rule, over all ports that have it. */
export interface RuleLine {
  readonly layer: string
  readonly direction: Direction
  readonly group: string
  readonly rule: string
  readonly type: string
  /** Its conditions in words; empty if it matches everything. Several where they differ from port to port. */
  readonly when: readonly string[]
  readonly stateful: boolean
  readonly terminating: boolean
  /** The ports that have the rule, by name. */
  readonly ports: readonly string[]
  /** Packets it decided; replies of a connection count for the rule that let the connection begin. */
  readonly packets: number
  readonly bytes: number
  /** Of those packets, how many were decided by a walk of the layers. */
  readonly walks: number
}

/** Rules of the same place added up: layer by layer from the VM to the wire, in each group as they are tried. */
export const ruleLines = (hosts: readonly Host[]): readonly RuleLine[] => {
  const lines = new Map<string, RuleLine>()
  const orders = new Map<string, (readonly string[])[]>()
  for (const { vm, port } of hosts) {
    const groups = new Map<string, { readonly key: string; readonly priority: number }[]>()
    for (const r of port.rules()) {
      const place = [r.layer, r.direction, r.group].join('\n')
      const key = [place, r.rule, r.type].join('\n')
      lines.set(key, added(lines.get(key), r, vm.name))
      const group = groups.get(place)
      if (group === undefined) groups.set(place, [{ key, priority: r.priority }])
      else group.push({ key, priority: r.priority })
    }
    for (const [place, rules] of groups) {
      const order = rules.sort((a, b) => a.priority - b.priority).map(({ key }) => key)
      orders.set(place, [...(orders.get(place) ?? []), order])
    }
  }
  const layers = hosts[0]?.port.layers() ?? []
  const rank = (l: RuleLine): number => 2 * layers.indexOf(l.layer) + (l.direction === 'outbound' ? 0 : 1)
  return [...orders.values()]
    .flatMap((group) => merged(group).flatMap((key) => lines.get(key) ?? []))
    .sort((a, b) => rank(a) - rank(b))
}

const added = (line: RuleLine | undefined, r: RuleReport, port: string): RuleLine => {
  const { layer, direction, group, rule, type, stateful, terminating } = r
  const { when, ports, packets, bytes, walks } = line ?? NO_HITS
  return {
    layer, direction, group, rule, type, stateful, terminating,
    when: when.includes(r.when) ? when : [...when, r.when],
    ports: [...ports, port], packets: packets + r.packets, bytes: bytes + r.bytes, walks: walks + r.walks,
  }
}

const NO_HITS: Pick<RuleLine, 'when' | 'ports' | 'packets' | 'bytes' | 'walks'> = { when: [], ports: [], packets: 0, bytes: 0, walks: 0 }

/**
 * Several orders as one that keeps each of them; elements that none of them compares stay in the order they were met.
 * Where orders contradict each other, one of them gives way, but what is last in an order still comes after what is
 * last in none.
 */
export const merged = (orders: readonly (readonly string[])[]): readonly string[] => {
  const before = new Map<string, Set<string>>()
  const lasts = new Set(orders.flatMap((order) => order.slice(-1)))
  for (const order of orders) {
    for (const [i, element] of order.entries()) {
      const known = before.get(element) ?? new Set<string>()
      before.set(element, known)
      const previous = order[i - 1]
      if (previous !== undefined) known.add(previous)
    }
  }
  const result: string[] = []
  while (before.size > 0) {
    const left = [...before.keys()]
    const isFree = (element: string): boolean => [...before.get(element) ?? []].every((e) => !before.has(e))
    const next = left.find(isFree) ?? left.find((element) => !lasts.has(element)) ?? left[0]
    if (next === undefined) break
    result.push(next)
    before.delete(next)
  }
  return result
}
