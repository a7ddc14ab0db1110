/**
 * An IPv4 VM and an IPv6 service: the VM's port translates.
 *
 * One rule does it. Outbound the address of the service is translated into IPv6, and the VM's own into the prefix its network has
 * for IPv4 hosts; the rule is stateful, so answers are translated back without a rule of their own, and so are ICMPv6
 * errors about the connection's packets, with the packet that they quote: it is how the VM learns the path's MTU.
 */
import {
  block, buildFrame, dissect, emitFrame, formatFrame, type Frame, ipv6, openSwitch, orThrow, parseMac, rulesLayer, translate,
} from '@vfp-ts/core'

const vm = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.0.4'] }))
const rules = rulesLayer('nat64', [block, translate])
const layer = orThrow(vm.addLayer(rules, { order: 30 }))
orThrow(layer.updateJson({
  outbound: [{
    name: 'to-ipv6',
    rules: [{
      // The VM knows the service as 198.51.100.7; RFC 6052 embeds that in the last 32 bits of a /96.
      id: 'service', when: { dstIp: '198.51.100.0/24' }, do: 'translate', stateful: true,
      with: { to: 6, src: '2001:db8:46::/96', dst: '2001:db8:64::/96' },
    }],
  }],
  // What answers nothing the VM sent stays outside.
  inbound: [{ name: 'from-ipv6', rules: [{ do: 'block', with: { reason: 'Unsolicited' } }] }],
}))

const show = (title: string, frame: Uint8Array): void => { console.log(`${title}\n${formatFrame(orThrow(dissect(frame))).replaceAll(/^/gm, '  ')}`) }
const through = (direction: 'outbound' | 'inbound', title: string, frame: Uint8Array): Uint8Array => {
  const { outcome, outputs } = vm.process(direction, frame)
  const [output] = outputs
  if (output === undefined) throw new Error(`${title}: ${JSON.stringify(outcome)}`)
  show(title, output.frame)
  return output.frame
}

const syn = orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.0.4', dstIp: '198.51.100.7', dstPort: 443 }))
show('the VM sends', syn)
const sent = through('outbound', 'on the wire', syn)

const answer = orThrow(buildFrame({
  proto: 'tcp', srcIp: '2001:db8:64::c633:6407', dstIp: '2001:db8:46::a00:4', srcPort: 443, dstPort: 49152, flags: ['Syn', 'Ack'],
  srcMac: '12:34:56:78:9a:bc', dstMac: '00:15:5d:00:00:01',
}))
through('inbound', 'the answer, as the VM gets it', answer)

/** A router's Packet Too Big (RFC 4443 §3.2) about a packet: MTU 1400, and the packet from its IPv6 header on. */
const tooBig = (about: Uint8Array): Uint8Array => {
  const { net } = orThrow(dissect(about)).groups[0]
  if (net?.kind !== 'ipv6') throw new Error('the packet is not IPv6')
  const error: Frame = {
    groups: [{
      eth: { destination: orThrow(parseMac('00:15:5d:00:00:01')), source: orThrow(parseMac('12:34:56:78:9a:bc')), etherType: 0x86dd },
      vlans: [],
      net: { kind: 'ipv6', source: ipv6(0x20010db8, 0, 0, 0xfe), destination: net.source, protocol: 58, hopLimit: 61, dscp: 0, ecn: 0, flowLabel: 0, extensions: [] },
      transport: { kind: 'icmpv6', type: 2, code: 0, rest: 1400 },
    }],
    payload: about.subarray(14),
  }
  return orThrow(emitFrame(error))
}
const error = through('inbound', 'a router\'s Packet Too Big, as the VM gets it', tooBig(sent))

// What the error quotes is the packet as the VM sent it: its TCP finds the connection by that, and the MTU is one of IPv4.
const { groups: [{ transport }], payload } = orThrow(dissect(error))
const quoted = (from: number): string => payload.subarray(from, from + 4).join('.')
if (transport?.kind === 'icmp') console.log(`it quotes ${quoted(12)} > ${quoted(16)}, and says MTU ${transport.rest & 0xffff}`)

// A packet that this VM never sent: nobody may use an error about it to get in.
const foreign = orThrow(buildFrame({ proto: 'tcp', srcIp: '2001:db8:46::a00:4', dstIp: '2001:db8:64::c633:6407', srcPort: 50_000, dstPort: 443 }))
const { outcome } = vm.process('inbound', tooBig(foreign))
console.log('about another packet:', outcome._tag === 'Dropped' ? `dropped as ${outcome.reason}` : outcome._tag)
for (const flow of vm.flows()) console.log(`${flow.direction} ${flow.key}\n  ${flow.transposition}`)
