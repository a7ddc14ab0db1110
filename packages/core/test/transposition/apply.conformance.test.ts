/**
 * Law 8 for transpositions: whatever a transposition made of a frame, tshark reads the same headers in it as we do, finds nothing
 * malformed and no checksum wrong.
 */
import { execFileSync } from 'node:child_process'
import { testNeeding } from '@vfp-ts/needs'
import fc from 'fast-check'
import { type FlowGroup, flowToJson } from '../../src/flow/format-flow.js'
import { fittingTransposition } from '../../src/testing/transposition-arbitraries.js'
import { OTHER_PORTS } from '../../src/testing/transposition-values.js'
import { apply } from '../../src/transposition/apply.js'
import { ApplyCode } from '../../src/transposition/apply-code.js'
import { compile } from '../../src/transposition/program.js'
import { parseIp } from '../../src/wire/address.js'
import { Verify } from '../../src/wire/parse.js'
import { askTshark, EVERY_OCCURRENCE } from '../tshark.js'
import { copy, flowOf, frame, view } from './frames.js'

const FRAMES = 600
const FIELDS = [
  'ip.src', 'ip.dst', 'ipv6.src', 'ipv6.dst', 'vlan.id', 'ieee8021ad.id', 'ieee8021ad.svid', 'ieee8021ad.cvid', 'vxlan.vni', 'geneve.vni', 'ip.checksum.status', 'tcp.checksum.status', 'udp.checksum.status',
  'icmp.checksum.status', 'icmpv6.checksum.status', '_ws.malformed',
] as const
type Told = (field: (typeof FIELDS)[number]) => readonly string[]

/** Only what is ours to make: no protocol is guessed from random ports and payloads. */
const DISSECTORS = new Set(['frame', 'pcap', 'eth', 'ethertype', 'vlan', 'ieee8021ad', 'ip', 'ipv6', 'ipv6.dstopts', 'ipv6.fraghdr', 'tcp', 'udp', 'icmp', 'icmpv6', 'arp', 'gre', 'vxlan', 'geneve', 'data', '_ws.malformed'])

const others = (): readonly string[] =>
  execFileSync('tshark', ['-G', 'protocols'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 26 })
    .split('\n').map((line) => line.split('\t')[2] ?? '').filter((name) => name !== '' && !DISSECTORS.has(name))

const title = 'law 8: tshark reads transposed frames as we do'

/** Whole frames that fit a transposition, as they were and as it left them. */
const transposed = (): readonly (readonly [Uint8Array, Uint8Array])[] => {
  const made = frame({ intact: true, fragments: false }).filter((f) => view(f, Verify.All) !== undefined).chain((f) => {
    const v = view(f)!
    return fittingTransposition(flowOf(v), v.depth, { translating: true }).map((t): readonly [Uint8Array, Uint8Array] | undefined => {
      const mine = copy(f)
      const of = view(mine)!
      return apply(compile(t), of, 0) === ApplyCode.Ok ? [f.bytes.slice(f.start, f.end), mine.bytes.slice(of.start, of.end)] : undefined
    })
  })
  return fc.sample(made, FRAMES).filter((pair) => pair !== undefined)
}

const PREFERENCES = ['ip.defragment:FALSE', 'ip.check_checksum:TRUE', 'tcp.check_checksum:TRUE', 'udp.check_checksum:TRUE', 'eth.fcs:Never']

/** Ports that are no tunnel's unless tshark is told, as our reading is. */
const DECODE_AS = ['-d', `udp.port==${OTHER_PORTS.vxlan},vxlan`, '-d', `udp.port==${OTHER_PORTS.geneve},geneve`] as const

const toldOf = (frames: readonly Uint8Array[]): readonly Told[] =>
  askTshark(frames, FIELDS, PREFERENCES, [...EVERY_OCCURRENCE, ...DECODE_AS, ...others().flatMap((p) => ['--disable-protocol', p])])
    .map((values): Told => (field) => (values[FIELDS.indexOf(field)] ?? '').split(',').filter((value) => value !== ''))

/** What we read, in the order of the wire: the groups, and behind the last what it quotes. */
const ourReading = (bytes: Uint8Array): readonly (readonly [(typeof FIELDS)[number], readonly string[]])[] => {
  const v = view({ bytes, start: 0, end: bytes.length })!
  const groups = flowToJson(flowOf(v), v.depth)
  const quoted = groups.at(-1)?.quoted
  const ends = [...groups.filter((g) => g.etherType !== 0x0806), ...(quoted === undefined ? [] : [quoted])]
  const of = (field: 'srcIp' | 'dstIp', six: boolean): readonly string[] => ends.flatMap((g) => (g[field] !== undefined && g[field].includes(':') === six ? [g[field]] : []))
  const vni = (kind: string): readonly string[] => groups.flatMap((g: FlowGroup) => (g.tunnel?.kind === kind ? [String(g.tunnel.vni)] : []))
  return [
    ['ip.src', of('srcIp', false)], ['ip.dst', of('dstIp', false)], ['ipv6.src', of('srcIp', true)], ['ipv6.dst', of('dstIp', true)],
    ['vxlan.vni', vni('vxlan')], ['geneve.vni', vni('geneve').map((n) => `0x${Number(n).toString(16).padStart(6, '0')}`)],
  ]
}

/** An address in one form: of two runs of zeros as long, one may leave out either. */
const plain = (text: string): string => {
  // `::10.0.0.1` is an IPv6 address of 32 bits.
  const ip = parseIp(/^::\d+\.\d+\.\d+\.\d+$/.test(text) ? text.slice(2) : text)
  return ip._tag === 'Right' ? ip.right.words.join() : text
}

const tagsOf = (bytes: Uint8Array): readonly number[] => {
  const v = view({ bytes, start: 0, end: bytes.length })!
  return flowToJson(flowOf(v), v.depth).flatMap((g) => g.vlans ?? []).sort((a, b) => a - b)
}

/** A service tag in front of another tag has fields of its own; all tags together are the same. */
const tagsSaid = (said: Told): readonly number[] =>
  [...said('vlan.id'), ...said('ieee8021ad.id'), ...said('ieee8021ad.svid'), ...said('ieee8021ad.cvid')].map(Number).sort((a, b) => a - b)

/** Nothing malformed and no checksum wrong (0 is wrong, 1 right; others are not to be told). */
const isSound = (said: Told): boolean =>
  said('_ws.malformed').length === 0 && FIELDS.every((field) => !field.endsWith('status') || !said(field).includes('0'))

/** Whether tshark sees no more groups in it than we do. */
const isWhole = (said: Told, bytes: Uint8Array): boolean =>
  ourReading(bytes).every(([field, ours]) => said(field).length === ours.length)

const test = testNeeding('tshark')
test(title, (t) => {
  const pairs = transposed()
  t.true(pairs.length > FRAMES / 2)
  const before = toldOf(pairs.map(([f]) => f))
  const after = toldOf(pairs.map(([, f]) => f))
  t.is(after.length, pairs.length)
  // Some of the frames are such that tshark finds fault with their payload already: an ICMP message cut short, a fourth group.
  const fit = pairs.flatMap(([f, bytes], i) => (isSound(before[i]!) && isWhole(before[i]!, f) ? [{ bytes, said: after[i]! }] : []))
  t.true(fit.length > FRAMES / 4)
  for (const { bytes, said } of fit) {
    const where = Buffer.from(bytes).toString('hex')
    for (const [field, ours] of ourReading(bytes)) t.deepEqual(said(field).map(plain), ours.map(plain), `${field} of ${where}`)
    t.deepEqual(tagsSaid(said), tagsOf(bytes), where)
    t.true(isSound(said), where)
  }
})
