/** What the tests of the responder ask, and what comes back in words. */
import { dissect, emitFrame, formatFrame, type HeaderGroup, orThrow, type Port, wire } from '@vfp-ts/core'
import { ip, mac } from '../support.js'

const { multicastMac, solicitedNode, UNSPECIFIED } = wire.ndpRules

/** The MAC of the VM that asks. */
export const VM = '00:15:5d:00:00:04'

type Vlans = HeaderGroup['vlans']

/** An ARP request, behind VLAN tags if given. */
export const whoHas = (target: string, sender = '10.0.1.4', vlans: Vlans = []): Uint8Array => orThrow(emitFrame({
  groups: [{
    eth: { destination: mac('ff:ff:ff:ff:ff:ff'), source: mac(VM), etherType: 0x0806 }, vlans,
    net: { kind: 'arp', operation: 1, senderMac: mac(VM), senderIp: ip(sender), targetMac: 0, targetIp: ip(target) },
  }],
  payload: new Uint8Array(0),
}))

/** A neighbour solicitation; from `::` without the option that tells the sender's MAC. */
export const solicitation = (target: string, sender = 'fd00::4', change: { readonly hopLimit?: number; readonly vlans?: Vlans } = {}): Uint8Array => {
  const probe = ip(sender).words.every((w) => w === 0)
  const to = solicitedNode(ip(target))
  return orThrow(emitFrame({
    groups: [{
      eth: { destination: multicastMac(to), source: mac(VM), etherType: 0x86dd }, vlans: change.vlans ?? [],
      net: {
        kind: 'ipv6', source: probe ? UNSPECIFIED : ip(sender), destination: to, protocol: 58, hopLimit: change.hopLimit ?? 255, dscp: 0, ecn: 0, flowLabel: 0, extensions: [],
      },
      transport: { kind: 'icmpv6', type: 135, code: 0 },
    }],
    payload: orThrow(wire.ndp.ndpPayload({ kind: 'neighbor-solicitation', target: ip(target), options: probe ? [] : [{ kind: 'source-link-address', mac: mac(VM) }] })),
  }))
}

/** What comes back to the VM as core writes frames, with what is inside a neighbour advertisement; else what became of the question. */
export const answered = (port: Port, frame: Uint8Array): readonly string[] => {
  const { outcome, outputs } = port.process('outbound', frame)
  if (outcome._tag !== 'Answered') return [outcome._tag === 'Passed' ? 'passed' : outcome.reason]
  return outputs.flatMap(({ to, why, frame: bytes }) => [`${why} to ${to}`, ...inWords(bytes)])
}

/** A frame as core writes it, line by line. */
export const inWords = (bytes: Uint8Array): readonly string[] => {
  const frame = orThrow(dissect(bytes))
  const transport = frame.groups[0].transport
  const message = transport?.kind === 'icmpv6' && wire.ndp.isNdp(transport.type) ? [wire.ndp.formatNdp(orThrow(wire.ndp.parseNdp(transport.type, frame.payload, 0, frame.payload.length)).repr)] : []
  return [...formatFrame(frame).split('\n').map((line) => line.trim()).filter((line) => message.length === 0 ? line !== 'payload 0 bytes' : !line.startsWith('payload ')), ...message]
}
