import { fc, testProp } from '@fast-check/ava'
import { ipv4, ipv6, makeFrameView, parseFrame, Reason, Tunnel, Slot, Verify } from '@vfp-ts/core'
import { addressBytes, outerBytes, OuterReader, OuterWriter } from '../../src/udp-overlay/outer-headers.js'
import { TUNNEL_HEADER } from './wrapping.js'

const word = fc.integer({ min: 1, max: 0xffff_ffff })
const port = fc.integer({ min: 1, max: 0xffff })
const address = fc.oneof(word.map((bits) => [ipv4(bits), ipv4(bits ^ 1)] as const), word.map((low) => [ipv6(0xfd00_0000, 0, 0, low), ipv6(0xfd00_0000, 0, 1, low)] as const))

testProp(
  'outer-headers: what is made up around a payload is well formed, and reads back as the sender wrote it',
  [address, port, fc.uint8Array({ minLength: 60, maxLength: 1400 }), fc.nat(300)],
  (t, [us, them], sourcePort, inner, start) => {
    // An EtherType that nothing is known of: the bytes inside are not this property's business.
    const payload = Buffer.concat([TUNNEL_HEADER.vxlan, inner.fill(0x88, 12, 14)])
    const outer = outerBytes(us.version)
    const bytes = new Uint8Array(start + outer + payload.length + 7).fill(0xee)
    const end = start + outer + payload.length
    new OuterWriter(us).write(bytes, start, addressBytes(them), sourcePort, 4789, payload.length)
    bytes.set(payload, start + outer)
    const view = makeFrameView()
    t.is(parseFrame(view, bytes, start, end, 2, Verify.All), Reason.Ok)
    t.is(view.slots[Slot.TUNNEL], Tunnel.Vxlan)
    t.true(bytes.subarray(end).every((byte) => byte === 0xee))
    const reader = new OuterReader(them)
    // Padding behind the packet is not the packet's.
    t.is(reader.read(bytes, start, end + 7), undefined)
    t.like(reader, { sourcePort, destinationPort: 4789, payload: start + outer, payloadEnd: end })
    t.deepEqual(bytes.slice(reader.destination, reader.destination + (us.version === 4 ? 4 : 16)), addressBytes(us))
    t.is(new OuterReader(us).read(bytes, start, end), 'OtherSource')
  },
)

testProp('outer-headers: a frame cut short is refused, wherever', [address, fc.nat(100)], (t, [us, them], cut) => {
  const outer = outerBytes(us.version)
  const bytes = new Uint8Array(outer + 100)
  new OuterWriter(us).write(bytes, 0, addressBytes(them), 50_000, 4789, 100)
  t.is(new OuterReader(them).read(bytes, 0, Math.max(14, bytes.length - 1 - cut)), 'Malformed')
})
