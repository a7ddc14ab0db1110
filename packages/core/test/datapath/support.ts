/** One port with a layer of built-in rules and rules of the tests' own, time that is told, and packets in few words. */
import { List } from 'immutable'
import { manualClock, type ManualClock } from '../../src/clock.js'
import { orThrow } from '../../src/errors.js'
import { type Directory, directory } from '../../src/policy/directory.js'
import { emptyPolicy, insertLayer, replaceGroups } from '../../src/policy/port-policy.js'
import { type CompiledPort, emptyPort } from '../../src/pipeline/compiled-port.js'
import { publish } from '../../src/pipeline/publish.js'
import type { GroupJson, RuleJson, RulesJson } from '../../src/policy/rules-layer.js'
import type { LayerHandle } from '../../src/switch/layer-handle.js'
import type { Port } from '../../src/switch/port.js'
import { openSwitch, type SwitchOptions } from '../../src/switch/switch.js'
import { prepare, start } from '../../src/switch/transaction.js'
import { testLayer } from '../../src/testing/policy-arbitraries.js'
import { answer, frameOf, type Packet, type Tweak } from '../../src/testing/traffic-frames.js'

/** A port whose layers are named `l0`, `l1`, … from the VM side. */
export interface Bench {
  readonly port: Port
  readonly clock: ManualClock
  readonly routes: Directory
  readonly layers: readonly LayerHandle<'test'>[]
}

/** A port with layers of these policies, at which every tunnel from the network ends. */
export const bench = (policies: readonly RulesJson[], options: SwitchOptions = {}): Bench => {
  const clock = manualClock(1_000_000)
  const routes = directory('routes')
  const port = orThrow(openSwitch({ clock, tunnelEnds: [{}], ...options }).addPort({ name: 'a', mac: '00:15:5d:00:00:01' }))
  const type = testLayer(routes)
  const layers = policies.map((policy, i) => {
    const layer = orThrow(port.addLayer(type, { order: i, name: `l${i}` }))
    orThrow(layer.updateJson(policy))
    return layer
  })
  return { port, clock, routes, layers }
}

/** A policy of one group a direction. */
export const policy = (rules: { readonly outbound?: readonly RuleJson[]; readonly inbound?: readonly RuleJson[] }): RulesJson => {
  const groups = (list: readonly RuleJson[]): readonly GroupJson[] => [{ name: 'g0', rules: list }]
  return {
    ...(rules.outbound === undefined ? {} : { outbound: groups(rules.outbound) }),
    ...(rules.inbound === undefined ? {} : { inbound: groups(rules.inbound) }),
  }
}

/** A compiled port with one layer, as `Control` would publish it. */
export const compiled = (config: RulesJson): CompiledPort => {
  const identity = { name: 'a', mac: 1, ips: [] }
  const prepared = orThrow(prepare(testLayer(), 'l0', config, { port: identity, group: undefined, resource: () => undefined }))
  const groups = orThrow(start('l0', prepared, List()))
  const layer = { key: 1, name: 'l0', type: 'test', version: 0, groups: List<never>() }
  const inserted = insertLayer(emptyPolicy, layer, { order: 0 })
  if (inserted._tag === 'Left') throw new Error(inserted.left)
  const published = publish(replaceGroups(inserted.right, 1, groups), emptyPort)
  if (published._tag === 'Left') throw new Error(published.left.reason)
  return published.right
}

/** A packet of the traffic's pools: TCP from `10.0.0.4:80` to `10.0.1.4:443`, or what it is told to be. */
export const packet = (direction: 'outbound' | 'inbound', said: Partial<Packet> = {}): Uint8Array =>
  frameOf({ kind: 'tcp', host: 0, peer: 0, ports: direction === 'outbound' ? [0, 1] : [1, 0], payload: 0, tunnel: undefined, tweak: {}, ...said }, direction)

/** The answer to what a port last gave out. */
export const answerTo = (bytes: Uint8Array, tweak: Tweak = {}): Uint8Array => {
  const back = answer(bytes, tweak)
  if (back === undefined) throw new Error('nobody answers that')
  return back
}

/** Where a frame went, or why it did not. */
export const fate = (port: Port, direction: 'outbound' | 'inbound', frame: Uint8Array): string => {
  const { outcome } = port.process(direction, frame)
  return outcome._tag === 'Passed' ? 'passed' : outcome.reason
}

/** What came out of a port for a frame that passed. */
export const through = (port: Port, direction: 'outbound' | 'inbound', frame: Uint8Array): Uint8Array => {
  const { outcome, outputs } = port.process(direction, frame)
  const last = outputs.at(-1)
  if (outcome._tag === 'Dropped' || last === undefined) throw new Error(`dropped: ${outcome._tag === 'Dropped' ? outcome.reason : 'without a trace'}`)
  return last.frame
}

/** Repetitions of a property: `VFP_RUNS` times as many as usual. */
export const runs = (usual: number): number => Math.ceil(usual * Number(process.env.VFP_RUNS ?? '1'))
