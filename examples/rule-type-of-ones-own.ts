/**
 * A rule type of one's own: tunnels packets to one of several gateways, chosen by the flow's hash, and counts what each
 * gateway got. The engine knows nothing of it, and caches its decisions all the same: `decide` runs once a flow, the
 * counting for every packet, because a side effect belongs in an action context.
 */
import {
  type ActionContext, buildFrame, defineRuleType, encap, formatIp, Ip, openSwitch, orThrow, refuse, rulesLayer, strictly, Vni,
} from '@vfp-ts/core'
import * as t from 'io-ts'

interface GatewayState {
  readonly packets: Map<string, number>
  readonly contexts: readonly ActionContext[]
}

const viaGateway = defineRuleType({
  name: 'via-gateway',
  config: strictly({ vni: Vni, underlay: Ip, gateways: t.readonlyArray(Ip) }),
  init: ({ gateways }): GatewayState => {
    const packets = new Map(gateways.map((ip) => [formatIp(ip), 0]))
    return {
      packets,
      contexts: [...packets.keys()].map((ip) => ({ label: `count for ${ip}`, onPacket: () => packets.set(ip, (packets.get(ip) ?? 0) + 1) })),
    }
  },
  report: ({ packets }: GatewayState) => Object.fromEntries(packets),
  decide: ({ vni, underlay, gateways }, flow, { contexts }: GatewayState) => {
    const chosen = flow.flowHash % gateways.length
    const dstIp = gateways[chosen]
    if (dstIp === undefined) return refuse('NoGateway')
    return { ...encap.decide({ srcIp: underlay, dstIp, vni }, flow, undefined), contexts: contexts.slice(chosen, chosen + 1) }
  },
})

const edge = rulesLayer('edge', [viaGateway])
const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
const handle = orThrow(vm.addLayer(edge, { order: 10 }))
// As data: the type's own codec reads `with`.
orThrow(handle.updateJson({
  outbound: [{
    name: 'to-the-world',
    rules: [{ do: 'via-gateway', with: { vni: 7, underlay: '192.0.2.1', gateways: ['198.51.100.1', '198.51.100.2', '198.51.100.3'] } }],
  }],
}))

for (let i = 0; i < 300; i++) {
  const frame = orThrow(buildFrame({ proto: 'udp', srcIp: '10.0.0.4', dstIp: '203.0.113.9', srcPort: 40_000 + (i % 60), dstPort: 443 }))
  vm.process('outbound', frame)
}
for (const { type, walks, packets, state } of handle.rules()) console.log(`${type}: ${packets} packets in ${walks} walks`, state)
for (const { key, packets, transposition } of vm.flows().slice(0, 3)) console.log(`${key}: ${packets} packets\n  ${transposition}`)
