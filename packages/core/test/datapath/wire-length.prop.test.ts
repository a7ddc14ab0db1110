/** What is said of a packet's length before it is changed is its length afterwards. */
import { testProp } from '@fast-check/ava'
import fc from 'fast-check'
import { headersLength, wireLength } from '../../src/datapath/wire-length.js'
import { fittingTransposition } from '../../src/testing/transposition-arbitraries.js'
import { apply } from '../../src/transposition/apply.js'
import { ApplyCode } from '../../src/transposition/apply-code.js'
import { compile } from '../../src/transposition/program.js'
import { L4, Slot, SLOTS } from '../../src/wire/frame-view.js'
import { tcpHeaderLength } from '../../src/wire/tcp.js'
import { copy, flowOf, frame, view } from '../transposition/frames.js'

const fitting = frame().chain((f) => {
  const v = view(f)!
  return fc.tuple(fc.constant(f), fittingTransposition(flowOf(v), v.depth, { translating: true }))
})

testProp('wire length: the length foretold is that of the outermost packet of what leaves', [fitting], (t, [f, transposition]) => {
  const program = compile(transposition)
  const before = view(f)!
  const told = wireLength(program, before, 0)
  const tcp = before.slots[(before.depth - 1) * SLOTS + Slot.L4_KIND] === L4.Tcp
  const headers = tcp ? headersLength(program, before) : 0
  const mine = copy(f)
  const v = view(mine)!
  fc.pre(apply(program, v, 0) === ApplyCode.Ok)
  const after = view({ bytes: mine.bytes, start: v.start, end: v.end })
  if (after === undefined) return
  const { slots, depth, bytes } = after
  t.is(told, slots[Slot.END]! - slots[Slot.L3]!)
  const last = (depth - 1) * SLOTS
  if (tcp) t.is(headers, slots[last + Slot.PAYLOAD]! - slots[Slot.L3]! - (tcpHeaderLength(bytes, slots[last + Slot.L4]!) - 20))
}, { numRuns: 3000 })
