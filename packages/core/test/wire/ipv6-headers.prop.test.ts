/** Law 1 for what stands inside of IPv6 extension headers and neighbour discovery, and the checksums of packets on their way. */
import { testProp } from '@fast-check/ava'
import fc from 'fast-check'
import { ipv6 } from '../../src/wire/address.js'
import { dissect } from '../../src/wire/dissect.js'
import { emitFrame } from '../../src/wire/emit-frame.js'
import type { Frame } from '../../src/wire/frame.js'
import { makeFrameView, Slot } from '../../src/wire/frame-view.js'
import { readIpv6Options, writeIpv6Options, type Ipv6Option } from '../../src/wire/ipv6-options.js'
import { finalDestinationAt, readRouting, writeRouting, type RoutingHeader } from '../../src/wire/ipv6-routing.js'
import { emitNdp, ndpPayload, ndpSize, ndpType, parseNdp, type NdpMessage } from '../../src/wire/ndp.js'
import type { NdpOption } from '../../src/wire/ndp-options.js'
import { parseFrame, Verify } from '../../src/wire/parse.js'
import { Reason } from '../../src/wire/reason.js'
import { right } from './hex.js'

const u8 = fc.nat(0xff)
const u32 = fc.nat(0xffffffff)
const address = fc.tuple(u32, u32, u32, u32).map((words) => ipv6(...words))
const data = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const words = (max: number, rest: number): fc.Arbitrary<Uint8Array> => fc.nat(max).chain((n) => data(8 * n + rest))

const ndpOption: fc.Arbitrary<NdpOption> = fc.oneof(
  fc.record({ kind: fc.constantFrom('source-link-address' as const, 'target-link-address' as const), mac: fc.nat(0xffffffffffff) }),
  fc.record({
    kind: fc.constant('prefix' as const), prefix: address, length: fc.nat(128), onLink: fc.boolean(), autonomous: fc.boolean(),
    otherFlags: fc.nat(0x3f), validS: u32, preferredS: u32,
  }),
  fc.record({ kind: fc.constant('redirected' as const), packet: words(6, 0) }),
  fc.record({ kind: fc.constant('mtu' as const), mtu: u32 }),
  fc.record({ kind: fc.constant('unknown' as const), number: fc.integer({ min: 6, max: 255 }), data: words(3, 6) }),
)
const options = fc.array(ndpOption, { maxLength: 4 })
const ndpMessage: fc.Arbitrary<NdpMessage> = fc.oneof(
  fc.record({ kind: fc.constant('router-solicitation' as const), options }),
  fc.record({
    kind: fc.constant('router-advertisement' as const), hopLimit: u8, managed: fc.boolean(), other: fc.boolean(), otherFlags: fc.nat(0x3f),
    lifetimeS: fc.nat(0xffff), reachableMs: u32, retransmitMs: u32, options,
  }),
  fc.record({ kind: fc.constant('neighbor-solicitation' as const), target: address, options }),
  fc.record({
    kind: fc.constant('neighbor-advertisement' as const), router: fc.boolean(), solicited: fc.boolean(), override: fc.boolean(), target: address, options,
  }),
  fc.record({ kind: fc.constant('redirect' as const), target: address, destination: address, options }),
)

testProp('law 1: parse ∘ emit is the identity on messages of neighbour discovery', [ndpMessage, fc.nat(9)], (t, message, at) => {
  const bytes = new Uint8Array(at + ndpSize(message)).fill(0xff)
  emitNdp(message, bytes, at)
  t.deepEqual(right(parseNdp(ndpType(message), bytes, at, bytes.length)).repr, message)
  t.deepEqual(right(ndpPayload(message)), bytes.subarray(at))
}, { numRuns: 500 })

testProp('law 1: of any bytes, neighbour discovery is read as if nothing surrounded them', [
  fc.integer({ min: 132, max: 138 }), fc.oneof(fc.uint8Array({ maxLength: 120 }), ndpMessage.map((message) => right(ndpPayload(message)))), fc.nat(20), u8,
], (t, type, bytes, cut, poison) => {
  const end = Math.max(0, bytes.length - cut)
  const surrounded = new Uint8Array(end + 2048).fill(poison)
  surrounded.set(bytes.subarray(0, end))
  const answer = parseNdp(type, bytes.slice(0, end), 0, end)
  t.deepEqual(parseNdp(type, surrounded, 0, end), answer)
  if (answer._tag === 'Right') t.is(ndpSize(answer.right.repr), end)
}, { numRuns: 1000 })

const ipv6Option: fc.Arbitrary<Ipv6Option> = fc.oneof(
  fc.record({ kind: fc.constant('pad' as const), size: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ kind: fc.constant('router-alert' as const), value: fc.nat(0xffff) }),
  fc.record({ kind: fc.constant('unknown' as const), number: fc.integer({ min: 6, max: 255 }).filter((n) => n !== 0xc2), data: fc.uint8Array({ maxLength: 20 }) }),
)

testProp('law 1: options of IPv6 are read as they were written, but for padding', [fc.array(ipv6Option, { maxLength: 6 })], (t, list) => {
  const raw = right(writeIpv6Options(list))
  t.is(raw.length % 8, 6)
  const there = right(readIpv6Options(raw))
  const told = (of: readonly Ipv6Option[]): readonly Ipv6Option[] => of.filter(({ kind }) => kind !== 'pad')
  t.deepEqual(told(there), told(list))
  t.deepEqual(right(writeIpv6Options(there)), raw)
}, { numRuns: 500 })

// few values, so that many a list can be read
const rawOptions = fc.nat(3).chain((n) => fc.array(fc.constantFrom(0, 1, 2, 3, 5, 0x3e), { minLength: 8 * n + 6, maxLength: 8 * n + 6 }))

testProp('law 1: options of IPv6 that can be read are written back byte for byte', [rawOptions], (t, values) => {
  const raw = Uint8Array.from(values)
  const list = readIpv6Options(raw)
  // an alert at an odd offset is moved
  if (list._tag === 'Left' || list.right.some(({ kind }) => kind === 'router-alert')) t.pass()
  else t.deepEqual(right(writeIpv6Options(list.right)), raw)
}, { numRuns: 1000 })

const stops = fc.array(address, { minLength: 1, maxLength: 4 })
const routing: fc.Arbitrary<RoutingHeader> = fc.oneof(
  stops.chain((addresses) => fc.record({ kind: fc.constant('source-route' as const), segmentsLeft: fc.nat(addresses.length), addresses: fc.constant(addresses) })),
  fc.record({ kind: fc.constant('home' as const), segmentsLeft: fc.nat(1), home: address }),
  stops.chain((segments) => fc.record({
    kind: fc.constant('segment' as const), segmentsLeft: fc.nat(segments.length), segments: fc.constant(segments), flags: u8, tag: fc.nat(0xffff), tlvs: words(3, 0),
  })),
  fc.record({ kind: fc.constant('other' as const), type: fc.constantFrom(3, 5, 253), segmentsLeft: u8, data: words(3, 4) }),
)

testProp('law 1: read ∘ write is the identity on routing headers', [routing], (t, header) => {
  t.deepEqual(right(readRouting(right(writeRouting(header)))), header)
}, { numRuns: 500 })

const randomRouting = fc.record({ kind: fc.constant('routing' as const), type: fc.constantFrom(0, 2, 3, 4), segmentsLeft: fc.nat(4), data: words(5, 4) })

testProp('law 1: a routing header has a final destination exactly where it can be taken apart', [randomRouting, u8], (t, header, poison) => {
  const bytes = new Uint8Array(300).fill(poison)
  const end = 44 + header.data.length
  bytes.set([43], 6)
  bytes.set([17, (header.data.length - 4) / 8, header.type, header.segmentsLeft], 40)
  bytes.set(header.data, 44)
  const final = finalDestinationAt(bytes, 0, end)
  const known = readRouting(header)
  t.is(final >= 0, header.segmentsLeft === 0 || (known._tag === 'Right' && known.right.kind !== 'other'))
  t.true(final + 16 <= end)
}, { numRuns: 1000 })

const UDP = { kind: 'udp', sourcePort: 1, destinationPort: 2 } as const
const frameOf = (destination: ReturnType<typeof ipv6>, routes: readonly RoutingHeader[]): Frame => ({
  groups: [{
    eth: { destination: 2, source: 1, etherType: 0x86dd }, vlans: [],
    net: {
      kind: 'ipv6', source: ipv6(0xfd000000, 0, 0, 1), destination, protocol: 17, hopLimit: 9, dscp: 0, ecn: 0, flowLabel: 0,
      extensions: routes.map((route) => right(writeRouting(route))),
    },
    transport: UDP,
  }],
  payload: Uint8Array.of(1, 2, 3),
})

/** Where a way ends: the last stop of the last header that has one left. */
const lastStop = (destination: ReturnType<typeof ipv6>, routes: readonly RoutingHeader[]): ReturnType<typeof ipv6> | undefined =>
  routes.filter(({ segmentsLeft }) => segmentsLeft > 0).reduce<ReturnType<typeof ipv6> | undefined>((_, route) =>
    route.kind === 'source-route' ? route.addresses.at(-1) : route.kind === 'segment' ? route.segments[0] : route.kind === 'home' ? route.home : undefined, destination)

const view = makeFrameView()

testProp('law 1: the checksum of a packet on its way is that of the packet at its end', [address, fc.array(routing, { maxLength: 2 })], (t, destination, routes) => {
  const frame = frameOf(destination, routes)
  const bytes = right(emitFrame(frame))
  t.deepEqual(right(dissect(bytes)), frame)
  t.is(parseFrame(view, bytes, 0, bytes.length, 3, Verify.All), Reason.Ok)
  const end = lastStop(destination, routes)
  if (end === undefined) return
  const arrived = right(emitFrame(frameOf(end, [])))
  const checksum = bytes.subarray(view.slots[Slot.L4]! + 6, view.slots[Slot.L4]! + 8)
  t.deepEqual(checksum, arrived.subarray(60, 62))
  checksum[1] = checksum[1]! ^ 0x10
  t.is(parseFrame(view, bytes, 0, bytes.length, 3, Verify.All), Reason.BadChecksum)
}, { numRuns: 500 })
