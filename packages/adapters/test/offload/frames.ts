/** Unfinished frames, and what a patient hand would make of them: values cut and emitted anew, every length and checksum computed from nothing. */
import { buildFrame, dissect, type Frame, type HeaderGroup, makeFrameView, orThrow, parseFrame, Reason, Slot, SLOTS, wire } from '@vfp-ts/core'
import { bytesOf, type FrameConstraints, frameArbitrary } from '@vfp-ts/core/testing'
import fc from 'fast-check'

/** A frame in a buffer with room around it, as an engine would have left it: the checksum field of its innermost transport is garbage. */
export interface Unfinished {
  /** As it should be but for its length. */
  readonly value: Frame
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

const { TcpFlag } = wire.tcp

/** Whole TCP and UDP in up to two tunnels. */
export const cuttable: FrameConstraints = { network: ['ipv4', 'ipv6'], transport: ['tcp', 'udp'], fragments: false, surplus: false, maxPayload: 300 }

/** Unfinished frames; `garbage` is what their checksum fields hold. */
export const unfinished = (constraints: FrameConstraints = cuttable): fc.Arbitrary<Unfinished> =>
  fc
    .tuple(frameArbitrary(constraints), payloadArbitrary(constraints.maxPayload ?? 300), fc.nat(0xff), fc.nat(0xffff), fc.nat(0xffff), fc.integer({ min: 1, max: 0xffff }), fc.nat(5))
    .map(([frame, payload, flags, urgent, garbage, outer, before]) => {
      // no more than one SYN or RST can be there, and they are tested by themselves
      // trailers that count, unlike zeros
      const filled = withGroups(frame, (group) => (group.trailer === undefined ? group : { ...group, trailer: group.trailer.map((_, i) => 0xa7 - i) }))
      const value = withTransport({ ...filled, payload }, (transport) => {
        if (transport.kind !== 'tcp') return wholeUdp(transport)
        return { ...transport, flags: flags & ~(TcpFlag.Syn | TcpFlag.Rst), urgent: (flags & TcpFlag.Urg) === 0 ? 0 : urgent % 600 }
      })
      return spoilt(value, garbage, outer, before)
    })

/** Of any length up to `max`: generated arrays are short whatever they may be. */
const payloadArbitrary = (max: number): fc.Arbitrary<Uint8Array> =>
  fc.tuple(fc.nat(max), fc.nat(0xff), fc.nat(0xff)).map(([length, first, step]) => Uint8Array.from({ length }, (_, i) => first + i * step + (i >> 3)))

/** The frame as bytes, with `inner` in its transport's checksum field, and `outer` in those of the UDP headers around it that have one. */
export const spoilt = (value: Frame, inner: number, outer: number, before: number): Unfinished => {
  const bytes = bytesOf(value, before)
  const view = makeFrameView()
  if (parseFrame(view, bytes, before, bytes.length) !== Reason.Ok) throw new Error(`no frame: ${view.reason}`)
  for (let s = 0; s < view.depth * SLOTS; s += SLOTS) {
    const kind = view.slots[s + Slot.L4_KIND]!
    const field = view.slots[s + Slot.L4]! + wire.transportChecksum.transportChecksumAt(kind)
    const innermost = s === (view.depth - 1) * SLOTS
    if (kind !== 0 && (innermost || wire.bytes.u16(bytes, field) !== 0)) wire.bytes.putU16(bytes, field, innermost ? inner : outer)
  }
  return { value, bytes, start: before, end: bytes.length }
}

type Transport = NonNullable<HeaderGroup['transport']>

/** The same with another innermost transport header. */
export const withTransport = (frame: Frame, f: (transport: Transport) => Transport): Frame =>
  withGroups(frame, (group, innermost) => (innermost && group.transport !== undefined ? { ...group, transport: f(group.transport) } : group))

const withGroups = (frame: Frame, f: (group: HeaderGroup, innermost: boolean) => HeaderGroup): Frame => {
  const groups = frame.groups.map((group, i) => f(group, i === frame.groups.length - 1))
  return { ...frame, groups: [groups[0]!, ...groups.slice(1)] }
}

const wholeUdp = (transport: Transport): Transport => {
  if (transport.kind !== 'udp') return transport
  const { checksum: _, ...rest } = transport
  return rest
}

/** The pieces of `size` payload bytes, finished, as bytes. */
export const cutByHand = (frame: Frame, size: number): readonly Uint8Array[] => {
  const pieces = Math.max(1, Math.ceil(frame.payload.length / size))
  return Array.from({ length: pieces }, (_, i) => bytesOf(piece(frame, i, size, i === pieces - 1)))
}

const piece = (frame: Frame, i: number, size: number, last: boolean): Frame => {
  const whole = withGroups(frame, ({ trailer: _, ...group }) => {
    if (group.net?.kind !== 'ipv4') return group
    return { ...group, net: { ...group.net, identification: (group.net.identification + i) & 0xffff } }
  })
  const skipped = i * size
  const mine = withTransport(whole, (transport) => {
    if (transport.kind !== 'tcp') return transport
    const urgent = transport.urgent > skipped ? transport.urgent - skipped : 0
    const gone = (last ? 0 : TcpFlag.Fin | TcpFlag.Psh) | (i === 0 ? 0 : TcpFlag.Cwr) | (urgent > 0 || i === 0 ? 0 : TcpFlag.Urg)
    const flags = transport.flags & ~gone
    const pointer = i === 0 || (transport.flags & TcpFlag.Urg) === 0 ? transport.urgent : urgent
    return { ...transport, sequence: (transport.sequence + skipped) >>> 0, flags, urgent: pointer }
  })
  return { ...mine, payload: frame.payload.slice(skipped, skipped + size) }
}

/** The frame as a value. */
export const valueOf = (bytes: Uint8Array): Frame => orThrow(dissect(bytes))

/** An SCTP packet in IPv4 without options. */
export const sctpFrame = (packet: Uint8Array): Uint8Array => {
  const tcp = valueOf(orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.0.4', dstIp: '10.0.0.5' })))
  const frame = withGroups(tcp, ({ eth, vlans, net }) => (net?.kind === 'ipv4' ? { eth, vlans, net: { ...net, protocol: 132 } } : { eth, vlans }))
  return bytesOf({ ...frame, payload: packet })
}
