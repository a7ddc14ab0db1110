/** A port whose rules ask a resource that answers late. */
import * as t from 'io-ts'
import {
  type AnyRuleType, type Decision, defineRuleType, type Environment, type FlowContext, type LayerHandle, manualClock, modify, orThrow, pend, type Port, proceed, refuse,
  type Resource, type RulesConfig, rulesLayer, type Switch, type SwitchOptions,
} from '../../src/index.js'
import { type LateOptions, type LateResource, lateResource } from '../../src/testing/late-resource.js'
import { BUILT_IN, frame, hostOf, show } from './support.js'

/** A segment to a port, the key that the rules below ask about. */
export const to = (dstPort: number, more: Parameters<typeof frame>[0] = {}): Uint8Array => frame({ dstPort, ...more })

/** What is told when the packet to a port has left, changed by its answer. */
export const released = (dstPort: number): string => `released vm-1 to network: tcp 10.0.0.1:${truth(dstPort)} > 10.0.0.2:${dstPort}`

/** Destination ports that the resource has values for are even; the value becomes the source port. */
export const truth = (key: number): number | undefined => (key % 2 === 0 ? 10_000 + (key % 1000) : undefined)

/** A rule that decides by one key, the packet's destination port; `ask` is how. */
const asking = (name: string, ask: (flow: FlowContext, port: number) => Decision): AnyRuleType =>
  defineRuleType({ name, config: t.unknown, decide: (_, flow: FlowContext) => ask(flow, flow.number('dstPort') ?? 0) })

/** Looks the destination port up, writes what it finds to the source port, and drops the absent as `NoRoute`. */
export const lookingUp = (name: string, resource: Resource<number, number>): AnyRuleType =>
  asking(name, (flow, key) => {
    const found = flow.lookup(resource, key)
    return found._tag === 'Some' ? proceed(modify({ srcPort: found.value })) : refuse('NoRoute')
  })

/** As {@link lookingUp}, but sends what is not known by a gateway, DSCP 9. */
export const byGateway = (name: string, resource: Resource<number, number>): AnyRuleType =>
  asking(name, (flow, key) => {
    const found = flow.ask(resource, key)
    if (found._tag === 'Unknown') return proceed(modify({ dscp: 9 }))
    return found._tag === 'Found' ? proceed(modify({ srcPort: found.value })) : refuse('NoRoute')
  })

/** Waits of its own accord where the answer is not known. */
export const waiting = (name: string, resource: Resource<number, number>): AnyRuleType =>
  asking(name, (flow, key) => (flow.ask(resource, key)._tag === 'Unknown' ? pend() : proceed()))

/** What a bench is made of. */
export interface PendingBench {
  readonly clock: ReturnType<typeof manualClock>
  readonly places: LateResource<number, number>
  readonly host: Switch
  readonly ports: readonly Port[]
  readonly port: Port
  readonly layer: LayerHandle<'late'>
  /** What left later and which keys were missed, since it was last asked. */
  readonly told: () => readonly string[]
}

/** Ports `vm-1` …, with rules `route` (looks up), `gateway` and `wait` over one late resource, and the built-in ones. */
export const pendingBench = (
  options: { readonly late?: Partial<LateOptions>; readonly ports?: number; readonly more?: readonly AnyRuleType[]; readonly bridged?: boolean; readonly deliver?: NonNullable<Environment['deliver']> } & Omit<SwitchOptions, 'environment' | 'clock'> = {},
  outbound: readonly object[] = [{ do: 'route' }],
): PendingBench => {
  const { late, ports: n, more, bridged, deliver, ...rest } = options
  const clock = manualClock(1_000_000)
  const places = lateResource('places', truth, clock, { seed: 1, ...late })
  const log: string[] = []
  const environment: Environment = {
    onMiss: (m) => { log.push(`missed ${m.keyText} of ${m.resource} by ${m.layer} of ${m.port.name} ${m.direction}, ${m.waiting} waiting`) },
    ...(deliver !== undefined ? { deliver } : bridged === true
      ? { toVm: (p, f) => { log.push(`${p.name} < ${show(f)}`) }, toNetwork: (f) => { log.push(`network < ${show(f)}`) } }
      : { released: (p, to, why, f) => { log.push(`${why} ${p.name} to ${to}: ${show(f)}`) } }),
  }
  const { host, ports } = hostOf(n ?? 1, { ...rest, clock, environment })
  const types = rulesLayer('late', [...BUILT_IN, lookingUp('route', places), byGateway('gateway', places), waiting('wait', places), ...(more ?? [])])
  const layer = orThrow(ports[0]!.addLayer(types, { order: 1 }))
  orThrow(layer.updateJson({ outbound: [{ name: 'g', rules: outbound as RulesConfig['outbound'] }] }))
  for (const port of ports.slice(1)) orThrow(port.addLayer(types, { order: 1 }))
  return { clock, places, host, ports, port: ports[0]!, layer, told: () => log.splice(0) }
}

/** A layer of the bench's rule types for another port. */
export const programOutbound = (bench: PendingBench, port: number, rules: readonly object[]): void => {
  const types = rulesLayer('late', [...BUILT_IN, lookingUp('route', bench.places), byGateway('gateway', bench.places), waiting('wait', bench.places)])
  orThrow(orThrow(bench.ports[port]!.addLayer(types, { order: 2, name: 'more' })).updateJson({ outbound: [{ name: 'g', rules }] }))
}
