/** Single headers with plausible values, the parts of `frameArbitrary`. */
import fc from 'fast-check'
import { ArpHardware } from '../wire/arp.js'
import { EtherType } from '../wire/ethernet.js'
import type { HeaderGroup, NetworkHeader, TransportHeader } from '../wire/frame.js'
import { icmpv6HeaderLength } from '../wire/icmpv6.js'
import { IpProtocol } from '../wire/ip-protocol.js'
import type { Ipv6Extension } from '../wire/ipv6-extension.js'
import { writeTcpOptions, type TcpOption } from '../wire/tcp-options.js'
import type { VlanTag } from '../wire/vlan.js'
import type { CompleteConstraints, TransportChoice } from './frame-constraints.js'

/** An Ethernet header with its tags. */
export const linkArbitrary = (c: CompleteConstraints, etherType: number): fc.Arbitrary<Pick<HeaderGroup, 'eth' | 'vlans'>> =>
  fc
    .record({ destination: fc.constantFrom(...c.macs), source: fc.constantFrom(...c.macs), vlans: vlansArbitrary(c.maxVlans) })
    .map(({ destination, source, vlans }) => ({ eth: { destination, source, etherType }, vlans }))

const vlansArbitrary = (max: number): fc.Arbitrary<readonly VlanTag[]> =>
  fc.array(
    fc.record({
      tpid: fc.constantFrom(EtherType.Vlan, EtherType.ServiceVlan),
      pcp: fc.nat(7),
      dei: fc.boolean(),
      vid: fc.constantFrom(0, 1, 100, 200, 4095),
    }),
    { maxLength: max },
  )

/** An ARP packet. */
export const arpArbitrary = (c: CompleteConstraints): fc.Arbitrary<NetworkHeader> =>
  fc.record({
    kind: fc.constant('arp' as const),
    hardware: fc.constant(ArpHardware.Ieee802),
    operation: fc.constantFrom(1, 2, 9),
    senderMac: fc.constantFrom(...c.macs),
    senderIp: fc.constantFrom(...c.ipv4s),
    targetMac: fc.constantFrom(0, ...c.macs),
    targetIp: fc.constantFrom(...c.ipv4s),
  }, { requiredKeys: ['kind', 'operation', 'senderMac', 'senderIp', 'targetMac', 'targetIp'] })

const sizedOptions = (allowed: boolean, sizes: readonly number[]): fc.Arbitrary<Uint8Array> =>
  allowed ? fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(...sizes) }).chain((size) =>
    // no-operation and padding options only: what is in there means nothing to the engine
    bytesArbitrary(size).map((bytes) => bytes.map((byte) => byte & 1).sort().reverse())) : fc.constant(new Uint8Array(0))

/** Padding mostly, and sometimes a source route with two, one or no hops left, whose end is in the pseudo header. */
const ipv4OptionsArbitrary = (allowed: boolean): fc.Arbitrary<Uint8Array> => {
  const padding = sizedOptions(allowed, [4, 12, 40])
  if (!allowed) return padding
  const route = fc
    .tuple(fc.constantFrom(131, 137), fc.constantFrom(4, 8, 12), bytesArbitrary(8), fc.boolean())
    .map(([kind, pointer, addresses, first]) => Uint8Array.from(first ? [1, kind, 11, pointer, ...addresses] : [kind, 11, pointer, ...addresses, 0]))
  return fc.oneof({ weight: 9, arbitrary: padding }, { weight: 1, arbitrary: route })
}

/** An IP header of the version, whose `protocol` is still to be set. */
export const networkArbitrary = (c: CompleteConstraints, network: 'ipv4' | 'ipv6'): fc.Arbitrary<Exclude<NetworkHeader, { readonly kind: 'arp' }>> => {
  const pool = network === 'ipv4' ? c.ipv4s : c.ipv6s
  const source = fc.constantFrom(...pool)
  const destination = fc.constantFrom(...pool)
  const ttl = fc.integer(c.ttl)
  const dscp = zeroMostly(63)
  const ecn = zeroMostly(3)
  const fragment = fragmentArbitrary(c.fragments)
  if (network === 'ipv4')
    return fc
      .record({ source, destination, ttl, dscp, ecn, identification: u16Arbitrary, dontFragment: fc.boolean(), fragment, options: ipv4OptionsArbitrary(c.options) })
      .map(({ fragment: { offset, more }, ...rest }) => ({
        kind: 'ipv4', ...rest, protocol: 0, moreFragments: more, fragmentOffset: offset, reservedFlag: false,
      }))
  return fc
    .record({ source, destination, hopLimit: ttl, dscp, ecn, flowLabel: zeroMostly(0xfffff), fragment, identification: u32Arbitrary, atomic: fc.nat(9), others: extensionsArbitrary(c.options) })
    .map(({ fragment: { offset, more }, identification, atomic, others, ...rest }) => {
      const header: Ipv6Extension = { kind: 'fragment', offset, more, identification, reserved: 0 }
      const there = offset > 0 || more || (c.fragments && atomic === 0)
      const before = others.filter((extension) => extension.kind !== 'destination')
      const behind = others.filter((extension) => extension.kind === 'destination')
      const extensions = there ? [...before, header, ...(offset > 0 ? [] : behind)] : others
      return { kind: 'ipv6', ...rest, protocol: 0, extensions }
    })
}

/** Mostly none; an offset of 8 would be refused for TCP. */
const fragmentArbitrary = (allowed: boolean): fc.Arbitrary<{ readonly offset: number; readonly more: boolean }> => {
  const whole = fc.constant({ offset: 0, more: false })
  if (!allowed) return whole
  const later = fc.record({ offset: fc.constantFrom(16, 1480, 2960, 60000), more: fc.boolean() })
  return fc.oneof({ weight: 6, arbitrary: whole }, { weight: 1, arbitrary: fc.constant({ offset: 0, more: true }) }, { weight: 1, arbitrary: later })
}

/** Extension headers other than fragments, in the order RFC 8200 §4.1 recommends. */
const extensionsArbitrary = (allowed: boolean): fc.Arbitrary<readonly Ipv6Extension[]> => {
  const none = fc.constant<readonly Ipv6Extension[]>([])
  if (!allowed) return none
  // PadN over the whole
  const options = (kind: 'hop-by-hop' | 'destination'): fc.Arbitrary<Ipv6Extension> =>
    fc.constantFrom(6, 14).map((length) => ({ kind, options: Uint8Array.of(1, length - 2, ...new Uint8Array(length - 2)) }))
  // PadN, and behind it the home address, which is in the pseudo header
  const homeAddress: fc.Arbitrary<Ipv6Extension> =
    bytesArbitrary(16).map((home) => ({ kind: 'destination', options: Uint8Array.of(1, 2, 0, 0, 201, 16, ...home) }))
  const routing = fc.record({ kind: fc.constant('routing' as const), type: fc.constantFrom(2, 2, 253), segmentsLeft: fc.constant(0), data: bytesArbitrary(20) })
    .chain((header) => (header.type === 2 ? fc.constantFrom(0, 1).map((segmentsLeft) => ({ ...header, segmentsLeft })) : fc.constant(header)))
  const authentication = fc.record({
    kind: fc.constant('authentication' as const), reserved: fc.constant(0), spi: u32Arbitrary, sequence: u32Arbitrary, icv: bytesArbitrary(12),
  })
  const some = fc
    .tuple(fc.option(options('hop-by-hop')), fc.option(routing), fc.option(authentication), fc.option(fc.oneof(options('destination'), homeAddress)))
    .map((all) => all.filter((extension) => extension !== null))
  return fc.oneof({ weight: 3, arbitrary: none }, { weight: 1, arbitrary: some })
}

/** A transport header and the protocol number that announces it; the number alone for one the library does not know. */
export const transportArbitrary = (
  c: CompleteConstraints,
  network: 'ipv4' | 'ipv6',
  choice: TransportChoice,
): fc.Arbitrary<readonly [protocol: number, header: TransportHeader | undefined]> => {
  const ports = { sourcePort: fc.constantFrom(...c.ports), destinationPort: fc.constantFrom(...c.ports) }
  switch (choice) {
    case 'tcp':
      return fc
        .record({
          kind: fc.constant('tcp' as const), ...ports, sequence: u32Arbitrary, acknowledgment: u32Arbitrary,
          flags: fc.constantFrom(0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0x14, 0xc2), reserved: fc.constant(0),
          window: u16Arbitrary, urgent: fc.constant(0), options: tcpOptionsArbitrary(c.options),
        })
        .map((tcp) => [IpProtocol.Tcp, tcp])
    case 'udp':
      return fc
        .tuple(fc.record({ kind: fc.constant('udp' as const), ...ports }), fc.boolean())
        .map(([udp, without]) => [IpProtocol.Udp, network === 'ipv4' && without ? { ...udp, checksum: 0 } : udp])
    case 'icmp':
      return fc
        .record({ reply: fc.boolean(), other: fc.nat(3), code: zeroMostly(3), id: fc.integer({ min: 1, max: 2 }), sequence: fc.nat(3), word: u32Arbitrary })
        .map(({ reply, other, code, id, sequence, word }) => {
          const echo = other > 0
          const rest = echo ? ((id << 16) | sequence) >>> 0 : word
          if (network === 'ipv4') return [IpProtocol.Icmp, { kind: 'icmp', type: echo ? (reply ? 0 : 8) : reply ? 3 : 11, code, rest }]
          const type = echo ? (reply ? 129 : 128) : [1, 2, 135, 143][word & 3]!
          return [IpProtocol.Icmpv6, { kind: 'icmpv6', type, code, ...(icmpv6HeaderLength(type) === 8 ? { rest } : {}) }]
        })
    case 'opaque':
      return fc.constantFrom(IpProtocol.Gre, 50, 89, 132, 253, ...(network === 'ipv6' ? [IpProtocol.NoNext] : [])).map((protocol) => [protocol, undefined])
  }
}

const tcpOptionsArbitrary = (allowed: boolean): fc.Arbitrary<Uint8Array> => {
  if (!allowed) return fc.constant(new Uint8Array(0))
  const option = fc.oneof(
    fc.record({ kind: fc.constant('mss' as const), bytes: fc.constantFrom(536, 1220, 1460) }),
    fc.record({ kind: fc.constant('window-scale' as const), shift: fc.nat(14) }),
    fc.record({ kind: fc.constant('sack-permitted' as const) }),
    fc.record({ kind: fc.constant('timestamps' as const), value: u32Arbitrary, echo: u32Arbitrary }),
    fc.record({ kind: fc.constant('sack' as const), blocks: fc.array(fc.tuple(u32Arbitrary, u32Arbitrary), { minLength: 1, maxLength: 1 }) }),
  )
  return fc.uniqueArray<TcpOption, string>(option, { selector: (o) => o.kind, maxLength: 5 }).map(writeTcpOptions)
}

/** Any 16-bit number. */
export const u16Arbitrary = fc.nat(0xffff)
const u32Arbitrary = fc.nat(0xffffffff)
/** 0 three times out of four. */
export const zeroMostly = (max: number): fc.Arbitrary<number> => fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(max) })
const bytesArbitrary = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
