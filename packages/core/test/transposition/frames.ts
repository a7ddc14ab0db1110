/**
 * Frames for the byte-level laws: stacks of header groups with everything that decides how an edit is carried out (tags, options,
 * extension headers, fragments, tunnels of every kind, quoted packets whole and cut short, checksums present and absent, right and
 * wrong, padding), built by hand and not by the code under test.
 */
import fc from 'fast-check'
import { makeUfid, extractFlow } from '../../src/flow/flow-id.js'
import { putU16, putU32 } from '../../src/wire/bytes.js'
import { checksum, pseudoSum4, pseudoSum6 } from '../../src/wire/checksum.js'
import { type FrameView, makeFrameView, MAX_GROUPS } from '../../src/wire/frame-view.js'
import { parseFrame, Verify } from '../../src/wire/parse.js'
import { Reason } from '../../src/wire/reason.js'
import { OTHER_PORTS, TEST_ENDS } from '../../src/testing/transposition-values.js'

/** A frame in a buffer with room around it. */
export interface Frame {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** What a generated frame may be. */
export interface FrameOptions {
  /** Groups at most; {@link MAX_GROUPS} unless given. */
  readonly maxDepth?: number
  /** Whether every checksum is right. */
  readonly intact?: boolean
  /** Whether the tunnels are as `push` makes them, so that a pushed group can restore them. */
  readonly plainTunnels?: boolean
  /** Whether the innermost group may be a fragment. */
  readonly fragments?: boolean
}

/** Bytes in front of every generated frame: enough for two pushes over IPv6 with all they can have, a translated header and quote, and a margin to find stray writes in. */
export const HEADROOM = 320
/** Bytes behind every generated frame. */
export const TAILROOM = 16

/** Any frame that parses. */
export const frame = (options: FrameOptions = {}): fc.Arbitrary<Frame> =>
  fc
    .tuple(fc.array(tunnelGroup(options), { maxLength: (options.maxDepth ?? MAX_GROUPS) - 1 }), innermost(options), fc.nat(20))
    .map(([outer, inner, padding]) => {
      let built = buildGroup(inner, inner.payload)
      for (const group of outer) built = buildGroup(group, tunnelled(group, built))
      return inBuffer(built, padding)
    })

/** The frame with its headroom and trailing padding in a buffer of its own. */
export const inBuffer = (built: Uint8Array, padding = 0): Frame => {
  const bytes = new Uint8Array(HEADROOM + built.length + padding + TAILROOM).fill(0xa5)
  bytes.set(built, HEADROOM)
  return { bytes, start: HEADROOM, end: HEADROOM + built.length + padding }
}

/** A view of the parsed frame; `undefined` where it does not parse. */
export const view = (f: Frame, verify: Verify = Verify.IpHeader): FrameView | undefined => {
  const v = makeFrameView([], TEST_ENDS)
  return parseFrame(v, f.bytes, f.start, f.end, MAX_GROUPS, verify) === Reason.Ok ? v : undefined
}

/** The UFID of a parsed frame, unused words 0. */
export const flowOf = (v: FrameView): Uint32Array => {
  const words = makeUfid()
  extractFlow(v, words)
  return words
}

/** An independent copy. */
export const copy = (f: Frame): Frame => ({ ...f, bytes: f.bytes.slice() })

interface GroupSpec {
  readonly macs: readonly [number, number]
  readonly tags: readonly number[]
  readonly l3: 4 | 6 | 'arp' | 'none'
  readonly traffic: number
  readonly ttl: number
  readonly src: readonly number[]
  readonly dst: readonly number[]
  /** IPv4 options or an IPv6 destination-options header, in steps of four or eight bytes. */
  readonly extra: number
  readonly frag: 'whole' | 'first' | 'later'
  readonly l4: 'tcp' | 'udp' | 'icmp' | 'gre' | 'other'
  readonly ports: readonly [number, number]
  readonly icmpType: number
  /** Of TCP, nine bits. */
  readonly flags: number
  readonly noUdpChecksum: boolean
  /** XORed onto the transport checksum. */
  readonly wrong: number
  /** Bytes behind a whole UDP datagram in its IP datagram. */
  readonly surplus: number
}

const group = (options: FrameOptions) => ({
  macs: fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff)),
  tags: fc.array(fc.nat(0xffff), { maxLength: 2 }),
  traffic: fc.nat(255),
  ttl: fc.nat(255),
  src: fc.array(address(), { minLength: 4, maxLength: 4 }),
  dst: fc.array(address(), { minLength: 4, maxLength: 4 }),
  extra: fc.constantFrom(0, 0, 1),
  icmpType: fc.constantFrom(8, 0, 3),
  flags: fc.nat(0x1ff),
  noUdpChecksum: fc.boolean(),
  surplus: fc.constantFrom(0, 0, 0, 1, 6),
  wrong: options.intact === true ? fc.constant(0) : fc.oneof(fc.constant(0), fc.nat(0xffff)),
}) as const

const address = (): fc.Arbitrary<number> => fc.oneof(fc.nat(0xffffffff), fc.constantFrom(0, 0xffffffff, 0x0a000001))
const port = (): fc.Arbitrary<number> => fc.oneof(fc.nat(0xffff), fc.constantFrom(0, 53, 80)).filter((p) => !TUNNEL_PORTS.has(p))

/** What a group that encapsulates another has in front of it. */
interface TunnelSpec {
  readonly tunnel: 'vxlan' | 'geneve' | 'nvgre' | 'gre'
  readonly vni: number
  /** The byte behind the identifier. */
  readonly low: number
  /** Whether Geneve has an option. */
  readonly option: boolean
}

const tunnelGroup = (options: FrameOptions): fc.Arbitrary<GroupSpec & TunnelSpec> =>
  fc
    .record({
      ...group(options),
      ...(options.plainTunnels === true && { tags: fc.constant([]), extra: fc.constant(0), surplus: fc.constant(0) }),
      l3: fc.constantFrom<4 | 6>(4, 6), frag: fc.constant<'whole'>('whole'), tunnel: fc.constantFrom<TunnelSpec['tunnel']>('vxlan', 'geneve', 'nvgre', 'gre'),
      source: port(), vni: fc.nat(0xffffff),
      low: options.plainTunnels === true ? fc.constant(0) : fc.nat(255),
      option: options.plainTunnels === true ? fc.constant(false) : fc.boolean(),
    })
    .map((g) => ({
      ...g, l4: g.tunnel === 'vxlan' || g.tunnel === 'geneve' ? 'udp' : 'gre', ports: [g.source, g.tunnel === 'geneve' ? 6081 : 4789] as const,
    }))

const innermost = (options: FrameOptions): fc.Arbitrary<GroupSpec & { readonly payload: Uint8Array }> =>
  fc
    .record({
      ...group(options),
      l3: fc.constantFrom<GroupSpec['l3']>(4, 4, 4, 6, 6, 6, 'arp', 'none'),
      frag: options.fragments === false ? fc.constant('whole') : fc.constantFrom('whole', 'whole', 'whole', 'first', 'later'),
      l4: fc.constantFrom<GroupSpec['l4']>('tcp', 'udp', 'icmp', 'icmp', 'other'),
      ports: fc.tuple(port(), port()),
      payload: payload(),
      quote: quote(),
    })
    .map(({ quote: q, ...g }) =>
      (g.l4 === 'icmp' && g.icmpType === 3 && (g.l3 === 4 || g.l3 === 6) ? { ...g, payload: ip({ ...q, l3: g.l3 }, q.payload).subarray(0, q.cut) } : g))

/** A quoted packet and how many bytes of it are quoted. */
const quote = (): fc.Arbitrary<Omit<GroupSpec, 'l3'> & { readonly payload: Uint8Array; readonly cut: number }> =>
  fc.record({
    ...group({}),
    frag: fc.constantFrom('whole', 'whole', 'first', 'later'),
    l4: fc.constantFrom<GroupSpec['l4']>('tcp', 'udp', 'icmp', 'other'),
    ports: fc.tuple(port(), port()),
    payload: payload(),
    cut: fc.oneof(fc.constantFrom(28, 48, 1000), fc.nat(100)),
  })

/** Zeros often: the sums at the edge of one's complement. */
const payload = (): fc.Arbitrary<Uint8Array> => fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.nat(8).map((n) => new Uint8Array(n)))

const TUNNEL_PORTS: ReadonlySet<number> = new Set([4789, 6081, ...Object.values(OTHER_PORTS)])
const PROTOCOLS = { tcp: 6, udp: 17, gre: 47, other: 132 } as const
const ETHERTYPES = { 4: 0x0800, 6: 0x86dd, arp: 0x0806, none: 0x88b5 } as const

const tunnelled = ({ tunnel, vni, low, option }: TunnelSpec, inside: Uint8Array): Uint8Array => {
  const header = new Uint8Array(tunnel === 'gre' ? 4 : tunnel === 'geneve' && option ? 16 : 8)
  if (tunnel === 'vxlan') header[0] = 8
  else {
    putU16(header, 0, tunnel === 'nvgre' ? 0x2000 : tunnel === 'geneve' && option ? 0x0200 : 0)
    putU16(header, 2, 0x6558)
  }
  if (tunnel !== 'gre') putU32(header, 4, vni * 256 + low)
  if (header.length === 16) header.set([1, 2, 3, 1, 5, 6, 7, 8], 8)
  return concat(header, inside)
}

const buildGroup = (g: GroupSpec, payload: Uint8Array): Uint8Array => {
  const body = g.l3 === 'arp' ? arp(g) : g.l3 === 'none' ? payload : ip(g, payload)
  const l2 = new Uint8Array(14 + 4 * g.tags.length)
  putU32(l2, 0, g.macs[0])
  putU32(l2, 6, g.macs[1])
  g.tags.forEach((tag, i) => {
    putU16(l2, 12 + 4 * i, i === 0 && g.tags.length === 2 ? 0x88a8 : 0x8100)
    putU16(l2, 14 + 4 * i, tag)
  })
  putU16(l2, l2.length - 2, ETHERTYPES[g.l3])
  return concat(l2, body)
}

const arp = (g: GroupSpec): Uint8Array => {
  const bytes = new Uint8Array(28)
  bytes.set([0, 1, 8, 0, 6, 4, 0, 1])
  putU32(bytes, 14, g.src[3]!)
  putU32(bytes, 24, g.dst[3]!)
  return bytes
}

const ip = (g: GroupSpec, payload: Uint8Array): Uint8Array => {
  const protocol = g.l4 === 'icmp' ? (g.l3 === 4 ? 1 : 58) : PROTOCOLS[g.l4]
  const transport = g.frag === 'later' ? evened(payload) : g.frag === 'first' ? evened(transportOf(g, payload)) : transportOf(g, payload)
  const behind = new Uint8Array(g.l4 === 'udp' && g.frag === 'whole' ? g.surplus : 0).fill(0xe7)
  const length = transport.length + behind.length
  const header = g.l3 === 4 ? ipv4Header(g, protocol, length) : ipv6Header(g, protocol, length)
  if (g.frag !== 'later') fillChecksum(g, header, protocol, transport)
  return concat(header, concat(transport, behind))
}

const ipv4Header = (g: GroupSpec, protocol: number, length: number): Uint8Array => {
  const header = new Uint8Array(20 + 4 * g.extra).fill(1, 20)
  header[0] = 0x45 + g.extra
  header[1] = g.traffic
  putU16(header, 2, header.length + length)
  putU16(header, 6, g.frag === 'first' ? 0x2000 : g.frag === 'later' ? 3 : 0x4000)
  header[8] = g.ttl
  header[9] = protocol
  putU32(header, 12, g.src[3]!)
  putU32(header, 16, g.dst[3]!)
  putU16(header, 10, checksum(header, 0, header.length))
  return header
}

const ipv6Header = (g: GroupSpec, protocol: number, length: number): Uint8Array => {
  const fragment = g.frag === 'whole' ? 0 : 8
  const header = new Uint8Array(40 + 8 * g.extra + fragment)
  putU32(header, 0, 0x60012345)
  putU16(header, 0, 0x6000 | (g.traffic << 4))
  putU16(header, 4, header.length - 40 + length)
  header[7] = g.ttl
  for (let i = 0; i < 4; i++) {
    putU32(header, 8 + 4 * i, g.src[i]!)
    putU32(header, 24 + 4 * i, g.dst[i]!)
  }
  const afterOptions = fragment > 0 ? 44 : protocol
  header[6] = g.extra > 0 ? 60 : afterOptions
  if (g.extra > 0) header.set([afterOptions, 0, 1, 4], 40)
  if (fragment > 0) {
    header[header.length - 8] = protocol
    putU16(header, header.length - 6, g.frag === 'first' ? 1 : 24)
  }
  return header
}

const transportOf = (g: GroupSpec, payload: Uint8Array): Uint8Array => {
  if (g.l4 === 'other' || g.l4 === 'gre') return payload
  const header = new Uint8Array(g.l4 === 'tcp' ? 20 + 4 * g.extra : 8)
  if (g.l4 === 'icmp') {
    header[0] = g.l3 === 4 ? g.icmpType : g.icmpType === 3 ? 1 : 128 + (g.icmpType & 1)
    putU16(header, 4, g.ports[0])
  } else {
    putU16(header, 0, g.ports[0])
    putU16(header, 2, g.ports[1])
    if (g.l4 === 'tcp') {
      putU16(header, 12, ((5 + g.extra) << 12) | g.flags)
      header.fill(1, 20)
    } else {
      putU16(header, 4, 8 + payload.length + (g.frag === 'first' ? 8 : 0))
    }
  }
  return concat(header, payload)
}

/** A first fragment's checksum covers data that are not here: anything will do, and must change by the same difference. */
const fillChecksum = (g: GroupSpec, header: Uint8Array, protocol: number, transport: Uint8Array): void => {
  if (g.l4 === 'other' || g.l4 === 'gre') return
  const at = g.l4 === 'tcp' ? 16 : g.l4 === 'udp' ? 6 : 2
  const pseudo = g.l4 === 'icmp' && g.l3 === 4 ? 0
    : g.l3 === 4 ? pseudoSum4(header, 0, protocol, transport.length) : pseudoSum6(header, 0, protocol, transport.length)
  const sum = checksum(transport, 0, transport.length, pseudo) ^ g.wrong
  const none = g.l4 === 'udp' && g.noUdpChecksum
  putU16(transport, at, none ? 0 : g.l4 === 'udp' && sum === 0 ? 0xffff : sum)
}

/** Fragments but the last are multiples of eight bytes. */
const evened = (bytes: Uint8Array): Uint8Array => {
  const even = new Uint8Array(Math.max(8, Math.ceil(bytes.length / 8) * 8))
  even.set(bytes)
  return even
}

const concat = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}
