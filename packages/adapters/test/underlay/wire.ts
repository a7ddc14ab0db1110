/** An underlay on one end of a wire in memory, and somebody at the other who sees all and says what a test wants. */
import { buildFrame, dissect, emitFrame, formatFrame, type Frame, type HeaderGroup, type IpAddress, orThrow, wire } from '@vfp-ts/core'
import { memoryPair, type MemoryPair, type MemoryPairOptions } from '../../src/memory/index.js'
import type { LinkState } from '../../src/nic/nic.js'
import { openUnderlay, type Underlay, type UnderlayOptions } from '../../src/underlay/index.js'
import { HOST_MAC, ip, mac } from './config.js'
import { manualTimers, type ManualTimers } from '../../src/nic/index.js'

/** The peer's MAC. */
export const PEER_MAC = '02:00:00:00:0a:02'

/** What a test has in hand. */
export interface Wire {
  readonly underlay: Underlay
  readonly pair: MemoryPair
  readonly timers: ManualTimers
  /** Lets all that is on the wire arrive. */
  readonly run: () => void
  /** Frames that came to the peer since the last call. */
  readonly seen: () => readonly Uint8Array[]
  /** Frames that were delivered by the underlay since the last call. */
  readonly delivered: () => readonly Uint8Array[]
  /** Batches that the underlay delivered. */
  readonly batches: () => number
  readonly links: LinkState[]
  /** MTUs of paths that the underlay told of. */
  readonly paths: string[]
  /** The peer says something, and it arrives. */
  readonly say: (...frames: readonly Uint8Array[]) => void
}

/** Opens and starts; nothing is announced unless the options say so. */
export const openWire = (options: Partial<UnderlayOptions> = {}, pairOptions: MemoryPairOptions = {}): Wire => {
  const tasks: (() => void)[] = []
  const timers = manualTimers()
  const pair = memoryPair({ names: ['eth0', 'peer'], macs: [HOST_MAC, PEER_MAC], schedule: (task) => tasks.push(task), ...pairOptions })
  const underlay = orThrow(openUnderlay(pair.a, { addresses: ['192.0.2.1/24', '2001:db8::1/64'], announce: false, timers, ...options }))
  let seen: Uint8Array[] = []
  let delivered: Uint8Array[] = []
  let batches = 0
  const links: LinkState[] = []
  const paths: string[] = []
  orThrow(pair.b.start({ frames: ({ bytes, start, length, count }) => { for (let i = 0; i < count; i++) seen.push(bytes.slice(start[i], start[i]! + length[i]!)) } }))
  orThrow(underlay.start({
    frames: ({ bytes, start, length, count }) => {
      batches++
      for (let i = 0; i < count; i++) delivered.push(bytes.slice(start[i], start[i]! + length[i]!))
    },
    link: (state) => links.push(state),
    pathMtu: (destination, bytes) => paths.push(`${destination} ${bytes}`),
  }))
  const run = (): void => {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task()
  }
  return {
    underlay, pair, timers, run, links, paths,
    seen: () => {
      run()
      const taken = seen
      seen = []
      return taken
    },
    delivered: () => {
      const taken = delivered
      delivered = []
      return taken
    },
    batches: () => batches,
    say: (...frames) => {
      for (const frame of frames) pair.b.send(frame, 0, frame.length)
      run()
    },
  }
}

/** A datagram of the host, its Ethernet addresses still to be written. */
export const datagram = (to: string, n = 0, srcMac = '00:00:00:00:00:00', dstMac = '00:00:00:00:00:00'): Uint8Array =>
  orThrow(buildFrame({ proto: 'udp', srcIp: to.includes(':') ? '2001:db8::1' : '192.0.2.1', dstIp: to, srcMac, dstMac, dstPort: 4_789, payload: Uint8Array.of(n) }))

/** A frame as a value. */
export const read = (frame: Uint8Array): Frame => orThrow(dissect(frame))

/** The first line of a frame as text, and the network header's: `Ethernet …`, `ARP …`. */
export const lines = (frames: readonly Uint8Array[]): readonly string[] => frames.map((frame) => formatFrame(read(frame)).split('\n').slice(0, 2).join('; '))

/** Source and destination MAC. */
export const macs = (frame: Uint8Array): string => {
  const text = Buffer.from(frame.subarray(0, 12)).toString('hex')
  return `${text.slice(12)} > ${text.slice(0, 12)}`
}

/** What an ARP packet says, with the Ethernet addresses around it. */
export interface SaidArp {
  readonly reply?: boolean
  readonly sender: string
  readonly senderMac?: string
  readonly target: string
  readonly to?: string
  readonly targetMac?: string
  readonly operation?: number
  readonly hardware?: 6
}

/** The MAC of everybody. */
export const BROADCAST = 'ff:ff:ff:ff:ff:ff'

/** The frame with tags in front of its EtherType, each TPID and control information. */
export const tagged = (frame: Uint8Array, ...tags: readonly (readonly [number, number])[]): Uint8Array =>
  Uint8Array.of(...frame.subarray(0, 12), ...tags.flatMap(([tpid, tci]) => [tpid >>> 8, tpid & 0xff, tci >>> 8, tci & 0xff]), ...frame.subarray(12))

/** An ARP packet of the peer: a request to everybody, or a reply to the host. */
export const arp = ({
  reply = false, sender, senderMac = PEER_MAC, target, to = reply ? HOST_MAC : BROADCAST, targetMac = reply ? HOST_MAC : '00:00:00:00:00:00', operation = reply ? 2 : 1, hardware,
}: SaidArp): Uint8Array =>
  emit({
    eth: { destination: mac(to), source: mac(senderMac), etherType: 0x0806 },
    vlans: [],
    net: { kind: 'arp', ...(hardware && { hardware }), operation, senderMac: mac(senderMac), senderIp: ip(sender), targetMac: mac(targetMac), targetIp: ip(target) },
  })

/** A message of neighbour discovery from the peer. */
export const ndp = (message: wire.ndp.NdpMessage, { from = '2001:db8::2', to = '2001:db8::1', dstMac = HOST_MAC, hopLimit = 255 } = {}): Uint8Array =>
  emit({
    eth: { destination: mac(dstMac), source: mac(PEER_MAC), etherType: 0x86dd },
    vlans: [],
    net: { kind: 'ipv6', source: ip(from), destination: ip(to), protocol: 58, hopLimit, dscp: 0, ecn: 0, flowLabel: 0, extensions: [] },
    transport: { kind: 'icmpv6', type: wire.ndp.ndpType(message), code: 0 },
  }, orThrow(wire.ndp.ndpPayload(message)))

/** An advertisement of the peer for an address. */
export const advertised = (target: IpAddress, change: Partial<wire.ndp.NeighborAdvertisement> = {}): wire.ndp.NeighborAdvertisement => ({
  kind: 'neighbor-advertisement', router: false, solicited: true, override: true, target, options: [{ kind: 'target-link-address', mac: mac(PEER_MAC) }], ...change,
})

const emit = (group: HeaderGroup, payload: Uint8Array = new Uint8Array(0)): Uint8Array => orThrow(emitFrame({ groups: [group], payload }))
