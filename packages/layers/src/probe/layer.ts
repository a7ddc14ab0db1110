/**
 * The probe layer: the edge of a host answers probes in the place of the VMs behind it.
 *
 * A provider cannot look into tenants' VMs, and a VM that does not answer may be broken or merely busy. What the provider is responsible for is the path:
 * from one VM's port through its layers, the tunnel, the underlay and the other VM's layers to its port. So a prober injects packets at one
 * port as if its VM had sent them, and this layer answers them at the other port as if that VM had.
 *
 * @see VFP §10.2 on end-to-end monitoring by auto-responders
 */
import {
  answerBy, between, type Condition, defineLayer, defineRuleType, type Group, is, type LayerEnvironment, type LayerType, type Mac, MacText, oneOf,
  type Policy, PortNumber, type Problem, type Responder, rule, type RuleType, strictly, strictlyPartial,
} from '@vfp-ts/core'
import * as t from 'io-ts'
import { type Objection, refined } from '../codecs.js'
import { groupName } from '../names.js'
import { resourceObject, resourceOrName } from '../resource.js'
import { isInbox, type ProbeInbox } from './inbox.js'
import { probeAnswer } from './probe-answer.js'

/** The UDP port that probes are sent to, unless a policy says another. */
export const PROBE_PORT = 61_000

/** The UDP ports that probes are sent from, unless a policy says others. They are many, so that probes are spread over the paths of an underlay. */
export const PROBE_SOURCES: PortRange = { from: 61_001, to: 61_255 }

/** A range of ports, both ends included. */
export interface PortRange {
  /** The lowest port, 0–65535. */
  readonly from: number
  /** The highest port, from `from` to 65535. */
  readonly to: number
}

/** The probe layer's configuration, as written and as read. With an empty object the layer answers probes, and leaves answers to the VM. */
export interface ProbeConfig {
  /** UDP port that probes are sent to, the same at all hosts, and not among `sources`; {@link PROBE_PORT} unless said. */
  readonly port?: number
  /** UDP ports that probes are sent from, the same at all hosts; {@link PROBE_SOURCES} unless said. */
  readonly sources?: PortRange
  /** Whether probes are answered; `true` unless said. */
  readonly answer?: boolean
  /**
   * The inbox that answers to this port's probers are given to: the object, or the name of a resource that the switch was opened with.
   * Without it they pass to the VM.
   */
  readonly inbox?: ProbeInbox | string
}

const objection = ({ port = PROBE_PORT, sources = PROBE_SOURCES }: ProbeConfig): Objection | undefined => {
  if (sources.from > sources.to) return { at: 'sources', reason: 'expected ports from … to in ascending order' }
  return port >= sources.from && port <= sources.to ? { at: 'port', reason: 'is among the sources: a question could not be told from an answer' } : undefined
}

const codec: t.Type<ProbeConfig> = refined<ProbeConfig, ProbeConfig, ProbeConfig>(
  strictlyPartial(
    {}, { port: PortNumber, sources: strictly({ from: PortNumber, to: PortNumber }, 'a range of ports'), answer: t.boolean, inbox: resourceOrName<ProbeInbox>('an inbox') }, 'a probe policy',
  ),
  objection,
)

/** Rule type that answers a probe by {@link probeAnswer}. Drops, as `NoReply`, packets that are no whole and undamaged probe. */
export const answerProbe: RuleType<'answer-probe', {
  /** Source MAC of the answers: that of the port. */
  readonly mac: Mac
}, object, Map<Mac, Responder>> = defineRuleType({
  name: 'answer-probe',
  config: strictly({ mac: MacText }, 'who answers'),
  init: () => new Map<Mac, Responder>(),
  decide: ({ mac }, _flow, known: Map<Mac, Responder>) => {
    const one = known.get(mac) ?? probeAnswer(mac)
    known.set(mac, one)
    return answerBy(one)
  },
})

/** Rule type that gives answers to probes to an inbox. Drops, as `NoReply`, packets that the inbox does not take. */
export const takeProbe: RuleType<'take-probe', {
  /** The inbox, as an object; its written form is its name. */
  readonly inbox: ProbeInbox
}, object, undefined> = defineRuleType({
  name: 'take-probe',
  config: strictly({ inbox: resourceObject<ProbeInbox>('an inbox') }, 'who takes'),
  decide: ({ inbox }) => answerBy(inbox.responder),
})

const groups = (config: ProbeConfig, environment: LayerEnvironment): readonly Group[] => {
  const { port = PROBE_PORT, sources = PROBE_SOURCES } = config
  const inbox = inboxOf(config, environment)
  const { mac, ips } = environment.port
  const forPort: readonly Condition[] = [is('dstMac', mac), ...(ips.length === 0 ? [] : [oneOf('dstIp', ips)]), is('proto', 17)]
  return [{
    name: groupName(environment),
    direction: 'inbound',
    rules: [
      ...(config.answer === false ? [] : [rule(answerProbe, { mac }, { id: 'probe', when: [...forPort, is('dstPort', port), between('srcPort', sources.from, sources.to)] })]),
      ...(inbox === undefined ? [] : [rule(takeProbe, { inbox }, { id: 'answer', when: [...forPort, is('srcPort', port), between('dstPort', sources.from, sources.to)] })]),
    ],
  }]
}

const inboxOf = ({ inbox }: ProbeConfig, { resource }: LayerEnvironment): ProbeInbox | undefined => {
  const found: unknown = typeof inbox === 'string' ? resource(inbox) : inbox
  return isInbox(found) ? found : undefined
}

const check = (config: ProbeConfig, environment: LayerEnvironment): readonly Problem[] =>
  config.inbox === undefined || inboxOf(config, environment) !== undefined ? [] : [{
    path: '/inbox', reason: typeof config.inbox === 'string' ? `the switch was not opened with an inbox named "${config.inbox}"` : 'is no inbox, such as probeInbox makes',
  }]

const layer = defineLayer({ name: 'probe', codec, groups, check })

/**
 * Answers probes in the place of the VM, and takes the answers to this port's own probes. It stands nearest the VM, such as at order 2, so that
 * probes pass the same layers as the VM's packets; a firewall between has to let them pass.
 *
 * Inbound, UDP to {@link PROBE_PORT} from {@link PROBE_SOURCES} is a question, and UDP from the one to the others an answer. Both ports of a
 * datagram must be reserved numbers, which lie above the range from which Linux chooses ports (32768–60999): other datagrams of a VM that has a
 * service on one of them pass to it. {@link openProber} sends the questions.
 *
 * ```ts
 * import { buildFrame, openSwitch, orThrow } from '@vfp-ts/core'
 * import { probe, PROBE_PORT } from '@vfp-ts/layers'
 *
 * const vm = orThrow(openSwitch().addPort({ name: 'vm-2', mac: '00:15:5d:00:00:02', ip: ['10.0.1.5'] }))
 * orThrow(orThrow(vm.addLayer(probe.layer, { order: 2 })).update(probe.policy({})))
 * const question = { proto: 'udp', srcIp: '10.0.1.4', dstIp: '10.0.1.5', srcPort: 61_007, dstPort: PROBE_PORT, dstMac: '00:15:5d:00:00:02' } as const
 * console.log(vm.explain('inbound', orThrow(buildFrame(question))).verdict)
 * ```
 *
 * ```text output
 * reply by probe
 * ```
 *
 * Drops inbound: `NoReply` for packets with the ports of probes that are none, and for answers that no prober waits for.
 *
 * Refused: an inbox that the switch does not know, a port among the sources.
 *
 * @see VFP §10.2
 */
export const probe: {
  /** The layer type, for `addLayer` of a port. */
  readonly layer: LayerType<'probe', ProbeConfig, ProbeConfig>
  /** Returns the policy of a configuration, for `update` of the layer, which checks it. */
  readonly policy: (config: ProbeConfig) => Policy<'probe'>
} = { layer, policy: layer.policy }
