import { fc, testProp } from '@fast-check/ava'
import { FRAME_HEADROOM } from '../../src/nic/index.js'
import { RING_HEADER_BYTES } from '../../src/native/layout.js'
import { restoreTag, ringShape } from '../../src/af-packet/receive-ring.js'

testProp(
  'receive ring: a shape is one the kernel accepts, with room for every frame of the MTU',
  [fc.integer({ min: 68, max: 65_535 }), fc.constantFrom(4096, 16_384, 65_536)],
  (t, mtu, page) => {
    const { slotBytes, slots, blockBytes } = ringShape(mtu, page)
    t.is(blockBytes % page, 0)
    t.is(slotBytes % 64, 0)
    t.is(blockBytes % slotBytes, 0)
    t.is((slots * slotBytes) % blockBytes, 0)
    t.true(slots >= 256)
    // An Ethernet header ends where alignment, headroom and the virtio-net header put it.
    const networkAt = Math.ceil((RING_HEADER_BYTES + 16) / 16) * 16 + FRAME_HEADROOM + 10
    if (mtu <= 9_216) t.true(networkAt + mtu + 8 <= slotBytes)
  },
)

testProp(
  'receive ring: a tag is put back behind the addresses, and nothing else changes',
  [fc.uint8Array({ minLength: 14, maxLength: 100 }), fc.nat({ max: 0xffff }), fc.nat({ max: 0xffff }), fc.integer({ min: 4, max: 20 })],
  (t, frame, protocol, tci, at) => {
    const bytes = new Uint8Array(at + frame.length)
    bytes.set(frame, at)
    const moved = restoreTag(bytes, at, protocol, tci)
    const expected = [...frame.subarray(0, 12), protocol >> 8, protocol & 0xff, tci >> 8, tci & 0xff, ...frame.subarray(12)]
    t.deepEqual([...bytes.subarray(at - moved)], expected)
  },
)
