import test from 'ava'
import { isLeft } from 'fp-ts/lib/Either.js'
import { orThrow } from '../../src/errors.js'
import { buildFrame, type FrameSpec } from '../../src/wire/build-frame.js'
import { dissect } from '../../src/wire/dissect.js'
import { formatFrame } from '../../src/wire/frame.js'
import { makeFrameView } from '../../src/wire/frame-view.js'
import { parseFrame, Verify } from '../../src/wire/parse.js'
import { Reason } from '../../src/wire/reason.js'

const SPECS: readonly FrameSpec[] = [
  { proto: 'tcp', srcIp: '10.0.0.4', dstIp: '10.0.1.5', srcPort: 1, dstPort: 65_535, flags: ['Syn', 'Ack'], sequence: 0xffffffff },
  { proto: 'udp', srcIp: 'fd00::4', dstIp: 'fd00::5', payload: Uint8Array.of(1, 2, 3) },
  { proto: 'icmp', srcIp: '10.0.0.4', dstIp: '10.0.1.5', icmpId: 7 },
  { proto: 'icmp', srcIp: 'fd00::4', dstIp: 'fd00::5' },
]

test('buildFrame: makes frames with right lengths and checksums', (t) => {
  for (const spec of SPECS) {
    const bytes = orThrow(buildFrame(spec))
    t.is(parseFrame(makeFrameView(), bytes, 0, bytes.length, 3, Verify.All), Reason.Ok, formatFrame(orThrow(dissect(bytes))))
  }
})

test('buildFrame: refuses numbers that their fields cannot hold, and addresses that are none or do not go together', (t) => {
  const refused = (spec: Partial<FrameSpec>): string => {
    const made = buildFrame({ proto: 'tcp', srcIp: '10.0.0.4', dstIp: '10.0.1.5', ...spec })
    return isLeft(made) ? made.left._tag : 'made'
  }
  t.deepEqual([{ dstPort: 70_000 }, { srcPort: -1 }, { sequence: 0.5 }, { icmpId: 0x10000 }].map(refused), Array(4).fill('BadField'))
  t.deepEqual([{ srcIp: '10.0.0' }, { dstIp: 'fd00::1' }, { srcMac: 'x' }, { dstMac: '00:00' }].map(refused), Array(4).fill('BadAddress'))
})
