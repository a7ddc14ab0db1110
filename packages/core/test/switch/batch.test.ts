/** Many frames at once are one after the other: what the batch calls of the switch do, and what travels with a frame. */
import test from 'ava'
import { testProp } from '@fast-check/ava'
import fc from 'fast-check'
import { type Batch, type Environment, OFFLOAD_PARTIAL, openSwitch, orThrow, parsePrefix, type RuleJson, type Switch } from '../../src/index.js'
import { BROADCAST, builtIn, ELSEWHERE, frame, groupOf, macOf } from './support.js'
import { pendingBench, to } from './pending-support.js'

const batchOf = (frames: readonly Uint8Array[], offload?: readonly number[]): Batch => {
  const stride = 2048
  const batch = {
    bytes: new Uint8Array(frames.length * stride), start: new Uint32Array(frames.length), length: new Uint32Array(frames.length),
    verdict: new Uint8Array(frames.length).fill(9), reason: new Uint16Array(frames.length).fill(9), count: frames.length,
    ...(offload === undefined ? {} : { offload: Float64Array.from(offload) }),
  }
  for (const [i, f] of frames.entries()) {
    batch.start[i] = i * stride + 256
    batch.length[i] = f.length
    batch.bytes.set(f, i * stride + 256)
  }
  return batch
}

/** A switch whose every way out writes a line, and how frames are given to it. */
interface Told {
  readonly host: Switch
  readonly lines: string[]
}

const switchOf = (how: 'deliver' | 'hooks'): Told => {
  const lines: string[] = []
  const say = (to: string, bytes: Uint8Array, offload: number): void => { lines.push(`${to} ${Buffer.from(bytes).toString('hex')} ${offload}`) }
  const environment: Environment = how === 'deliver'
    ? { deliver: (to, bytes, start, end, offload) => { say(to?.name ?? 'network', bytes.subarray(start, end), offload) } }
    : { toVm: (to, bytes) => { say(to.name, bytes, 0) }, toNetwork: (bytes) => { say('network', bytes, 0) } }
  return { host: openSwitch({ environment, tunnelEnds: [{ ip: orThrow(parsePrefix('192.0.2.0/30')) }] }), lines }
}

/** Two tenants, one with two VMs; a port that mirrors, one that hairpins, one that encapsulates. */
const populate = ({ host }: Told): void => {
  const add = (n: number, vni: number, outbound: readonly RuleJson[], inbound: readonly RuleJson[] = []): void => {
    const port = orThrow(host.addPort({ name: `vm-${n}`, mac: macOf(n), vni }))
    orThrow(orThrow(port.addLayer(builtIn, { order: 1 })).updateJson({ outbound: [groupOf('g', outbound)], inbound: [groupOf('g', inbound)] }))
  }
  add(1, 7, [{ do: 'mirror', with: { port: 'vm-3' }, when: { dstPort: 80 } }, { do: 'block', when: { dstPort: 81 } }])
  add(2, 7, [{ do: 'encap', with: { vni: 7, srcIp: '192.0.2.1', dstIp: '192.0.2.2', innerDstMac: macOf(1) } }], [{ do: 'hairpin', with: { port: 'vm-2' }, when: { dstPort: 82 } }])
  add(3, 8, [], [{ do: 'decap' }])
}

const someFrame = fc.record({
  from: fc.integer({ min: 1, max: 3 }),
  toMac: fc.constantFrom(macOf(1), macOf(2), macOf(3), ELSEWHERE, BROADCAST),
  dstPort: fc.integer({ min: 79, max: 83 }),
  tunnel: fc.option(fc.constantFrom({ vni: 7 }, { vni: 8 }), { nil: undefined, freq: 4 }),
})

const built = ({ from, toMac, dstPort, tunnel }: { from: number; toMac: string; dstPort: number; tunnel: { vni: number } | undefined }): Uint8Array =>
  frame({ fromMac: macOf(from), toMac, dstPort, ...(tunnel === undefined ? {} : { tunnel }) })

const outcomeOf = (verdict: number): string => ['Passed', 'Dropped', 'Pending'][verdict] ?? 'unset'

for (const how of ['deliver', 'hooks'] as const) {
  testProp(`switch: a batch is its frames one after the other, by ${how}`, [fc.array(someFrame, { maxLength: 12 }), fc.boolean()], (c, said, network) => {
    const one = switchOf(how)
    const many = switchOf(how)
    populate(one)
    populate(many)
    const frames = said.map(built)
    const outcomes = frames.map((f, i) => (network ? one.host.fromNetwork(f) : one.host.fromVm(`vm-${said[i]!.from}`, f))._tag)
    if (network) {
      const batch = batchOf(frames)
      many.host.batchFromNetwork(batch)
      c.deepEqual(Array.from(batch.verdict, outcomeOf), outcomes)
    } else {
      for (const [i, f] of frames.entries()) {
        const batch = batchOf([f])
        many.host.batchFromVm(`vm-${said[i]!.from}`, batch)
        c.is(outcomeOf(batch.verdict[0]!), outcomes[i]!)
      }
    }
    c.deepEqual(many.lines, one.lines)
    c.deepEqual(many.host.drops(), one.host.drops())
    c.deepEqual(many.host.ports().map((p) => p.counters()), one.host.ports().map((p) => p.counters()))
  })
}

test('switch: several frames of one VM leave in their order, whatever becomes of those between', (c) => {
  const told = switchOf('deliver')
  populate(told)
  const frames = [79, 81, 83, 81, 79].map((dstPort, i) => frame({ dstPort, srcPort: 1000 + i }))
  const batch = batchOf(frames)
  told.host.batchFromVm('vm-1', batch)
  c.deepEqual(told.lines, [0, 2, 4].map((i) => `network ${Buffer.from(frames[i]!).toString('hex')} 0`))
  c.deepEqual([...batch.verdict], [0, 1, 0, 1, 0])
  c.deepEqual([...batch.reason].map((r, i) => (batch.verdict[i] === 1 ? told.host.port('vm-1')!.reasonName(r) : r)), [0, 'Denied', 0, 'Denied', 0])
})

test('switch: what is left to do to a frame travels with it, through tunnels, floods, copies and waiting', (c) => {
  const told = switchOf('deliver')
  populate(told)
  const word = OFFLOAD_PARTIAL | 1448
  const last = (): readonly string[] => told.lines.splice(0).map((line) => `${line.split(' ')[0]!} ${line.split(' ')[2]!}`)
  told.host.batchFromVm('vm-2', batchOf([frame({ fromMac: macOf(2) })], [word]))
  c.deepEqual(last(), [`vm-1 ${word}`], 'tunnelled, then bridged by the MAC inside')
  told.host.batchFromVm('vm-1', batchOf([frame({ toMac: BROADCAST, dstPort: 79 })], [word]))
  c.deepEqual(last(), [`network ${word}`, `vm-2 ${word}`])
  told.host.batchFromVm('vm-1', batchOf([frame({ dstPort: 80 })], [word]))
  c.deepEqual(last(), [`vm-3 ${word}`, `network ${word}`])
  told.host.batchFromNetwork(batchOf([frame({ toMac: macOf(1) }), frame({ toMac: macOf(1) })], [word, 0]))
  c.deepEqual(last(), [`vm-1 ${word}`, 'vm-1 0'])

  const offloads: number[] = []
  const { host, places } = pendingBench({ deliver: (_to, _bytes, _start, _end, offload) => { offloads.push(offload) } })
  const waiting = batchOf([to(80)], [word])
  host.batchFromVm('vm-1', waiting)
  c.deepEqual([waiting.verdict[0], offloads], [2, []])
  places.answer(80)
  c.deepEqual(offloads, [word])
})

test('switch: a frame that does not lie in its batch is dropped, by the port or the switch', (c) => {
  const told = switchOf('deliver')
  populate(told)
  const overlapping = (): Batch => {
    const batch = batchOf([frame({ dstPort: 79 }), frame({ dstPort: 79 })])
    batch.start[1] = batch.start[0]! + 10
    return batch
  }
  told.host.batchFromVm('vm-1', overlapping())
  c.is(told.host.port('vm-1')!.counters().drops['BadBatch'], 1)
  const batch = overlapping()
  told.host.batchFromNetwork(batch)
  c.deepEqual([told.host.drops(), [...batch.verdict]], [{ NoPortForMac: 1, BadBatch: 1 }, [1, 1]])
  told.host.batchFromVm('nobody', batch)
  c.deepEqual([told.host.drops()['NoSuchPort'], [...batch.verdict]], [2, [1, 1]])
  c.throws(() => { told.host.batchFromVm('vm-1', { ...batch, offload: new Uint32Array(1) }) }, { instanceOf: RangeError, message: /offload has 1/ })
})

test('switch: a frame goes to the next port in the buffer it lies in, and what is headroom in front of it stays so', (c) => {
  let buffer: Uint8Array | undefined
  const host = openSwitch({ environment: { deliver: (_to, bytes) => { buffer = bytes } } })
  for (const n of [1, 2]) orThrow(host.addPort({ name: `vm-${n}`, mac: macOf(n) }))
  const rules: RuleJson[] = [{ do: 'encap', with: { srcIp: '2001:db8::1', dstIp: '2001:db8::2', vni: 7 } }]
  orThrow(orThrow(host.port('vm-2')!.addLayer(builtIn, { order: 1 })).updateJson({ inbound: [groupOf('g', rules)] }))
  const first = frame({ toMac: macOf(2), bytes: 900, srcPort: 1 })
  const tight = { ...batchOf([]), bytes: new Uint8Array(256 + 2 * first.length + 69), start: Uint32Array.of(256, 256 + first.length + 69), length: Uint32Array.of(first.length, first.length), verdict: new Uint8Array(2), reason: new Uint16Array(2), count: 2 }
  tight.bytes.set(first, 256)
  tight.bytes.set(first, 256 + first.length + 69)
  host.batchFromVm('vm-1', tight)
  c.is(buffer, tight.bytes)
  c.deepEqual([host.port('vm-2')!.counters().drops, [...tight.verdict]], [{ NoHeadroom: 1 }, [0, 0]], 'the second lacks one byte of the 70 that the tunnel takes')
})
