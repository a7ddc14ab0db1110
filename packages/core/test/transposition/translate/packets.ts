/**
 * Packets in both versions of IP, built by hand with every checksum computed in full: what a translation starts from, and the
 * twin it must come out as. Nothing here knows how the code under test works.
 */
import fc from 'fast-check'
import { ApplyCode } from '../../../src/transposition/apply-code.js'
import type { Translation } from '../../../src/transposition/header-transposition.js'
import { checkTranslation, translateGroup, translationGrowth } from '../../../src/transposition/translate/translate.js'
import { putU16, putU32, u16 } from '../../../src/wire/bytes.js'
import { checksum, fold, pseudoSum4, pseudoSum6, sumWords } from '../../../src/wire/checksum.js'
import { type FrameView, L3, L4, makeFrameView, MAX_GROUPS, Slot, SLOTS } from '../../../src/wire/frame-view.js'
import { parseFrame, Verify } from '../../../src/wire/parse.js'
import { Reason } from '../../../src/wire/reason.js'

/** What stands behind the IP header. */
export interface Transport {
  readonly kind: 'tcp' | 'udp' | 'echo' | 'other'
  readonly ports: readonly [number, number]
  /** Whether an echo is a reply. */
  readonly reply: boolean
  readonly payload: Uint8Array
  /** UDP without a checksum. */
  readonly unchecked: boolean
  /** Added to the right checksum, in one's complement; 0 leaves it right. */
  readonly wrong: number
}

/** An IP packet in either version. */
export interface Packet extends Transport {
  readonly traffic: number
  readonly ttl: number
  /** Raw IPv4 options, whole words. */
  readonly options: Uint8Array
  /** IPv6 extension headers in front of a fragment header, each with its number; their own next header is filled in. */
  readonly extensions: readonly (readonly [protocol: number, header: Uint8Array])[]
  readonly flowLabel: number
  /** Offset in bytes, more, identification; `undefined` of a whole packet. The body is then the packet's `payload` as it is. */
  readonly fragment?: { readonly offset: number; readonly more: boolean; readonly id: number } | undefined
  readonly id: number
  readonly dontFragment: boolean
}

/** A plain TCP segment; `change` replaces what the test is about. */
export const packet = (change: Partial<Packet> = {}): Packet => ({
  kind: 'tcp', ports: [49_152, 443], reply: false, payload: hexText('payload'), unchecked: false, wrong: 0, traffic: 0xb9, ttl: 61,
  options: none, extensions: [], flowLabel: 0, fragment: undefined, id: 0x1234, dontFragment: true, ...change,
})

const none = new Uint8Array(0)
const hexText = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Source and destination, 4 or 16 bytes each. */
export interface Addresses {
  readonly 4: readonly [Uint8Array, Uint8Array]
  readonly 6: readonly [Uint8Array, Uint8Array]
}

/** Addresses of documentation, RFC 5737 and RFC 3849. */
export const ADDRESSES: Addresses = {
  4: [Uint8Array.of(192, 0, 2, 33), Uint8Array.of(198, 51, 100, 2)],
  6: [
    Uint8Array.of(0x20, 1, 0xd, 0xb8, 1, 0, 2, 0x21, 0, 0, 0, 0, 0, 0, 0, 7),
    Uint8Array.of(0x20, 1, 0xd, 0xb8, 1, 0xc6, 0x33, 0x64, 0, 2, 0, 0, 0, 0, 0, 9),
  ],
}

/** What a translation writes in their place. */
export const ZERO: Addresses = { 4: [new Uint8Array(4), new Uint8Array(4)], 6: [new Uint8Array(16), new Uint8Array(16)] }

/** The datagram in a version. */
export const datagram = (version: 4 | 6, p: Packet, addresses: Addresses = ADDRESSES): Uint8Array =>
  ip(version, p, protocolOf(version, p.kind), body(version, p, addresses), addresses)

/** The number of a transport protocol; `other` is SCTP. */
const protocolOf = (version: 4 | 6, kind: Transport['kind']): number =>
  kind === 'tcp' ? 6 : kind === 'udp' ? 17 : kind === 'other' ? 132 : version === 4 ? 1 : 58

/** An IP header, and extension headers, around a body. */
export const ip = (version: 4 | 6, p: Packet, protocol: number, inside: Uint8Array, addresses: Addresses = ADDRESSES): Uint8Array =>
  concat(version === 4 ? header4(p, protocol, inside.length, addresses) : header6(p, protocol, inside.length, addresses), inside)

const header4 = (p: Packet, protocol: number, length: number, addresses: Addresses): Uint8Array => {
  const header = new Uint8Array(20 + p.options.length)
  const fragment = p.fragment === undefined ? (p.dontFragment ? 0x4000 : 0) : (p.fragment.more ? 0x2000 : 0) | (p.fragment.offset >>> 3)
  header[0] = 0x40 | (header.length >>> 2)
  header[1] = p.traffic
  putU16(header, 2, header.length + length)
  putU16(header, 4, p.fragment?.id ?? p.id)
  putU16(header, 6, fragment)
  header[8] = p.ttl
  header[9] = protocol
  header.set(addresses[4][0], 12)
  header.set(addresses[4][1], 16)
  header.set(p.options, 20)
  putU16(header, 10, checksum(header, 0, header.length))
  return header
}

const header6 = (p: Packet, protocol: number, length: number, addresses: Addresses): Uint8Array => {
  const chain = [...p.extensions, ...(p.fragment === undefined ? [] : [[44, fragmentHeader(p.fragment)] as const])]
  const extended = concat(...chain.map(([, bytes], i) => Uint8Array.of(chain[i + 1]?.[0] ?? protocol, ...bytes.slice(1))))
  const header = new Uint8Array(40)
  putU32(header, 0, (0x6000_0000 | (p.traffic << 20) | p.flowLabel) >>> 0)
  putU16(header, 4, extended.length + length)
  header[6] = chain[0]?.[0] ?? protocol
  header[7] = p.ttl
  header.set(addresses[6][0], 8)
  header.set(addresses[6][1], 24)
  return concat(header, extended)
}

const fragmentHeader = ({ offset, more, id }: NonNullable<Packet['fragment']>): Uint8Array => {
  const bytes = new Uint8Array(8)
  putU16(bytes, 2, offset | (more ? 1 : 0))
  putU32(bytes, 4, id)
  return bytes
}

/** With zeros behind its payload, so that a fragment with more to come is a whole number of words of eight bytes. */
const inWords = (p: Packet): Packet => {
  if (p.fragment?.more !== true) return p
  const header = p.kind === 'other' || p.fragment.offset > 0 ? 0 : p.kind === 'tcp' ? 20 : 8
  return { ...p, payload: concat(p.payload, new Uint8Array(-(header + p.payload.length) & 7)) }
}

/** Transport header and payload; a later fragment has the payload alone. */
const body = (version: 4 | 6, given: Packet, addresses: Addresses): Uint8Array => {
  const p = inWords(given)
  if (p.kind === 'other' || (p.fragment !== undefined && p.fragment.offset > 0)) return p.payload
  const bytes = concat(new Uint8Array(p.kind === 'tcp' ? 20 : 8), p.payload)
  // Of a first fragment the pseudo header covers a datagram of which this is a part: any other length will do.
  const length = bytes.length + (p.fragment?.more === true ? 64 : 0)
  if (p.kind === 'echo') {
    putU16(bytes, 0, version === 4 ? (p.reply ? 0x0000 : 0x0800) : p.reply ? 0x8100 : 0x8000)
    putU16(bytes, 4, p.ports[0])
    putU16(bytes, 6, p.ports[1])
  } else {
    putU16(bytes, 0, p.ports[0])
    putU16(bytes, 2, p.ports[1])
    if (p.kind === 'tcp') {
      bytes.set([0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x50, 0x18, 0xfa, 0xf0], 4)
    } else {
      putU16(bytes, 4, length)
    }
  }
  const at = p.kind === 'tcp' ? 16 : p.kind === 'udp' ? 6 : 2
  const protocol = protocolOf(version, p.kind)
  const unchecked = p.kind === 'udp' && p.unchecked
  putU16(bytes, at, unchecked ? 0 : spoilt(p.kind, full(version, protocol, bytes, length, addresses), p.wrong))
  return bytes
}

const full = (version: 4 | 6, protocol: number, bytes: Uint8Array, length: number, addresses: Addresses): number =>
  checksum(bytes, 0, bytes.length, protocol === 1 ? 0 : pseudo(version, protocol, length, addresses))

const pseudo = (version: 4 | 6, protocol: number, length: number, addresses: Addresses): number => {
  const header = new Uint8Array(40)
  header.set(addresses[version][0], version === 4 ? 12 : 8)
  header.set(addresses[version][1], version === 4 ? 16 : 24)
  return version === 4 ? pseudoSum4(header, 0, protocol, length) : pseudoSum6(header, 0, protocol, length)
}

const spoilt = (kind: Transport['kind'], right: number, wrong: number): number => {
  const sum = wrong === 0 ? right : ~nonZero(fold((~right & 0xffff) + wrong)) & 0xffff
  return kind === 'udp' && sum === 0 ? 0xffff : sum
}

const nonZero = (sum: number): number => (sum === 0 ? 0xffff : sum)

/** What an ICMP error says, in one version. */
export interface ErrorMessage {
  readonly typeCode: number
  /** Second word of the header, without a length attribute. */
  readonly word: number
  /** What it quotes, cut by whoever built it, and padded where an extension follows. */
  readonly quote: Uint8Array
  /** The length attribute in words; 0 for none. */
  readonly attribute?: number
  readonly extension?: Uint8Array
  readonly wrong?: number
}

/** The datagram of an ICMP error; of `p` the IP header is taken. */
export const errorDatagram = (version: 4 | 6, p: Packet, message: ErrorMessage, addresses: Addresses = ADDRESSES): Uint8Array => {
  const bytes = concat(new Uint8Array(8), message.quote, message.extension ?? none)
  const protocol = version === 4 ? 1 : 58
  putU16(bytes, 0, message.typeCode)
  putU32(bytes, 4, message.word)
  if (message.attribute !== undefined) bytes[version === 4 ? 5 : 4] = message.attribute
  putU16(bytes, 2, spoilt('echo', full(version, protocol, bytes, bytes.length, addresses), message.wrong ?? 0))
  return ip(version, p, protocol, bytes, addresses)
}

/** A datagram behind an Ethernet header with VLAN tags, and padding behind it. */
export const frameOf = (bytes: Uint8Array, tags: readonly number[] = [], padding = 0): Uint8Array => {
  const link = new Uint8Array(14 + 4 * tags.length)
  link.set([0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2])
  tags.forEach((tag, i) => { putU32(link, 12 + 4 * i, (0x8100_0000 | tag) >>> 0) })
  putU16(link, link.length - 2, bytes[0]! >>> 4 === 4 ? 0x0800 : 0x86dd)
  return concat(link, bytes, new Uint8Array(padding).fill(0xee))
}

/** Bytes in front of and behind a frame under test, to find stray writes in. */
export const ROOM = 160
const MARK = 0xa5

/** A view of a frame that was parsed whole, alone in a buffer with {@link ROOM} around it. */
export const viewOf = (frame: Uint8Array, verify: Verify = Verify.IpHeader): FrameView => {
  const bytes = new Uint8Array(frame.length + 2 * ROOM).fill(MARK)
  bytes.set(frame, ROOM)
  const view = makeFrameView()
  const reason = parseFrame(view, bytes, ROOM, ROOM + frame.length, MAX_GROUPS, verify)
  if (reason !== Reason.Ok) throw new Error(`the frame does not parse: reason ${reason} at ${view.reasonAt}`)
  return view
}

/** What became of a frame. */
export type Outcome = { readonly code: ApplyCode; readonly frame: Uint8Array }

/**
 * A frame after the translation of its innermost group. On the way: the check writes nothing, the growth is as announced, and nothing
 * is written in front of the new start or behind the end.
 */
export const translate = (frame: Uint8Array, t: Translation): Outcome => {
  const view = viewOf(frame)
  const before = view.bytes.slice()
  const g = view.depth - 1
  const code = checkTranslation(view, g, t)
  if (!same(view.bytes, before)) throw new Error('the check wrote something')
  if (code !== ApplyCode.Ok) return { code, frame }
  const growth = translationGrowth(view, g, t)
  if (!same(view.bytes, before)) throw new Error('the growth wrote something')
  translateGroup(view, g, t)
  const after = view.bytes.slice(view.start, view.end)
  if (after.length !== frame.length + growth) throw new Error(`grew by ${after.length - frame.length}, not by ${growth}`)
  // What a shrinking frame leaves behind is its own headroom again.
  if (!view.bytes.subarray(0, Math.min(ROOM, view.start)).every((byte) => byte === MARK)) throw new Error('wrote in front of the frame')
  if (!view.bytes.subarray(view.end).every((byte) => byte === MARK)) throw new Error('wrote behind the frame')
  return { code, frame: after }
}

/** The frame of a translation that succeeds. */
export const translated = (frame: Uint8Array, from: 4 | 6, to: 4 | 6): Uint8Array => {
  const outcome = translate(frame, { from, to })
  if (outcome.code !== ApplyCode.Ok) throw new Error(`refused with ${outcome.code}`)
  return outcome.frame
}

/**
 * Writes addresses where a translation left zeros, as an edit would: into the innermost group and into what it quotes, each checksum corrected
 * for what was written and not computed anew.
 */
export const withAddresses = (frame: Uint8Array, addresses: Addresses = ADDRESSES): Uint8Array => {
  const view = viewOf(frame)
  const s = (view.depth - 1) * SLOTS
  const changed = view.quoted ? setAddresses(view, MAX_GROUPS * SLOTS, addresses) : 0
  if (changed !== 0) correct(view.bytes, view.slots[s + Slot.L4]! + 2, changed)
  setAddresses(view, s, addresses)
  return view.bytes.slice(view.start, view.end)
}

/** Answers what the sum of everything from the IP header on has changed by. */
const setAddresses = (view: FrameView, s: number, addresses: Addresses): number => {
  const { bytes, slots } = view
  const before = sumWords(bytes, slots[s + Slot.L3]!, slots[s + Slot.END]!)
  const version = slots[s + Slot.L3_KIND] === L3.Ipv4 ? 4 : 6
  const at = slots[s + Slot.L3]! + (version === 4 ? 12 : 8)
  const both = concat(...addresses[version])
  bytes.set(both, at)
  const sum = sumWords(both, 0, both.length)
  if (version === 4) correct(bytes, slots[s + Slot.L3]! + 10, sum)
  const kind = slots[s + Slot.L4_KIND]!
  const field = slots[s + Slot.L4]! + (kind === L4.Tcp ? 16 : kind === L4.Udp ? 6 : 2)
  const hasSum = (kind === L4.Tcp || kind === L4.Udp || kind === L4.Icmpv6) && field + 2 <= slots[s + Slot.END]!
  if (hasSum && !(kind === L4.Udp && u16(bytes, field) === 0)) {
    correct(bytes, field, sum)
    if (kind === L4.Udp && u16(bytes, field) === 0) putU16(bytes, field, 0xffff)
  }
  return fold(sumWords(bytes, slots[s + Slot.L3]!, slots[s + Slot.END]!) + (~fold(before) & 0xffff))
}

const correct = (bytes: Uint8Array, at: number, sum: number): void =>
  putU16(bytes, at, ~nonZero(fold((~u16(bytes, at) & 0xffff) + sum)) & 0xffff)

export const concat = (...parts: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i])

/** Eight bytes of an options or routing header with nothing in it that matters. */
export const PADDING_HEADER = Uint8Array.of(0, 0, 1, 4, 0, 0, 0, 0)
/** A routing header whose segments are all visited. */
export const VISITED_ROUTE = Uint8Array.of(0, 0, 253, 0, 0, 0, 0, 0)

/** Packets that can be translated both ways. */
export const packetArbitrary = (kinds: readonly Transport['kind'][] = ['tcp', 'udp', 'echo', 'other']): fc.Arbitrary<Packet> =>
  fc
    .record({
      kind: fc.constantFrom(...kinds),
      ports: fc.tuple(portArbitrary, portArbitrary),
      reply: fc.boolean(),
      // Zeros often: the sums at the edge of one's complement.
      payload: fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.nat(20).map((n) => new Uint8Array(n)), fc.constantFrom(1200, 1260, 1300).map((n) => new Uint8Array(n).fill(7))),
      unchecked: fc.boolean(),
      wrong: fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 1, max: 0xfffe })),
      traffic: fc.nat(255),
      ttl: fc.nat(255),
      options: fc.constantFrom(none, none, Uint8Array.of(1, 1, 1, 0), Uint8Array.of(131, 7, 8, 10, 0, 0, 1, 0)),
      extensions: fc.constantFrom<Packet['extensions']>([], [], [[0, PADDING_HEADER]], [[60, PADDING_HEADER], [43, VISITED_ROUTE]]),
      flowLabel: fc.nat(0xfffff),
      fragment: fc.option(fc.record({ offset: fc.constantFrom(0, 0, 8 * 7, 8 * 200), more: fc.constant(true), id: fc.nat(0xffffffff) }), { nil: undefined, freq: 4 }),
      id: fc.nat(0xffff),
      dontFragment: fc.boolean(),
    })
    .filter((p) => !(p.fragment !== undefined && (p.kind === 'echo' || (p.kind === 'udp' && p.unchecked))))

const portArbitrary = fc.oneof(fc.nat(0xffff), fc.constantFrom(0, 53, 80)).filter((port) => port !== 4789 && port !== 6081)
