/**
 * A program for the live tests: `echo-host.js LOCAL` is a VM 10.1.0.1 behind VXLAN in UDP sockets, which answers ARP and
 * pings. Says `ready`; on SIGTERM, its NIC's counters.
 */
import { dissect, emitFrame, type Frame, type HeaderGroup, orThrow, parseIp, parseMac } from '@vfp-ts/core'
import { isLeft } from 'fp-ts/lib/Either.js'
import type { Nic } from '../../src/nic/nic.js'
import { openOrFail, orFail } from './wrapping.js'

const MAC = orThrow(parseMac('02:00:00:00:01:01'))
const IP = orThrow(parseIp('10.1.0.1'))

/** What the VM answers, still without a tunnel around it. */
const answer = (group: HeaderGroup): HeaderGroup | undefined => {
  const { eth, net, transport } = group
  const back = { ...eth, source: MAC, destination: eth.source }
  if (net?.kind === 'arp' && net.operation === 1 && net.targetIp.words[3] === IP.words[3]) {
    return { ...group, eth: back, net: { ...net, operation: 2, senderMac: MAC, senderIp: IP, targetMac: net.senderMac, targetIp: net.senderIp } }
  }
  if (net?.kind !== 'ipv4' || transport?.kind !== 'icmp' || transport.type !== 8) return undefined
  return { ...group, eth: back, net: { ...net, source: net.destination, destination: net.source }, transport: { ...transport, type: 0 } }
}

/** The way it came, back. */
const outwards = (group: HeaderGroup): HeaderGroup => {
  const { eth, net, transport } = group
  if (net === undefined || net.kind === 'arp' || transport?.kind !== 'udp') return group
  return {
    ...group,
    eth: { ...eth, source: eth.destination, destination: eth.source },
    net: { ...net, source: net.destination, destination: net.source },
    transport: { kind: 'udp', sourcePort: 50_000, destinationPort: transport.destinationPort },
  }
}

const reply = (nic: Nic, came: Uint8Array): void => {
  const frame = dissect(came)
  if (isLeft(frame)) return
  const [outer, inner] = frame.right.groups
  const answered = inner === undefined ? undefined : answer(inner)
  if (answered === undefined) return
  const answering: Frame = { ...frame.right, groups: [outwards(outer), answered] }
  const bytes = orThrow(emitFrame(answering))
  nic.send(bytes, 0, bytes.length)
}

const nic = await openOrFail({ tunnel: 'vxlan', local: process.argv[2] ?? '', mtu: 1600 })
orFail(
  nic.start({
    frames: ({ bytes, start, length, count }) => {
      for (let i = 0; i < count; i++) reply(nic, bytes.slice(start[i] ?? 0, (start[i] ?? 0) + (length[i] ?? 0)))
    },
  }),
)
process.once('SIGTERM', () => {
  console.log(JSON.stringify(nic.counters()))
  void nic.close()
})
console.log('ready')
