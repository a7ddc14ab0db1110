/**
 * No frame for one VM reaches another without a rule that says so: generated switches, generated frames from everywhere, and a naive
 * reading of the rule "whose a tunnel is" (ARCHITECTURE.md) over what the generator knows of them.
 */
import { testProp } from '@fast-check/ava'
import fc from 'fast-check'
import { type Environment, orThrow, type RulesJson, type Switch } from '../../src/index.js'
import { BROADCAST, builtIn, ELSEWHERE, frame, groupOf, hostOf, macOf } from './support.js'
import { type Kind, KINDS, type Outer, tunnelled } from './tunnel-frames.js'

const VMS = [1, 2, 3, 4] as const
/** Addresses: where hosts' tunnels may end, one bit beside them, and the VMs' own. */
const ADDRESSES = ['192.0.2.1', '192.0.2.0', '192.0.2.9', '2001:db8::1', '2001:db8::3', '10.0.0.1', '10.0.0.2'] as const
const VNIS = [0, 7, 5000, 5001, 5128] as const
const MACS = [...VMS.map(macOf), ELSEWHERE, BROADCAST]

/** What a port's policy does with tunnels. */
type Policy =
  | { readonly is: 'none' | 'firewall' | 'open' }
  /** A virtual network: tunnels of one VNI and kind, or of any kind, to one address, are taken off; to `peer` some are made. */
  | { readonly is: 'network'; readonly vni: number; readonly address: string; readonly kind: Kind | undefined; readonly peer: string | undefined }

interface PortSaid { readonly vni: number | undefined; readonly policy: Policy }

const policy: fc.Arbitrary<Policy> = fc.oneof(
  fc.constantFrom<Policy[]>({ is: 'none' }, { is: 'firewall' }, { is: 'open' }),
  fc.record({
    is: fc.constant('network' as const), vni: fc.constantFrom(...VNIS), address: fc.constantFrom('192.0.2.1', '192.0.2.9', '2001:db8::1'),
    kind: fc.option(fc.constantFrom<Kind[]>('vxlan', 'geneve', 'nvgre'), { nil: undefined }), peer: fc.option(fc.constantFrom('192.0.2.1', '192.0.2.9', '192.0.2.77'), { nil: undefined }),
  }),
)

const ports = fc.array(fc.record({ vni: fc.option(fc.constantFrom(...VNIS), { nil: undefined }), policy }), { minLength: VMS.length, maxLength: VMS.length })

interface Sent {
  /** 0 is the network. */
  readonly by: number
  readonly outers: readonly Outer[]
  readonly innerMac: string
  readonly batch: boolean
  /** A bit that is turned, counted from the start. */
  readonly damage: number | undefined
}

const outer: fc.Arbitrary<Outer> = fc.record({
  toMac: fc.constantFrom(...MACS), to: fc.constantFrom(...ADDRESSES), kind: fc.constantFrom(...KINDS), vni: fc.constantFrom(...VNIS), tags: fc.constantFrom(0, 0, 0, 1, 2),
  port: fc.constantFrom(undefined, undefined, undefined, 4789, 6081, 8472, 53), option: fc.constantFrom(undefined, undefined, 1, 0x81), fragment: fc.constantFrom(false, false, false, true),
}).map(({ port, option, ...rest }) => ({ ...rest, ...(port === undefined ? {} : { port }), ...(option === undefined ? {} : { option }) }))

const sent: fc.Arbitrary<Sent> = fc.record({
  by: fc.integer({ min: 0, max: VMS.length }), outers: fc.array(outer, { maxLength: 3 }), innerMac: fc.constantFrom(...MACS), batch: fc.boolean(),
  damage: fc.option(fc.nat(1000), { nil: undefined, freq: 3 }),
})

const rulesOf = (said: Policy): RulesJson | undefined => {
  switch (said.is) {
    case 'none': return undefined
    case 'firewall': return { outbound: [groupOf('g', [{ do: 'allow', stateful: true }])], inbound: [groupOf('g', [{ do: 'allow', stateful: true }])] }
    case 'open': return { inbound: [groupOf('g', [{ do: 'decap', when: { tunnel: KINDS } }, { do: 'allow', priority: 900 }])] }
    case 'network': return {
      outbound: said.peer === undefined ? [] : [groupOf('g', [{ do: 'encap', with: { vni: said.vni, srcIp: '192.0.2.1', dstIp: said.peer, tunnel: said.kind ?? 'vxlan' } }])],
      inbound: [groupOf('g', [{ do: 'decap', when: { vni: said.vni, dstIp: said.address, ...(said.kind === undefined ? {} : { tunnel: said.kind }) } }, { do: 'allow', priority: 900 }])],
    }
  }
}

interface Bench { readonly host: Switch; readonly reached: () => readonly string[]; readonly packets: () => readonly number[] }

const benchOf = (said: readonly PortSaid[], depth: 2 | 3): Bench => {
  const log: string[] = []
  const environment: Environment = { toVm: (port) => { log.push(port.name) } }
  const { host, ports: made } = hostOf(VMS.length, { environment, parseDepth: { outbound: 1, inbound: depth } }, (n) => {
    const vni = said[n - 1]?.vni
    return vni === undefined ? {} : { vni }
  })
  made.forEach((port, i) => {
    const rules = rulesOf(said[i]!.policy)
    if (rules !== undefined) orThrow(orThrow(port.addLayer(builtIn, { order: 1 })).updateJson(rules))
  })
  return { host, reached: () => log.splice(0), packets: () => made.map((p) => p.counters().packets) }
}

const isGroup = (mac: string): boolean => mac === BROADCAST

/** Whether a tunnel with this outer header ends at an address of the switch, by the ports' policies as they are written above. */
const endsHere = (said: readonly PortSaid[], { kind, to, port, fragment }: Outer): boolean =>
  !(fragment === true && !to.includes(':')) && said.some(({ policy: p }) => {
    if (p.is !== 'network' || p.address !== to) return false
    const kinds: readonly Kind[] = p.kind === undefined ? ['vxlan', 'nvgre', 'geneve'] : [p.kind]
    // The UDP port alone says which of the two it is: a header of the other kind is damage, which may still look like one.
    if (kind === 'nvgre' || kind === 'gre') return kinds.includes(kind)
    const standard = { vxlan: 4789, geneve: 6081 } as const
    return kinds.some((k) => (k === 'vxlan' || k === 'geneve') && standard[k] === (port ?? standard[kind]))
  })

/** Why this VM may have got this frame, or `undefined`. */
const reasonFor = (vm: number, said: readonly PortSaid[], { by, outers, innerMac, damage }: Sent): string | undefined => {
  const macs = [...outers.map((o) => o.toMac), innerMac]
  const own = said[vm - 1]?.vni
  const sender = by === 0 ? undefined : said[by - 1]?.vni
  if (macs[0] === macOf(vm)) return 'it is addressed to this VM'
  // A group that a VM sends is its tenant's, and who sends to no tenant's group reaches those of none.
  if (isGroup(macs[0]!) && (own === undefined || own === sender || (by > 0 && isEncapsulated(said, by)))) return 'it is addressed to all of its network'
  if (by > 0) return undefined
  for (let i = 0; i < 2; i++) {
    const around = outers[i]
    if (around === undefined) return undefined
    if (!(damage === undefined ? endsHere(said, around) : said.some(({ policy: p }) => p.is === 'network' && p.address === around.to))) return i === 0 ? openOf(vm, said, outers, macs) : undefined
    const vni = around.kind === 'gre' ? undefined : around.vni
    if (damage !== undefined) return 'a tunnel to the host, damaged'
    if (macs[i + 1] === macOf(vm) && (own === undefined || vni === undefined || own === vni)) return 'a tunnel of the switch leads to it'
    if (i === 0 && isGroup(macs[1]!) && (own === undefined || own === vni)) return 'a tunnel of the switch leads to all of its network'
  }
  return undefined
}

/** A VM's own rule may open whatever comes to nobody else on the host. */
const openOf = (vm: number, said: readonly PortSaid[], outers: readonly Outer[], macs: readonly string[]): string | undefined =>
  said[vm - 1]?.policy.is === 'open' && !VMS.some((n) => macOf(n) === outers[0]?.toMac) && (macs[1] === macOf(vm) || isGroup(macs[1]!)) ? 'its own rule opens it' : undefined

const isEncapsulated = (said: readonly PortSaid[], by: number): boolean => {
  const p = said[by - 1]?.policy
  return p?.is === 'network' && p.peer !== undefined
}

const send = ({ host }: Bench, { by, batch }: Sent, bytes: Uint8Array): void => {
  const many = {
    bytes: Uint8Array.from([...new Uint8Array(256), ...bytes]), start: Uint32Array.of(256), length: Uint32Array.of(bytes.length), verdict: new Uint8Array(1), reason: new Uint16Array(1), count: 1,
  }
  if (by === 0) {
    if (batch) host.batchFromNetwork(many)
    else host.fromNetwork(bytes)
  } else if (batch) host.batchFromVm(`vm-${by}`, many)
  else host.fromVm(`vm-${by}`, bytes)
}

const bytesOf = ({ by, outers, innerMac, damage }: Sent): Uint8Array => {
  const bytes = tunnelled(outers, frame({ toMac: innerMac, ...(by === 0 ? {} : { fromMac: macOf(by) }) }))
  // Not the outer destination MAC, which is whose the frame is.
  if (damage !== undefined) bytes[6 + (damage >>> 3) % (bytes.length - 6)]! ^= 1 << (damage & 7)
  return bytes
}

testProp('tunnels: no frame for one VM reaches another without a rule that says so',
  [ports, fc.array(sent, { minLength: 1, maxLength: 12 }), fc.constantFrom<(2 | 3)[]>(2, 3)],
  (t, said, frames, depth) => {
    const bench = benchOf(said, depth)
    for (const one of frames) {
      const before = bench.packets()
      send(bench, one, bytesOf(one))
      const deltas = bench.packets().map((n, i) => n - before[i]!)
      const got = new Set([...bench.reached(), ...deltas.flatMap((n, i) => (n > 0 && i + 1 !== one.by ? [`vm-${i + 1}`] : []))])
      t.deepEqual([...got].filter((name) => reasonFor(Number(name.slice(3)), said, one) === undefined), [], JSON.stringify(one))
    }
  }, { numRuns: 700 })

testProp('tunnels: what is addressed to a VM and is no tunnel of the switch reaches that VM, and no other',
  [ports, fc.array(sent, { minLength: 1, maxLength: 12 }), fc.constantFrom<(2 | 3)[]>(2, 3)],
  (t, said, frames, depth) => {
    const bench = benchOf(said, depth)
    const wrong: string[] = []
    for (const one of frames) {
      const whole: Sent = { ...one, by: 0, damage: undefined }
      const [first] = whole.outers
      const vm = VMS.find((n) => macOf(n) === (first?.toMac ?? whole.innerMac))
      if (vm === undefined || (first !== undefined && endsHere(said, first))) continue
      const before = bench.packets()
      send(bench, whole, bytesOf(whole))
      const reached = bench.reached()
      if (bench.packets().some((n, i) => n - before[i]! !== (i + 1 === vm ? 1 : 0))) wrong.push(`seen by another than vm-${vm}: ${JSON.stringify(whole)}`)
      // What a rule of the VM's own opens is the VM's to lose, as by an option that it must not skip.
      if (said[vm - 1]?.policy.is !== 'open' && reached.join() !== `vm-${vm}`) wrong.push(`reached ${reached.join()} and not vm-${vm}: ${JSON.stringify(whole)}`)
    }
    t.deepEqual(wrong, [])
  }, { numRuns: 700 })
