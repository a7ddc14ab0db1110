/** Packets of a VM in few words, and what left a port, for the tests of the MTU. */
import { orThrow } from '../../src/errors.js'
import { decap, encap, nat, translate } from '../../src/policy/rule-types.js'
import { type RulesJson, rulesLayer } from '../../src/policy/rules-layer.js'
import type { MtuOptions } from '../../src/datapath/mtu-options.js'
import type { Output } from '../../src/switch/output.js'
import type { Port } from '../../src/switch/port.js'
import { openSwitch, type Switch, type SwitchOptions } from '../../src/switch/switch.js'
import { parseIp, parseMac } from '../../src/wire/address.js'
import { u16 } from '../../src/wire/bytes.js'
import { emitFrame } from '../../src/wire/emit-frame.js'
import type { NetworkHeader, TransportHeader } from '../../src/wire/frame.js'
import { type FrameView, L3, makeFrameView, Slot, SLOTS } from '../../src/wire/frame-view.js'
import { parseFrame, Verify } from '../../src/wire/parse.js'
import { Reason } from '../../src/wire/reason.js'

/** A packet of the VM; whatever is left out is a UDP datagram over IPv4 with DF clear. */
export interface Sent {
  readonly proto?: 'tcp' | 'udp' | 'icmp'
  readonly six?: boolean
  /** Bytes of the IP packet. */
  readonly length?: number
  readonly dontFragment?: boolean
  readonly identification?: number
  readonly toMac?: string
  readonly from?: string
  readonly to?: string
  readonly dstPort?: number
  readonly flags?: number
  readonly tcpOptions?: Uint8Array
  readonly ipOptions?: Uint8Array
  readonly fragmentOffset?: number
  readonly moreFragments?: boolean
  readonly vlans?: readonly number[]
  /** Type of the ICMP message; of an echo unless said. */
  readonly icmpType?: number
  readonly padding?: number
}

/** The VM's MAC, and the gateway's. */
export const VM_MAC = '00:15:5d:00:00:01'
/** The VM's MAC, and the gateway's. */
export const GATEWAY_MAC = '12:34:56:78:9a:bc'

/** The frame of a packet; its payload counts up, so that lost, doubled and misplaced bytes show. */
export const sent = (said: Sent = {}): Uint8Array => {
  const six = said.six ?? false
  const proto = said.proto ?? 'udp'
  const ipOptions = said.ipOptions ?? NONE
  const tcpOptions = said.tcpOptions ?? NONE
  const source = orThrow(parseIp(said.from ?? (six ? 'fd00::4' : '10.0.0.4')))
  const destination = orThrow(parseIp(said.to ?? (six ? 'fd00::1:4' : '10.0.1.4')))
  const protocol = proto === 'tcp' ? 6 : proto === 'udp' ? 17 : six ? 58 : 1
  const offset = said.fragmentOffset ?? 0
  const net: NetworkHeader = six
    ? { kind: 'ipv6', source, destination, protocol, dscp: 0, ecn: 0, hopLimit: 64, flowLabel: 0, extensions: [] }
    : {
        kind: 'ipv4', source, destination, protocol, dscp: 0, ecn: 0, ttl: 64, identification: said.identification ?? 7,
        dontFragment: said.dontFragment ?? false, moreFragments: said.moreFragments ?? false, reservedFlag: false, fragmentOffset: offset, options: ipOptions,
      }
  const ports = { sourcePort: 1000, destinationPort: said.dstPort ?? 80 }
  const transport: TransportHeader = proto === 'tcp'
    ? { kind: 'tcp', ...ports, sequence: 1, acknowledgment: 2, flags: said.flags ?? 0x10, reserved: 0, window: 1000, urgent: 0, options: tcpOptions }
    : proto === 'udp'
      ? { kind: 'udp', ...ports, ...(said.moreFragments === true ? { length: 4000, checksum: 0 } : {}) }
      : { kind: six ? 'icmpv6' : 'icmp', type: said.icmpType ?? (six ? 128 : 8), code: 0, rest: 0x0001_0001 }
  const headers = (six ? 40 : 20 + ipOptions.length) + (offset > 0 ? 0 : proto === 'tcp' ? 20 + tcpOptions.length : 8)
  const frame = orThrow(emitFrame({
    groups: [{
      eth: { destination: orThrow(parseMac(said.toMac ?? GATEWAY_MAC)), source: orThrow(parseMac(VM_MAC)), etherType: six ? 0x86dd : 0x0800 },
      vlans: (said.vlans ?? []).map((vid) => ({ tpid: 0x8100, pcp: 0, dei: false, vid })),
      net,
      ...(offset > 0 ? {} : { transport }),
    }],
    payload: Uint8Array.from({ length: Math.max(0, (said.length ?? 100) - headers) }, (_, i) => (i * 7) >>> (i & 3)),
  }))
  const padded = new Uint8Array(frame.length + (said.padding ?? 0))
  padded.set(frame)
  return padded
}

/** A tunnel between hosts, over IPv4 unless six. */
export const tunnel = (six = false): RulesJson => {
  const [srcIp, dstIp] = six ? ['2001:db8::1', '2001:db8::2'] : ['198.51.100.1', '198.51.100.2']
  return {
    outbound: [{ name: 'g', rules: [{ do: 'encap', with: { srcIp, dstIp, vni: 5001 } }] }],
    inbound: [{ name: 'g', rules: [{ do: 'decap', when: { vni: 5001 } }] }],
  }
}

/** A port at a switch that has an MTU. */
export const portWith = (
  mtu: MtuOptions | undefined, policies: readonly RulesJson[] = [], options: SwitchOptions = {},
): { readonly host: Switch; readonly port: Port } => {
  const host = openSwitch({ ...(mtu === undefined ? {} : { mtu }), ...options })
  const port = orThrow(host.addPort({ name: 'vm-1', mac: VM_MAC, vni: 5001 }))
  const type = rulesLayer('rules', [nat, encap, decap, translate])
  policies.forEach((policy, i) => { orThrow(orThrow(port.addLayer(type, { order: i, name: `layer${i}` })).updateJson(policy)) })
  return { host, port }
}

/** A parsed frame, all of whose checksums are right. */
export const read = (bytes: Uint8Array): FrameView => {
  const view = makeFrameView()
  const reason = parseFrame(view, bytes, 0, bytes.length, 3, Verify.All)
  if (reason !== Reason.Ok) throw new Error(`reason ${reason} at ${view.reasonAt} of ${Buffer.from(bytes).toString('hex')}`)
  return view
}

/** Bytes of the outermost IP packet. */
export const wireBytes = (bytes: Uint8Array): number => {
  const { slots } = read(bytes)
  return slots[Slot.END]! - slots[Slot.L3]!
}

/** The innermost IPv4 packet put together again from frames of its fragments, in order: what is behind its IP header. */
export const reassembled = (outputs: readonly Output[]): Uint8Array => {
  const parts: Uint8Array[] = []
  for (const [i, { frame }] of outputs.entries()) {
    const { slots, depth } = read(frame)
    const s = (depth - 1) * SLOTS
    const ip = slots[s + Slot.L3]!
    const from = slots[s + Slot.L4]!
    const { offset, more } = slots[s + Slot.L3_KIND] === L3.Ipv6
      ? sixth(frame, slots[s + Slot.FRAG_HEADER]!)
      : { offset: (u16(frame, ip + 6) & 0x1fff) * 8, more: (frame[ip + 6]! & 0x20) !== 0 }
    const had = parts.reduce((sum, part) => sum + part.length, 0)
    if (offset !== had || more !== (i < outputs.length - 1)) throw new Error(`fragment ${i} is at ${offset}, not ${had}, ${more ? 'more' : 'none'} to follow`)
    parts.push(frame.subarray(from, slots[s + Slot.END]))
  }
  return Uint8Array.from(Buffer.concat(parts))
}

const sixth = (frame: Uint8Array, at: number): { readonly offset: number; readonly more: boolean } =>
  at === 0 ? { offset: 0, more: false } : { offset: u16(frame, at + 2) & 0xfff8, more: (frame[at + 3]! & 1) !== 0 }

const NONE = new Uint8Array(0)
