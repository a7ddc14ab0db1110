import { testProp } from '@fast-check/ava'
import fc from 'fast-check'
import { makeUfid } from '../../src/flow/flow-id.js'
import { Word, WORDS } from '../../src/flow/layout.js'
import { fittingTransposition } from '../../src/testing/transposition-arbitraries.js'
import { apply } from '../../src/transposition/apply.js'
import { ApplyCode } from '../../src/transposition/apply-code.js'
import { invert } from '../../src/transposition/invert.js'
import { compile } from '../../src/transposition/program.js'
import type { HeaderTransposition } from '../../src/transposition/header-transposition.js'
import { type FrameView, L3, L4, Slot, SLOTS, Tunnel } from '../../src/wire/frame-view.js'
import { copy, flowOf, type Frame, frame, view } from './frames.js'

/** The answer to a frame: in each group MACs, addresses and ports changed places, but for the ports of tunnels. */
const reverse = (f: Frame): Frame => {
  const answer = copy(f)
  const v = view(answer)!
  for (let g = 0; g < v.depth; g++) {
    const s = g * SLOTS
    swap(answer.bytes, v.slots[s + Slot.L2]!, 6)
    const l3 = v.slots[s + Slot.L3]!
    if (v.slots[s + Slot.L3_KIND] === L3.Ipv4) swap(answer.bytes, l3 + 12, 4)
    if (v.slots[s + Slot.L3_KIND] === L3.Ipv6) swap(answer.bytes, l3 + 8, 16)
    const l4 = v.slots[s + Slot.L4_KIND]
    if ((l4 === L4.Tcp || l4 === L4.Udp) && v.slots[s + Slot.TUNNEL] === Tunnel.None) swap(answer.bytes, v.slots[s + Slot.L4]!, 2)
  }
  return answer
}

/** Exchanges two neighbouring fields of `size` bytes; a checksum over both stays what it was. */
const swap = (bytes: Uint8Array, at: number, size: number): void => {
  const first = bytes.slice(at, at + size)
  bytes.copyWithin(at, at + size, at + 2 * size)
  bytes.set(first, at + size)
}

const through = (t: HeaderTransposition, f: Frame): { readonly code: ApplyCode; readonly frame: Frame } => {
  const mine = copy(f)
  const v = view(mine)!
  const code = apply(compile(t), v, 0)
  return { code, frame: { bytes: mine.bytes, start: v.start, end: v.end } }
}

/** What connections are told apart by, and MACs: all that a popped group is restored in. */
const identityOf = (v: FrameView, g: number): Uint32Array => {
  const words = flowOf(v).subarray(g * WORDS, g * WORDS + Word.VLAN)
  return words
}

testProp('law 3: the answer to a transposed frame comes back as the answer to the frame', [
  frame({ intact: true, plainTunnels: true }).chain((f) => {
    const v = view(f)!
    return fc.tuple(fc.constant(f), fittingTransposition(flowOf(v), v.depth, { invertible: true }))
  }),
], (t, [f, a]) => {
  const before = view(f)!
  const inverse = invert(a, flowOf(before), before.depth)
  const left = through(a, f)
  t.is(left.code, ApplyCode.Ok)
  const back = through(inverse, reverse(left.frame))
  t.is(back.code, ApplyCode.Ok)

  const expected = reverse(f)
  const found = view(back.frame)!
  t.is(found.depth, before.depth)
  const pops = a.pop.length
  for (let g = 0; g < pops; g++) t.deepEqual(identityOf(found, g), identityOf(view(expected)!, g))
  // Padding behind a popped group's datagram was its link's, and is gone.
  const from = before.slots[pops * SLOTS + Slot.L2]!
  const to = pops === 0 ? f.end : before.slots[(pops - 1) * SLOTS + Slot.END]!
  const start = found.slots[pops * SLOTS + Slot.L2]!
  t.deepEqual(back.frame.bytes.subarray(start, back.frame.end), expected.bytes.subarray(from, to))
}, { numRuns: 1000 })

testProp('invert: a transposition that does not fit the frame has no inverse', [frame({ maxDepth: 1 })], (t, f) => {
  const v = view(f)!
  t.is(invert({ _tag: 'Transposition', pop: [{ tunnel: true }], edit: [], push: [], guard: [] }, flowOf(v), v.depth)._tag, 'Invalid')
  t.is(invert({ _tag: 'Invalid', reason: 'no' }, makeUfid(), 1)._tag, 'Invalid')
})
