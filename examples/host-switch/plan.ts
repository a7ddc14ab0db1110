/** What it takes to get from one configuration to another. */
import { pointer } from '../main-job/json-pointer.js'
import type { Config } from './config.js'
import type { ConfigProblem } from './config-problem.js'
import type { WantedPort, WantedPorts } from './program.js'

/** The change of one port. */
export type PortChange =
  | { readonly _tag: 'Add' | 'Remove'; readonly name: string }
  /** Its MAC, addresses, network or MTU are others: it is another port, with neither flows nor connections. */
  | { readonly _tag: 'Replace'; readonly name: string }
  /** Its NIC is another (if `nic`), and its policy. */
  | { readonly _tag: 'Update'; readonly name: string; readonly nic: boolean; readonly layers: LayerChange }

/** The change of a port's layers: none, all anew because they stand otherwise, or the policies of those at these positions. */
export type LayerChange = { readonly _tag: 'Rebuild' } | { readonly _tag: 'Policies'; readonly positions: readonly number[] }

/** What changes, ports that do not left out; those that go come first. */
export const planOf = (before: WantedPorts, after: WantedPorts): readonly PortChange[] => [
  ...Object.keys(before).filter((name) => after[name] === undefined).map((name): PortChange => ({ _tag: 'Remove', name })),
  ...Object.entries(after).flatMap(([name, port]) => changeOf(name, before[name], port)),
]

/** What of a configuration stays as it was when the program started, and is asked to change all the same. */
export const fixedProblems = (before: Config, after: Config): readonly ConfigProblem[] =>
  (['name', 'status'] as const)
    .filter((key) => !same(before[key], after[key]))
    .map((key) => ({ path: pointer(key), reason: 'changes with a new start only' }))

const changeOf = (name: string, before: WantedPort | undefined, after: WantedPort): readonly PortChange[] => {
  if (before === undefined) return [{ _tag: 'Add', name }]
  if (!same(before.spec, after.spec)) return [{ _tag: 'Replace', name }]
  const nic = !same(before.nic, after.nic)
  const layers = layerChange(before, after)
  return nic || layers._tag === 'Rebuild' || layers.positions.length > 0 ? [{ _tag: 'Update', name, nic, layers }] : []
}

const layerChange = ({ layers: before }: WantedPort, { layers: after }: WantedPort): LayerChange =>
  same(before.map(({ layer, name }) => [layer, name]), after.map(({ layer, name }) => [layer, name]))
    ? { _tag: 'Policies', positions: after.flatMap(({ policy }, i) => (same(policy, before[i]?.policy) ? [] : [i])) }
    : { _tag: 'Rebuild' }

/** Of what a file says; a changed order of properties counts as a change, and costs only an update without effect. */
export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** One change in words. */
export const describeChange = (change: PortChange): string => {
  switch (change._tag) {
    case 'Add': return `${change.name} added`
    case 'Remove': return `${change.name} removed`
    case 'Replace': return `${change.name} replaced`
    case 'Update': return `${change.name}: ${[
      ...(change.nic ? ['another NIC'] : []),
      ...(change.layers._tag === 'Rebuild' ? ['other layers'] : change.layers.positions.length > 0 ? ['other policy'] : []),
    ].join(', ')}`
  }
}
