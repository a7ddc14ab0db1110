/**
 * A million frames that no arbitrary could generate one by one in time: a few thousand well-formed ones from
 * fast-check, and a seeded generator that flips, cuts, splices and invents bytes a hundred times as fast.
 *
 * Each frame lies in a larger buffer twice, each time among other poison. Whatever reads outside of the frame reads
 * different bytes the second time, and whatever writes outside of frame and headroom changes the poison.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import fc from 'fast-check'
import { manualClock } from '../../src/clock.js'
import { orThrow } from '../../src/errors.js'
import { rulesLayer } from '../../src/policy/rules-layer.js'
import { allow, block, count, decap, encap, nat, transpose, vlan } from '../../src/policy/rule-types.js'
import type { Batch } from '../../src/switch/output.js'
import type { Port } from '../../src/switch/port.js'
import { openSwitch } from '../../src/switch/switch.js'
import { frameBytesArbitrary } from '../../src/testing/frame-arbitraries.js'
import { makeFrameView } from '../../src/wire/frame-view.js'
import { parseFrame } from '../../src/wire/parse.js'

const FRAMES = Number(process.env['VFP_FUZZ_FRAMES'] ?? 1_000_000)
const SEED = Number(process.env['VFP_SEED'] ?? 20_260) >>> 0
const ROOM = 256
const LONGEST = 2048

test('fuzz: a million random and mutated frames pass parse, classify and apply without exception, overrun or growth', (t) => {
  t.timeout(Math.max(600_000, FRAMES))
  const random = generator(SEED)
  const samples = fc.sample(frameBytesArbitrary(), { numRuns: 3000, seed: SEED })
  const first = harness(0xaa)
  const second = harness(0x55)
  const frame = new Uint8Array(LONGEST)
  const seen = { passed: 0, dropped: 0 }
  let heapBefore = 0

  for (let n = 0; n < FRAMES; n++) {
    const length = invent(frame, samples, random)
    const direction = (random() & 1) === 0 ? 'outbound' as const : 'inbound' as const
    const a = first.run(direction, frame, length, n)
    const b = second.run(direction, frame, length, n)
    if (a.verdict !== b.verdict || a.length !== b.length || !first.sameResult(second)) {
      t.fail(`frame ${n} of seed ${SEED} depends on bytes around it: ${Buffer.from(frame.subarray(0, length)).toString('hex')}`)
      return
    }
    if (a.verdict === 0) seen.passed++
    else seen.dropped++
    // By half of the run every bounded table is full.
    if (n === Math.floor(FRAMES / 2)) heapBefore = settledHeap()
  }

  t.true(first.isIntact() && second.isIntact(), 'poison outside of frame and headroom is untouched')
  t.true(seen.passed > FRAMES / 20 && seen.dropped > FRAMES / 20, `both happen often: ${JSON.stringify(seen)}`)
  t.true(first.port.counters().flows <= MAX_FLOWS)
  const grown = settledHeap() - heapBefore
  // The smallest leak, one small object a frame, would be 25 MiB; the test runner's own heap moves by some.
  t.true(grown < 12 * 1024 * 1024, `the heap grew by ${(grown / 1024 / 1024).toFixed(1)} MiB in the second half`)
})

const MAX_FLOWS = 2000

/** A port with four layers, and a buffer of poison around the one frame it is given at a time. */
const harness = (poison: number): {
  readonly port: Port
  readonly run: (direction: 'outbound' | 'inbound', frame: Uint8Array, length: number, n: number) => { verdict: number; length: number }
  readonly sameResult: (other: { readonly batch: Batch }) => boolean
  readonly isIntact: () => boolean
  readonly batch: Batch
} => {
  const clock = manualClock()
  const port = orThrow(openSwitch({ clock, maxFlows: MAX_FLOWS, maxFragments: 256, flowIdleUs: 1000, parseDepth: { outbound: 3, inbound: 3 } }).addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
  program(port)
  const bytes = new Uint8Array(ROOM + LONGEST + 2 * ROOM).fill(poison)
  const batch: Batch = {
    bytes, start: new Uint32Array(1), length: new Uint32Array(1), verdict: new Uint8Array(1), reason: new Uint16Array(1), count: 1,
  }
  const view = makeFrameView()
  let intact = true
  return {
    port,
    batch,
    isIntact: () => intact,
    run: (direction, frame, length, n) => {
      bytes.fill(poison)
      bytes.set(frame.subarray(0, length), ROOM)
      parseFrame(view, bytes, ROOM, ROOM + length)
      batch.start[0] = ROOM
      batch.length[0] = length
      clock.advanceUs(1)
      port.processBatch(direction, batch, () => undefined)
      if (n % 1000 === 0) port.expire()
      for (let i = ROOM + length; i < bytes.length; i++) if (bytes[i] !== poison) intact = false
      return { verdict: batch.verdict[0]!, length: batch.length[0] }
    },
    sameResult: (other) => {
      const start = batch.start[0]!
      for (let i = start; i < start + batch.length[0]!; i++) if (bytes[i] !== other.batch.bytes[i]) return false
      return start === other.batch.start[0]
    },
  }
}

/** Layers that between them do all the language knows: two tunnels deep, of every kind, tags, translation, quotes. */
const program = (port: Port): void => {
  const types = [allow, block, nat, encap, decap, count, transpose, vlan]
  const layer = (name: string, order: number, policy: unknown): void => {
    orThrow(orThrow(port.addLayer(rulesLayer(name, types), { order })).updateJson(policy))
  }
  const metered = [{ name: 'all', rules: [{ do: 'count' }] }]
  layer('meter', 10, { outbound: metered, inbound: metered })
  const security = [{
    name: 'customer',
    rules: [
      { do: 'block', when: { dstPort: [443, '8000-9000'] }, terminating: true },
      { do: 'block', when: { srcIp: ['10.1.0.0/16', '2001:db8::/32'], proto: 'udp' }, terminating: true },
      { do: 'allow', priority: 200, stateful: { idleMs: 1 } },
    ],
  }]
  layer('acl', 20, { outbound: security, inbound: security })
  layer('balancer', 30, { inbound: [{ name: 'vips', rules: [{ do: 'nat', when: { dstIp: '10.0.0.5', dstPort: 80 }, with: { dstIp: '10.0.0.4', dstPort: 8080 }, stateful: { idleMs: 1 } }] }] })
  layer('vnet', 40, {
    outbound: [{
      name: 'routes',
      longestPrefix: 'dstIp',
      rules: [
        { do: 'transpose', when: { dstIp: '10.64.0.0/10' }, with: '0: translate 4>6 srcIp=64:ff9b::a00:4 dstIp=64:ff9b::a40:1 ttl=ttl(0)-1; quote: srcIp=64:ff9b::a40:1 dstIp=64:ff9b::a00:4' },
        { do: 'transpose', when: { dstIp: '64:ff9b::/96' }, with: '0: translate 6>4 srcIp=192.0.2.7 dstIp=192.0.2.8' },
        { do: 'encap', when: { dstIp: '10.0.0.0/8' }, with: { srcIp: '192.0.2.1', dstIp: '192.0.2.2', vni: 5001 } },
        { do: 'encap', when: { dstIp: '::/0' }, with: { srcIp: '2001:db8::1', dstIp: '2001:db8::2', vni: 5001 } },
      ],
    }],
    inbound: [{ name: 'tunnels', rules: [{ do: 'decap', when: { tunnel: ['vxlan', 'nvgre', 'geneve', 'gre'] } }] }],
  })
  layer('chain', 50, {
    outbound: [{
      name: 'appliances',
      rules: [
        { do: 'encap', when: { dstIp: '192.0.2.2' }, with: { tunnel: 'geneve', srcIp: '192.0.2.1', dstIp: '192.0.2.9', vni: 7, ttl: 'copy' } },
        { do: 'encap', when: { dstIp: '2001:db8::2' }, with: { tunnel: 'nvgre', srcIp: '2001:db8::1', dstIp: '2001:db8::9', vni: 8 } },
      ],
    }],
    inbound: [{ name: 'appliances', rules: [{ do: 'decap', when: { 'inner.tunnel': ['vxlan', 'nvgre', 'geneve', 'gre'] } }] }],
  })
  layer('tags', 60, {
    outbound: [{ name: 'tags', rules: [{ do: 'vlan', with: { pop: 'all', push: [{ vid: 100 }, { vid: 7 }] }, when: { dstIp: '10.0.0.0/9' } }, { do: 'vlan', with: { push: [{ vid: 9 }] } }] }],
    inbound: [{ name: 'tags', rules: [{ do: 'vlan', with: { pop: 1 }, when: { vlanId: '1-4095' } }] }],
  })
}

/** Writes the next frame; its length. */
const invent = (frame: Uint8Array, samples: readonly Uint8Array[], random: () => number): number => {
  const kind = random() % 8
  if (kind === 0) {
    const length = random() % 160
    for (let i = 0; i < length; i++) frame[i] = random()
    return length
  }
  const sample = samples[random() % samples.length]!
  let length = Math.min(sample.length, LONGEST)
  frame.set(sample.subarray(0, length))
  if (kind <= 2 || length === 0) return length
  const flips = 1 + (random() % 3)
  for (let i = 0; i < flips; i++) frame[random() % length] = random()
  if (kind === 5) length = random() % (length + 1)
  if (kind === 6) {
    const other = samples[random() % samples.length]!
    const at = random() % length
    length = Math.min(LONGEST, at + other.length)
    frame.set(other.subarray(0, length - at), at)
  }
  if (kind === 7) frame[random() % Math.min(length, 64)] = 0xff
  return length
}

/** xorshift32: fast, and good enough to choose bytes with. */
const generator = (seed: number): (() => number) => {
  let x = seed === 0 ? 1 : seed
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return x >>> 0
  }
}

/** Bytes in use once garbage is gone; Node hands its collector out only when asked by this flag. */
const settledHeap = (): number => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // Twice: the first round may leave what only finalizers held.
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
