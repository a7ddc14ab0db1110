/**
 * For any packets, tunnels and MTU: what leaves for the network fits; what was sent is there again when fragments are put together;
 * every frame is intact; and a port with its cache does what one without it does (law 5).
 */
import { testProp } from '@fast-check/ava'
import test from 'ava'
import fc from 'fast-check'
import type { MtuOptions } from '../../src/datapath/mtu-options.js'
import type { RulesJson } from '../../src/policy/rules-layer.js'
import type { Output, Processed } from '../../src/switch/output.js'
import { u16, u32 } from '../../src/wire/bytes.js'
import { L3, QUOTE, Slot, SLOTS } from '../../src/wire/frame-view.js'
import { portWith, read, reassembled, type Sent, sent, tunnel, wireBytes } from './mtu-support.js'
import { runs } from '../datapath/support.js'

const rewritten: RulesJson = { outbound: [{ name: 'g', rules: [{ do: 'nat', when: { dstPort: 80 }, with: { srcPort: 7777, ttl: 3 } }] }] }
const translated: RulesJson = { outbound: [{ name: 'g', rules: [{ do: 'translate', with: { to: 6, src: '2001:db8:1::/96', dst: '64:ff9b::/96', hops: 0 } }] }] }

const policies = fc.constantFrom<(readonly RulesJson[])[]>([], [rewritten], [tunnel()], [tunnel(true)], [rewritten, tunnel()], [translated], [translated, tunnel()])

const mtu = (): fc.Arbitrary<MtuOptions & { readonly network: number }> =>
  fc.record({
    network: fc.oneof(fc.constantFrom(68, 200, 576, 1280, 1500), fc.integer({ min: 68, max: 2000 })), oversize: fc.constantFrom('tooBig', 'fragment', 'drop'),
    clampMss: fc.boolean(),
  })

const packet = (): fc.Arbitrary<Sent> =>
  fc.record({
    proto: fc.constantFrom('tcp', 'udp', 'icmp'), six: fc.boolean(), length: fc.oneof(fc.integer({ min: 60, max: 300 }), fc.integer({ min: 300, max: 2200 })),
    dontFragment: fc.boolean(), dstPort: fc.constantFrom(80, 81), flags: fc.constantFrom(0x02, 0x12, 0x10),
    tcpOptions: fc.constantFrom(Uint8Array.of(2, 4, 5, 0xb4), Uint8Array.of(1, 2, 4, 5, 0xb4, 0, 0, 0), new Uint8Array(0)),
    ipOptions: fc.constantFrom(Uint8Array.of(0x82, 4, 0, 0), Uint8Array.of(7, 4, 4, 0), new Uint8Array(0), new Uint8Array(0)),
    vlans: fc.constantFrom([], [7]), identification: fc.nat(3), padding: fc.constantFrom(0, 0, 6),
  })

/** What it has to say of itself if it is to be trusted that all was tried. */
const seen: Record<string, number> = {}

const count = (what: string): void => { seen[what] = (seen[what] ?? 0) + 1 }

const inWords = ({ outcome, outputs }: Processed): readonly string[] =>
  [outcome._tag === 'Passed' ? 'passed' : outcome.reason, ...outputs.map((o) => `${o.why} ${o.to} ${Buffer.from(o.frame).toString('hex')}`)]

/** What an IP packet carries, checksum, ports and segment size aside, as policy changes them. */
const tail = (frame: Uint8Array): Uint8Array => {
  const { slots, depth } = read(frame)
  return frame.subarray(slots[(depth - 1) * SLOTS + Slot.PAYLOAD], slots[(depth - 1) * SLOTS + Slot.END])
}

/** Bytes of the transport header, before the part that must come through untouched. */
const headOf = (frame: Uint8Array): number => {
  const { slots } = read(frame)
  return slots[Slot.PAYLOAD]! - slots[Slot.L4]!
}

const toldOf = ({ frame }: Output): number => {
  const { slots, quoted } = read(frame)
  if (!quoted || slots[QUOTE * SLOTS + Slot.L3_KIND] !== slots[Slot.L3_KIND]) throw new Error('an error quotes nothing')
  const at = slots[Slot.L4]!
  return slots[Slot.L3_KIND] === L3.Ipv4 ? u16(frame, at + 6) : u32(frame, at + 4)
}

testProp('law 5: with an MTU what leaves fits, fragments are the packet, and the cache changes nothing', [
  mtu(), policies, fc.array(packet(), { minLength: 1, maxLength: 12 }),
], (t, options, layers, packets) => {
  const { port } = portWith(options, layers)
  const { port: slow } = portWith(options, layers, { maxFlows: 0 })
  const { port: free } = portWith(undefined, layers)
  for (const said of packets) {
    const frame = sent(said)
    const done = port.process('outbound', frame)
    t.deepEqual(inWords(done), inWords(slow.process('outbound', frame)))
    const left = done.outputs.filter((o) => o.to === 'network')
    for (const o of left) t.true(wireBytes(o.frame) <= options.network, `${wireBytes(o.frame)} of ${options.network}`)
    const without = free.process('outbound', frame)
    if (done.outcome._tag === 'Dropped' && done.outcome.reason !== 'PacketTooBig') continue
    const length = wireBytes(without.outputs[0]!.frame)
    if (length <= options.network) {
      // It fits, and so it is as if there were no MTU, the segment size aside.
      t.deepEqual([left.length, tail(left[0]!.frame)], [1, tail(without.outputs[0]!.frame)])
      t.is(left[0]!.frame.length, without.outputs[0]!.frame.length)
      count('fits')
    } else if (done.outcome._tag === 'Passed') {
      t.true(left.length > 1 && said.six !== true && options.oversize !== 'drop' && (options.oversize === 'fragment' || said.dontFragment !== true))
      t.deepEqual(left.map((o) => o.why), left.map((_, i) => (i === 0 ? 'forward' : 'fragment')))
      t.deepEqual(Buffer.from(reassembled(left)).subarray(headOf(frame)), Buffer.from(tail(frame)))
      count('cut')
    } else {
      t.deepEqual(left, [])
      const told = done.outputs.map(toldOf)
      // What it tells is right: a packet of that length would fit, if one as short may be asked for.
      if (told.length > 0) {
        const least = said.six === true ? 1280 : 68
        t.true(told[0] === Math.max(least, options.network - (length - (said.length ?? 0))) || (said.padding ?? 0) > 0)
        t.true(options.oversize !== 'drop')
        count('told')
      } else count('silent')
    }
  }
}, { numRuns: runs(400) })

test.after('the runs see all that could happen', (t) => {
  for (const what of ['fits', 'cut', 'told', 'silent']) t.true((seen[what] ?? 0) > 20, `${what}: ${seen[what] ?? 0}`)
})
