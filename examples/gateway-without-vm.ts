/**
 * A gateway without a VM: two ports of a host, behind which nobody is, bridge a tenant of VXLAN hosts and one of Geneve hosts by
 * rules alone.
 *
 * A packet comes out of one tenant's tunnel at that tenant's port, and a hairpin sends it into the outbound path of the other's,
 * where it gets the other's tunnel. Questions for a MAC (ARP, neighbour discovery) come the same way, and the port answers them
 * itself: for itself, and for whoever is on the other side. The answer goes out through the port's own outbound path, and
 * so back into the tunnel that the question came by.
 *
 * @see VFP §7.2
 */
import {
  allow, block, buildFrame, decap, directory, dissect, emitFrame, encap, formatFrame, formatIp, hairpin, openSwitch, orThrow, parseIp, parseMac, type Port,
  rulesLayer, type Switch, wire,
} from '@vfp-ts/core'
import { responder } from '@vfp-ts/layers'

/** The two sides: who is there, how it is tunnelled, and what the gateway is to it. */
const RED = {
  name: 'red', vni: 5001, tunnel: 'vxlan', host: '192.0.2.1', gatewayMac: '02:00:00:00:00:51', prefixes: ['10.1.1.0/24', 'fd00:1:0:1::/64'],
  vm: { mac: '00:15:5d:00:01:04', ip: ['10.1.1.4', 'fd00:1:0:1::4'] },
} as const
const BLUE = {
  name: 'blue', vni: 7001, tunnel: 'geneve', host: '192.0.2.2', gatewayMac: '02:00:00:00:00:71', prefixes: ['10.1.2.0/24', 'fd00:1:0:2::/64'],
  vm: { mac: '00:15:5d:00:02:05', ip: ['10.1.2.5', 'fd00:1:0:2::5'] },
} as const
type Side = typeof RED | typeof BLUE
const GATEWAY = '192.0.2.254'

const homes = directory('homes')
for (const { vni, host, vm } of [RED, BLUE]) for (const ip of vm.ip) orThrow(homes.add({ vni, ip, at: [{ pa: host, mac: vm.mac }] }))

// The underlay: a frame goes to the host whose address its tunnel names. What it carries is written down on the way.
const hosts = new Map<string, Switch>()
const said: string[] = []
const inShort = (frame: Uint8Array): string =>
  formatFrame(orThrow(dissect(frame))).split('\n').map((line) => line.trim().replace(/^(IPv.*?),.*/, '$1')).filter((line) => !/^(Ethernet|UDP|payload)/.test(line)).join(' | ')
const underlay = (frame: Uint8Array): void => {
  const [{ net }] = orThrow(dissect(frame)).groups
  const to = net === undefined || net.kind === 'arp' ? '' : formatIp(net.destination)
  said.push(`on the wire: ${inShort(frame)}`)
  hosts.get(to)?.fromNetwork(frame.slice())
}

// The gateway.
const gateway = openSwitch({ resources: { homes }, environment: { toNetwork: underlay } })
hosts.set(GATEWAY, gateway)

/** A rule type as data: a tunnel to the home of an address that a field of the packet names. */
const tunnelTo = (name: string, tunnel: string, field: string): object => ({
  name,
  parameters: { vni: 'vni', gatewayMac: 'mac' },
  lookups: { home: { in: 'homes', key: { vni: { param: 'vni' }, ip: { field } }, absent: 'NobodyThere' } },
  transposition: {
    edit: [{ set: { dstMac: { lookup: 'home', take: 'endpoints.0.mac' }, srcMac: { param: 'gatewayMac' } } }],
    push: [{
      tunnel, vni: { param: 'vni' }, srcIp: GATEWAY, dstIp: { lookup: 'home', take: 'endpoints.0.pa' }, srcPort: { hash: 16 },
      srcMac: '00:00:00:00:00:00', dstMac: '00:00:00:00:00:00',
    }],
  },
})

const sideOfGateway = (side: Side, other: Side): Port => {
  const port = orThrow(gateway.addPort({ name: side.name, mac: side.gatewayMac, vni: side.vni }))
  const turn = orThrow(port.addLayer(rulesLayer('turn', [hairpin, block]), { order: 10 }))
  orThrow(turn.updateJson({
    inbound: [{
      name: 'across',
      rules: [{ id: `to-${other.name}`, when: { dstIp: other.prefixes }, do: 'hairpin', with: { port: other.name } }, { id: 'nobody', priority: 900, do: 'block', with: { reason: 'NotAcross' } }],
    }],
  }))
  orThrow(orThrow(port.addLayer(responder.layer, { order: 20 })).update(responder.policy({
    asked: 'network',
    gateways: [{ ip: ['10.1.0.1', 'fd00:1::1'], mac: side.gatewayMac }],
    neighbours: { directory: 'homes', vni: other.vni, mac: 'gateway' },
  })))
  const tunnel = orThrow(port.addLayer(rulesLayer('tunnel', [allow, block, decap]), { order: 40 }))
  const config = { vni: side.vni, gatewayMac: side.gatewayMac }
  orThrow(tunnel.updateJson({
    types: [tunnelTo('to-home', side.tunnel, 'dstIp'), tunnelTo('to-asker', side.tunnel, 'arpTarget')],
    outbound: [{ name: 'homes', rules: [{ id: 'arp', when: { arpOperation: 2 }, do: 'to-asker', with: config }, { id: 'ip', when: { etherType: ['ipv4', 'ipv6'] }, do: 'to-home', with: config }] }],
    inbound: [{ name: 'tenant', rules: [{ id: 'out', when: { vni: side.vni, dstIp: GATEWAY }, do: 'decap' }, { id: 'stranger', priority: 900, do: 'block', with: { reason: 'NotOfTenant' } }] }],
  }))
  return port
}
const gates = { red: sideOfGateway(RED, BLUE), blue: sideOfGateway(BLUE, RED) }

// Two ordinary hosts, which know of each other's tenant nothing but the gateway. The blue VM answers pings.
const ordinaryHost = (side: Side): Switch => {
  const host = openSwitch({
    environment: {
      toNetwork: underlay,
      toVm: (_port, frame) => {
        said.push(`to the ${side.name} VM: ${inShort(frame)}`)
        const answer = side === BLUE ? pong(frame) : undefined
        if (answer !== undefined) host.fromVm(side.name, answer)
      },
    },
  })
  hosts.set(side.host, host)
  const port = orThrow(host.addPort({ name: side.name, mac: side.vm.mac, vni: side.vni, ip: side.vm.ip }))
  const layer = orThrow(port.addLayer(rulesLayer('tunnel', [encap, decap]), { order: 40 }))
  orThrow(layer.updateJson({
    outbound: [{ name: 'all', rules: [{ do: 'encap', with: { tunnel: side.tunnel, vni: side.vni, srcIp: side.host, dstIp: GATEWAY } }] }],
    inbound: [{ name: 'tenant', rules: [{ when: { vni: side.vni }, do: 'decap' }] }],
  }))
  return host
}

/** What a VM says to a ping. */
const pong = (frame: Uint8Array): Uint8Array | undefined => {
  const { groups: [{ eth, net, transport }], payload } = orThrow(dissect(frame))
  const echo = transport?.kind === 'icmp' ? { asked: 8, answered: 0 } : { asked: 128, answered: 129 }
  if (net === undefined || net.kind === 'arp' || (transport?.kind !== 'icmp' && transport?.kind !== 'icmpv6') || transport.type !== echo.asked) return undefined
  return orThrow(emitFrame({
    groups: [{
      eth: { ...eth, source: eth.destination, destination: eth.source }, vlans: [], net: { ...net, source: net.destination, destination: net.source },
      transport: { ...transport, type: echo.answered },
    }],
    payload,
  }))
}

const red = ordinaryHost(RED)
const blue = ordinaryHost(BLUE)

const whoHas = (from: Side, target: string): Uint8Array => {
  const source = orThrow(parseMac(from.vm.mac))
  return orThrow(emitFrame({
    groups: [{
      eth: { destination: 0xffff_ffff_ffff, source, etherType: 0x0806 }, vlans: [],
      net: { kind: 'arp', operation: 1, senderMac: source, senderIp: orThrow(parseIp(from.vm.ip[0])), targetMac: 0, targetIp: orThrow(parseIp(target)) },
    }],
    payload: new Uint8Array(0),
  }))
}
const solicit = (from: Side, text: string): Uint8Array => {
  const target = orThrow(parseIp(text))
  const destination = wire.ndpRules.solicitedNode(target)
  const source = orThrow(parseMac(from.vm.mac))
  return orThrow(emitFrame({
    groups: [{
      eth: { destination: wire.ndpRules.multicastMac(destination), source, etherType: 0x86dd }, vlans: [],
      net: { kind: 'ipv6', source: orThrow(parseIp(from.vm.ip[1])), destination, protocol: 58, hopLimit: 255, dscp: 0, ecn: 0, flowLabel: 0, extensions: [] },
      transport: { kind: 'icmpv6', type: 135, code: 0 },
    }],
    payload: orThrow(wire.ndp.ndpPayload({ kind: 'neighbor-solicitation', target, options: [{ kind: 'source-link-address', mac: source }] })),
  }))
}
const packet = (from: Side, to: Side, proto: 'icmp' | 'udp', version: 0 | 1): Uint8Array =>
  orThrow(buildFrame({ proto, srcIp: from.vm.ip[version], dstIp: to.vm.ip[version], dstPort: 514, srcMac: from.vm.mac, dstMac: from.gatewayMac }))

for (const [what, host, side, frame] of [
  ['the red VM asks who has the blue one\'s address', red, RED, whoHas(RED, BLUE.vm.ip[0])],
  ['the red VM pings the blue one', red, RED, packet(RED, BLUE, 'icmp', 0)],
  ['the blue VM asks for the red one by IPv6', blue, BLUE, solicit(BLUE, RED.vm.ip[1])],
  ['the blue VM sends to the red one by IPv6', blue, BLUE, packet(BLUE, RED, 'udp', 1)],
  ['the red VM asks for somebody who is nowhere', red, RED, whoHas(RED, '10.1.2.99')],
  ['the red VM asks for the gateway itself', red, RED, whoHas(RED, '10.1.0.1')],
] as const) {
  said.length = 0
  host.fromVm(side.name, frame)
  console.log(`${what}\n${said.join('\n').replaceAll(/^/gm, '  ')}`)
}

/** A frame as the gateway gets it. */
const inTunnel = (side: Side, frame: Uint8Array): Uint8Array => {
  const port = hosts.get(side.host)?.port(side.name)
  const [output] = port?.process('outbound', frame).outputs ?? []
  if (output === undefined) throw new Error('nothing left')
  return output.frame
}
console.log(String(gates.red.explain('inbound', inTunnel(RED, whoHas(RED, BLUE.vm.ip[0])))))
console.log(String(gates.red.explain('inbound', inTunnel(RED, packet(RED, BLUE, 'icmp', 0)))))
for (const { identity, flows, counters } of Object.values(gates)) {
  console.log(`the gateway's ${identity.name} port: ${flows().length} flows, drops ${JSON.stringify(counters().drops)}`)
}
