/** Frames, switches and layers in few words, for the tests of policy and switch. */
import { extractFlow, makeUfid } from '../../src/flow/flow-id.js'
import { formatFlow } from '../../src/flow/format-flow.js'
import {
  allow, block, count, decap, encap, type GroupJson, hairpin, mirror, nat, openSwitch, orThrow, type Port, type PortSpec,
  type Processed, type RuleJson, rulesLayer, type Switch, type SwitchOptions,
} from '../../src/index.js'
import { parseIp, parseMac } from '../../src/wire/address.js'
import { emitFrame } from '../../src/wire/emit-frame.js'
import type { HeaderGroup, TransportHeader } from '../../src/wire/frame.js'
import { makeFrameView } from '../../src/wire/frame-view.js'
import { parseFrame } from '../../src/wire/parse.js'
import { Reason } from '../../src/wire/reason.js'

/** MACs of the VMs, by number from 1. */
export const macOf = (n: number): string => `00:15:5d:00:00:${n.toString(16).padStart(2, '0')}`
/** MAC of a switch or router that no port has. */
export const ELSEWHERE = '02:00:00:00:00:ff'
/** The broadcast address. */
export const BROADCAST = 'ff:ff:ff:ff:ff:ff'

/** A frame in the words of a test; whatever is left out is an ordinary packet of VM 1 to somewhere else. */
export interface Said {
  readonly fromMac?: string
  readonly toMac?: string
  readonly from?: string
  readonly to?: string
  readonly proto?: 'tcp' | 'udp' | 'icmp'
  readonly srcPort?: number
  readonly dstPort?: number
  /** TCP flags; ACK unless said. */
  readonly flags?: number
  /** Bytes of payload. */
  readonly bytes?: number
  /** An IPv4 fragment: its offset in bytes, and whether more follow. */
  readonly fragment?: { readonly offset: number; readonly more: boolean; readonly id: number }
  /** A VXLAN tunnel around it. */
  readonly tunnel?: { readonly vni: number; readonly from?: string; readonly to?: string }
}

/** The bytes of a frame. */
export const frame = (said: Said = {}): Uint8Array => {
  const inner = innerGroup(said)
  const { tunnel } = said
  const payload = Uint8Array.from({ length: said.bytes ?? 20 }, (_, i) => i)
  return orThrow(emitFrame({ groups: tunnel === undefined ? [inner] : [outerGroup(tunnel), inner], payload }))
}

/** A frame as explanations write its flow: `tcp 10.0.0.1:1000 > 10.0.0.2:80`. */
export const show = (bytes: Uint8Array): string => {
  const view = makeFrameView()
  if (parseFrame(view, bytes, 0, bytes.length, 3) !== Reason.Ok) return 'not parsed'
  const words = makeUfid()
  extractFlow(view, words)
  return formatFlow(words, view.depth)
}

/** What became of a frame in one line: the outcome, then each output. */
export const tell = ({ outcome, outputs }: Processed): string =>
  [outcome._tag === 'Passed' ? 'passed' : outcome.reason, ...outputs.map((o) => `${o.why === 'mirror' ? 'mirror ' : ''}${o.to}: ${show(o.frame)}`)].join('; ')

/** A switch with port `vm-1`, `vm-2` … at {@link macOf}. */
export const hostOf = (ports: number, options: SwitchOptions = {}, spec: (n: number) => Partial<PortSpec> = () => ({})): { readonly host: Switch; readonly ports: readonly Port[] } => {
  const host = openSwitch(options)
  return { host, ports: Array.from({ length: ports }, (_, i) => orThrow(host.addPort({ name: `vm-${i + 1}`, mac: macOf(i + 1), ...spec(i + 1) }))) }
}

/** A switch's only port. */
export const onePort = (options: SwitchOptions = {}): Port => hostOf(1, options).ports[0]!

/** Every built-in rule type. */
export const BUILT_IN = [
  allow, block, nat, encap, decap, hairpin, mirror,
  count,
]
/** A layer of the built-in rule types. */
export const builtIn = rulesLayer('built-in', BUILT_IN)

/** A group with these rules, in one direction. */
export const groupOf = (name: string, rules: readonly RuleJson[], rest: Partial<GroupJson> = {}): GroupJson => ({ name, rules, ...rest })

/** Everything that can be observed of a port, but the hits that asking does not change. */
export const observed = (port: Port): unknown => ({
  state: port.state(), layers: port.layers(), generation: port.generation(), rules: port.rules(), flows: port.flows(), counters: port.counters(),
})

const innerGroup = (said: Said): HeaderGroup => {
  const source = orThrow(parseIp(said.from ?? '10.0.0.1'))
  const destination = orThrow(parseIp(said.to ?? '10.0.0.2'))
  const proto = said.proto ?? 'tcp'
  const six = source.version === 6
  const f = said.fragment
  const common = { source, destination, protocol: proto === 'tcp' ? 6 : proto === 'udp' ? 17 : six ? 58 : 1, dscp: 0, ecn: 0 }
  const sourcePort = said.srcPort ?? 1000
  const destinationPort = said.dstPort ?? 80
  const transport: TransportHeader = proto === 'tcp'
    ? { kind: 'tcp', sourcePort, destinationPort, sequence: 1, acknowledgment: 2, flags: said.flags ?? 0x10, reserved: 0, window: 1000, urgent: 0, options: NONE }
    : proto === 'udp'
      ? { kind: 'udp', sourcePort, destinationPort, ...(f === undefined ? {} : { length: 100, checksum: 0 }) }
      : { kind: six ? 'icmpv6' : 'icmp', type: six ? 128 : 8, code: 0, rest: sourcePort * 0x1_0000 + 1 }
  return {
    eth: { destination: orThrow(parseMac(said.toMac ?? ELSEWHERE)), source: orThrow(parseMac(said.fromMac ?? macOf(1))), etherType: six ? 0x86dd : 0x0800 },
    vlans: [],
    net: six
      ? { ...common, kind: 'ipv6', hopLimit: 64, flowLabel: 0, extensions: [] }
      : {
          ...common, kind: 'ipv4', ttl: 64, identification: f?.id ?? 7, dontFragment: false, moreFragments: f?.more ?? false,
          reservedFlag: false, fragmentOffset: f?.offset ?? 0, options: NONE,
        },
    ...((f?.offset ?? 0) > 0 ? {} : { transport }),
  }
}

const outerGroup = (tunnel: { readonly vni: number; readonly from?: string; readonly to?: string }): HeaderGroup => ({
  eth: { destination: orThrow(parseMac(ELSEWHERE)), source: orThrow(parseMac(ELSEWHERE)), etherType: 0x0800 },
  vlans: [],
  net: {
    kind: 'ipv4', source: orThrow(parseIp(tunnel.from ?? '192.0.2.2')), destination: orThrow(parseIp(tunnel.to ?? '192.0.2.1')), protocol: 17, dscp: 0, ecn: 0,
    ttl: 64, identification: 7, dontFragment: false, moreFragments: false, reservedFlag: false, fragmentOffset: 0, options: NONE,
  },
  transport: { kind: 'udp', sourcePort: 50_000, destinationPort: 4789 },
  tunnel: { kind: 'vxlan', vni: tunnel.vni, reserved: 0, reservedLow: 0 },
})

const NONE = new Uint8Array(0)
