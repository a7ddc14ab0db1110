/**
 * Arbitrary transpositions: wild ones, for laws that hold of all, and ones that fit a given flow, for laws about what
 * they do to it. Both are in normal form.
 */
import fc from 'fast-check'
import { Word, WORDS } from '../flow/layout.js'
import { composeAll } from '../transposition/compose.js'
import { identity, invalid, modify, pop, push, quoted, requiring, translate, vlans } from '../transposition/construct.js'
import { ecnDrops } from '../transposition/ecn.js'
import { transposeFlow } from '../transposition/flow.js'
import type { Changes, HeaderTransposition, Need, Transposition } from '../transposition/header-transposition.js'
import { contradiction, NeedBit, needOf, offerOfWords } from '../transposition/need.js'
import { editNeed } from '../transposition/normal-form.js'
import { readTags } from '../transposition/read-flow.js'
import { MAX_GROUPS } from '../wire/frame-view.js'
import { UdpPort } from '../wire/udp.js'
import { anyChanges, dscp, echo, ecn, ip, ip4, mac, pushSpec, quoteChanges, sparse, ttl, uint, vlanEdit, vlanTag } from './transposition-values.js'

export { pushSpec } from './transposition-values.js'

/** Generates any transposition at all: most fit no particular frame, some are `Invalid`. */
export const wildTransposition = (): fc.Arbitrary<HeaderTransposition> =>
  fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom<HeaderTransposition>(identity, invalid('generated')) },
    { weight: 8, arbitrary: fc.array(step(), { minLength: 1, maxLength: 4 }).map(composeAll) },
  )

/** Generates one step: a single pop, push, edit or requirement. */
export const step = (): fc.Arbitrary<HeaderTransposition> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(pop(1), pop(1), pop(2)) },
    { weight: 3, arbitrary: pushSpec().map(push) },
    { weight: 4, arbitrary: fc.tuple(sparse(anyChanges()), fc.nat(2)).map(([changes, group]) => modify(changes, group)) },
    { weight: 2, arbitrary: fc.tuple(vlanEdit(), fc.nat(2)).map(([edit, group]) => vlans(edit, group)) },
    { weight: 1, arbitrary: fc.tuple(translation(), fc.nat(1)).map(([make, group]) => make({}, group)) },
    { weight: 1, arbitrary: fc.constantFrom(4 as const, 6 as const).chain((version) => quoteChanges(version).map(quoted)) },
    { weight: 1, arbitrary: fc.tuple(need(), fc.nat(2)).map(([asked, group]) => requiring(asked, group)) },
  )

/** What a fitting transposition may contain. */
export interface FittingOptions {
  /** Only what `invert` restores: no TTL, DSCP, ECN, TCP flags, kind of echo or ARP fields, and pushed groups whose ECN is that inside. */
  readonly invertible?: boolean
  /** Deepest result; {@link MAX_GROUPS} unless given. */
  readonly maxDepth?: number
  /** Whether the innermost header may be translated; `false` unless given, as not every frame of a flow that can be can itself. */
  readonly translating?: boolean
}

/**
 * Generates transpositions that fit the flow id of `depth` groups in `words`: `apply` carries them out on its frame where headroom and
 * length allow it.
 */
export const fittingTransposition = (words: Uint32Array, depth: number, options: FittingOptions = {}): fc.Arbitrary<Transposition> =>
  fc.nat(depth - 1).chain((pops) => {
    const edits = Array.from({ length: depth - pops }, (_, i) => fittingEdit(words, pops + i, i, options))
    const room = (options.maxDepth ?? MAX_GROUPS) - (depth - pops)
    const values = options.invertible === true ? { ecn: fc.constant({ original: 0 }), ttl: uint(8) } : {}
    return fc
      .tuple(fc.tuple(...edits), fc.array(pushSpec(values), { maxLength: Math.max(0, room) }))
      .map(([made, pushes]) => composeAll([pop(pops), ...made, ...pushes.map(push)]))
      .filter((t): t is Transposition => t._tag === 'Transposition' && passes(t, words, depth))
  })

/** An edit of group `at`, counted behind the pops, that group `g` of the flow takes. */
const fittingEdit = (words: Uint32Array, g: number, at: number, options: FittingOptions): fc.Arbitrary<HeaderTransposition> => {
  const offered = offerOfWords(words, g)
  const tags = readTags(words, g).length
  const change = fittingChanges(offered, options).map((changes) => modify(changes, at))
  const tagged = fc
    .record({ pop: fc.oneof(fc.nat(tags) as fc.Arbitrary<0 | 1 | 2>, fc.constant('all' as const)), push: fc.array(vlanTag(), { maxLength: 2 }) })
    .map((edit) => ({ ...edit, push: edit.push.slice(0, edit.pop === 'all' ? 2 : 2 - tags + edit.pop) }))
    .map((edit) => vlans(edit, at))
  const version = (offered & NeedBit.Ipv4) !== 0 ? 4 : 6
  const translated = options.translating === true && (offered & NeedBit.Leaf) !== 0 && (offered & NeedBit.Ip) !== 0
    ? [{ weight: 1, arbitrary: translation(version).map((make) => make({}, at)) }]
    : []
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant<HeaderTransposition>(identity) },
    { weight: 4, arbitrary: change },
    { weight: 1, arbitrary: fc.tuple(change, tagged).map(composeAll) },
    ...translated,
  )
}

/** Changes that a group with these offered atoms takes. */
const fittingChanges = (offered: number, { invertible = false }: FittingOptions): fc.Arbitrary<Changes> => {
  const has = (bit: number): boolean => (offered & bit) !== 0
  const address = ip(has(NeedBit.Ipv4) ? 4 : 6)
  const port = fc.oneof(uint(16), fc.constantFrom(1, 53, 80)).filter((p) => p !== UdpPort.Vxlan && p !== UdpPort.Geneve)
  const tunnelPort = has(NeedBit.UdpVxlan) ? UdpPort.Vxlan : UdpPort.Geneve
  return sparse({
    dstMac: mac(), srcMac: mac(),
    ...(has(NeedBit.Ip) && { srcIp: address, dstIp: address }),
    ...(has(NeedBit.Ip) && !invertible && { dscp: dscp(), ecn: ecn(), ttl: ttl() }),
    ...(has(NeedBit.Ports) && { srcPort: port }),
    ...(has(NeedBit.Ports) && { dstPort: has(NeedBit.Tunnel) ? fc.constant(tunnelPort) : port }),
    ...(has(NeedBit.Tcp) && !invertible && { tcpFlags: uint(9) }),
    // A later fragment offers ports and the identifier, but no transposition can name both.
    ...(has(NeedBit.Echo) && !has(NeedBit.Ports) && { icmpId: uint(16), ...(!invertible && { echo: echo() }) }),
    ...(has(NeedBit.Vni) && { vni: uint(24) }),
    ...(has(NeedBit.Arp) && !invertible && { arpOperation: uint(16), arpSenderMac: mac(), arpSender: ip4(), arpTargetMac: mac(), arpTarget: ip4() }),
  })
}

/** Whether what differs from packet to packet lets the packet of this flow id pass: hops left, and no mark of congestion lost. */
const passes = (t: Transposition, words: Uint32Array, depth: number): boolean => {
  const enough = (asked: Need, g: number): boolean => asked.hops === undefined || (g < depth && (words[g * WORDS + Word.TTL_ECN]! >>> 8) > asked.hops)
  const { lo, hi } = ecnDrops(t.guard)
  let at = 0
  for (let g = 0; g < depth; g++) at |= (words[g * WORDS + Word.TTL_ECN]! & 3) << (2 * g)
  const dropped = (at < 32 ? lo >>> at : hi >>> (at - 32)) & 1
  return dropped === 0 && t.pop.every(enough) && t.edit.every((e, i) => enough(editNeed(e), t.pop.length + i)) && transposeFlow(t, words.slice(), depth) > 0
}

/** A translation from one version, or from any, with what it sets. */
const translation = (version?: 4 | 6): fc.Arbitrary<(more: Changes, group: number) => HeaderTransposition> =>
  fc.record({ from: version === undefined ? fc.constantFrom(4 as const, 6 as const) : fc.constant(version), to: fc.constantFrom(4 as const, 6 as const), quote: fc.boolean() }).chain(({ from, to, quote }) =>
    fc.tuple(ip(to), ip(to), ip(to), ip(to)).map(([srcIp, dstIp, a, b]) => (more: Changes, group: number) =>
      translate({ from, to }, { ...more, srcIp, dstIp }, group, quote ? { srcIp: a, dstIp: b } : undefined)))

/** Some atoms and least numbers that go together. */
const need = (): fc.Arbitrary<Need> =>
  fc
    .tuple(
      fc.uniqueArray(fc.constantFrom(...Object.values(NeedBit)), { maxLength: 3 }).map((bits) => bits.reduce((a, b) => a | b, 0)),
      fc.nat(2),
      fc.oneof(fc.constant(-1), fc.nat(254)),
    )
    .filter(([bits, , hops]) => contradiction(bits | (hops >= 0 ? NeedBit.Ip : 0)) === undefined)
    .map(([bits, tags, hops]) => needOf(bits, tags, hops))
