/**
 * What a packet costs, in nanoseconds, and what its parts cost: parse, a hit that rewrites nothing, NAT, encapsulation,
 * decapsulation, and the walk that made the flow. The peer in the same run is the slow path: the same port, with each
 * packet walked because a rule looks at the TTL.
 *
 *   node packages/core/dist/bench/fast-path.js [--smoke]
 *
 * Rounds of all cases are interleaved and the median is printed, so that a drift of the machine's speed hits all alike.
 */
import { allow, type Batch, block, buildFrame, decap, encap, type GroupJson, nat, openSwitch, orThrow, type Port, type RuleJson, type RulesJson, rulesLayer } from '../src/index.js'
import { makeFrameView } from '../src/wire/frame-view.js'
import { parseFrame } from '../src/wire/parse.js'

const SMOKE = process.argv.includes('--smoke')
const PACKETS = SMOKE ? 20_000 : 1_000_000
const ROUNDS = SMOKE ? 1 : 7
const FLOWS = [1_000, 100_000]
const BATCH = 32
const STRIDE = 256
const HEADROOM = 128

interface Case {
  readonly name: string
  /** Takes about so many packets through. */
  readonly run: (packets: number) => void
}

const types = rulesLayer('rules', [allow, block, nat, encap, decap])

const portWith = (...policies: readonly RulesJson[]): Port => {
  const port = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
  return programmed(port, policies)
}

/** Frames of a port's VM that leave to the network, through the switch's bridge. */
const bridged = (...policies: readonly RulesJson[]): TakeBatch => {
  let left = 0
  const host = openSwitch({ environment: { deliver: () => { left++ } } })
  programmed(orThrow(host.addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' })), policies)
  return (batch) => {
    const before = left
    host.batchFromVm('vm-1', batch)
    if (left - before !== batch.count) throw new Error('not all frames left')
  }
}

const programmed = (port: Port, policies: readonly RulesJson[]): Port => {
  policies.forEach((policy, i) => orThrow(orThrow(port.addLayer(types, { order: i, name: `layer-${i}` })).update(types.policy(policy))))
  return port
}

/** Every source port and, beyond those, the next source address: `count` distinct five-tuples. */
const plainFrames = (count: number): readonly Uint8Array[] =>
  Array.from({ length: count }, (_, i) => orThrow(buildFrame({
    proto: 'tcp', srcIp: `10.0.${4 + Math.floor(i / 50_000)}.4`, dstIp: '10.1.1.5', srcPort: 10_000 + (i % 50_000), dstPort: 443, flags: ['Ack'],
  })))

type TakeBatch = (batch: Batch) => void

const noSink = (): void => undefined
const through = (port: Port, direction: 'outbound' | 'inbound'): TakeBatch => (batch) => {
  port.processBatch(direction, batch, noSink)
  if (batch.verdict[0] !== 0) throw new Error(port.reasonName(batch.reason[0] ?? 0))
}
const traffic = (name: string, port: Port, direction: 'outbound' | 'inbound', frames: readonly Uint8Array[]): Case => fed(name, through(port, direction), frames)

const fed = (name: string, take: TakeBatch, frames: readonly Uint8Array[]): Case => {
  const bytes = new Uint8Array(BATCH * STRIDE)
  const batch = {
    bytes, start: new Uint32Array(BATCH), length: new Uint32Array(BATCH), verdict: new Uint8Array(BATCH), reason: new Uint16Array(BATCH), count: BATCH,
  }
  let next = 0
  const run = (packets: number): void => {
    for (let i = 0; i < packets; i += BATCH) {
      for (let j = 0; j < BATCH; j++) {
        const frame = frames[next]!
        next = next + 1 === frames.length ? 0 : next + 1
        bytes.set(frame, j * STRIDE + HEADROOM)
        batch.start[j] = j * STRIDE + HEADROOM
        batch.length[j] = frame.length
      }
      take(batch)
    }
  }
  return { name, run }
}

const group = (rules: readonly RuleJson[]): readonly GroupJson[] => [{ name: 'all', rules }]

const natPolicy: RulesJson = { outbound: group([{ do: 'nat', with: { dstIp: '10.1.1.6', dstPort: 8443 } }]) }
const encapPolicy: RulesJson = {
  outbound: group([{ do: 'encap', with: { srcIp: '192.0.2.1', dstIp: '192.0.2.2', vni: 5001, innerDstMac: '00:15:5d:00:00:05' } }]),
  inbound: group([{ do: 'decap', when: { vni: 5001 } }]),
}
const firewall: RulesJson = { outbound: group([{ do: 'allow', when: { proto: 'tcp' }, stateful: true }]) }

const cases = FLOWS.flatMap((count): readonly Case[] => {
  const frames = plainFrames(count)
  const encapsulating = portWith(encapPolicy)
  const wire = frames.map((f) => {
    const out = encapsulating.process('outbound', f).outputs[0]
    if (out === undefined) throw new Error('not encapsulated')
    return out.frame
  })
  const label = (what: string): string => `${what}, ${count.toLocaleString('en')} flows`
  const perPacket: RulesJson = { outbound: group([{ do: 'block', when: { ttl: 0 } }]) }
  return [
    traffic(label('hit, nothing to change'), portWith(firewall), 'outbound', frames),
    traffic(label('hit, NAT'), portWith(natPolicy), 'outbound', frames),
    traffic(label('hit, encap'), portWith(encapPolicy), 'outbound', frames),
    traffic(label('hit, decap'), portWith(encapPolicy), 'inbound', wire),
    traffic(label('hit, stateful + NAT + encap, 4 layers'), portWith(firewall, firewall, natPolicy, encapPolicy), 'outbound', frames),
    fed(label('the same from a VM to the network, bridge included'), bridged(firewall, firewall, natPolicy, encapPolicy), frames),
    ...(count === FLOWS[0] ? [traffic('walk each packet, same 4 layers', portWith(perPacket, firewall, natPolicy, encapPolicy), 'outbound', frames)] : []),
  ]
})

const parseOnly = (): Case => {
  const view = makeFrameView()
  const [frame] = plainFrames(1)
  return { name: 'parse alone', run: (packets) => { for (let i = 0; i < packets; i++) parseFrame(view, frame!, 0, frame!.length) } }
}

const copyOnly = (): Case => {
  const bytes = new Uint8Array(STRIDE)
  const [frame] = plainFrames(1)
  return { name: '(copying the frame in, included below)', run: (packets) => { for (let i = 0; i < packets; i++) bytes.set(frame!, HEADROOM) } }
}

const all = [copyOnly(), parseOnly(), ...cases]
for (const c of all) c.run(Math.min(PACKETS, 250_000))
const figures = all.map((): number[] => [])
for (let round = 0; round < ROUNDS; round++) {
  all.forEach((c, i) => {
    // A walk costs a hundred times a hit: fewer of them say as much.
    const packets = c.name.startsWith('walk') ? PACKETS / 20 : PACKETS
    const started = process.hrtime.bigint()
    c.run(packets)
    figures[i]!.push(Number(process.hrtime.bigint() - started) / packets)
  })
}
const median = (xs: readonly number[]): number => xs.toSorted((a, b) => a - b)[Math.floor(xs.length / 2)]!
all.forEach((c, i) => { console.log(`${median(figures[i]!).toFixed(0).padStart(7)} ns/packet  ${c.name}`) })
