/**
 * Arbitrary transpositions: wild ones, for laws that hold of all, and ones that fit a given flow, for laws about what
 * they do to it. Both are in normal form. Values come partly from small pools, so that independently drawn transpositions
 * meet: the same field twice, the tunnel port, addresses of both versions, copies of copies.
 */
import fc from 'fast-check'
import { MAX_GROUPS } from '../wire/frame-view.js'
import { type IpAddress, ipv4, ipv6, type Mac } from '../wire/address.js'
import { UdpPort } from '../wire/udp.js'
import { composeAll } from '../transposition/compose.js'
import { invalid, modify, pop, push, type PushSpec } from '../transposition/construct.js'
import type { Changes, HeaderTransposition, Need, Transposition } from '../transposition/header-transposition.js'
import { changesBits, contradiction, NeedBit, needOf, offerOfWords } from '../transposition/need.js'
import { identity, makeEdit, trimEdits } from '../transposition/normal-form.js'

/** Any transposition at all, most of them fitting no particular frame, some `Invalid`. */
export const wildTransposition = (): fc.Arbitrary<HeaderTransposition> =>
  fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom<HeaderTransposition>(identity, invalid('generated')) },
    { weight: 4, arbitrary: fc.array(step(), { minLength: 1, maxLength: 4 }).map(composeAll) },
    { weight: 4, arbitrary: normalForm() },
  )

/** One of the language's words: a pop, a push, or edits of one group. */
export const step = (): fc.Arbitrary<HeaderTransposition> =>
  fc.oneof(
    fc.constantFrom(pop(1), pop(1), pop(2)),
    pushSpec().map(push),
    fc.tuple(sparse(anyChanges()), fc.nat(2)).map(([changes, group]) => modify(changes, group)),
  )

/** What a fitting transposition may contain. */
export interface FittingOptions {
  /** Only what `invert` restores: no TTL, DSCP or ECN. */
  readonly invertible?: boolean
  /** Deepest result; {@link MAX_GROUPS} unless given. */
  readonly maxDepth?: number
}

/**
 * A transposition that `transposeFlow` carries out on the UFID of `depth` groups in `words`, and `apply` on its frame where
 * headroom and length allow it.
 */
export const fittingTransposition = (words: Uint32Array, depth: number, options: FittingOptions = {}): fc.Arbitrary<Transposition> =>
  fc.nat(depth - 1).chain((pops) => {
    const edits = Array.from({ length: depth - pops }, (_, i) => fc.oneof(fc.constant({}), fittingChanges(offerOfWords(words, pops + i), options)))
    const room = (options.maxDepth ?? MAX_GROUPS) - (depth - pops)
    return fc
      .tuple(fc.tuple(...edits), fc.array(pushSpec(), { maxLength: Math.max(0, room) }))
      .map(([sets, pushes]) => composeAll([pop(pops), ...sets.map((set, i) => modify(set, i)), ...pushes.map(push)]))
      .filter((t) => t._tag === 'Transposition')
  })

/** A group to push. */
export const pushSpec = (): fc.Arbitrary<PushSpec> =>
  fc.boolean().chain((six) =>
    fc.record(
      {
        dstMac: mac(), srcMac: mac(), srcIp: six ? ip6() : ip4(), dstIp: six ? ip6() : ip4(), srcPort: uint(16), vni: uint(24),
        dscp: value(63), ecn: value(3), ttl: uint(8),
      },
      { requiredKeys: ['dstMac', 'srcMac', 'srcIp', 'dstIp', 'srcPort', 'vni'] },
    ),
  )

/** Changes that a group with these offered atoms takes. */
const fittingChanges = (offered: number, { invertible = false }: FittingOptions): fc.Arbitrary<Changes> => {
  const has = (bit: number): boolean => (offered & bit) !== 0
  const ip = has(NeedBit.Ipv4) ? ip4() : ip6()
  const port = fc.oneof(uint(16), fc.constantFrom(1, 53, 80)).filter((p) => p !== UdpPort.Vxlan)
  return sparse({
    dstMac: mac(), srcMac: mac(),
    ...(has(NeedBit.Ip) && { srcIp: ip, dstIp: ip }),
    ...(has(NeedBit.Ip) && !invertible && { dscp: uint(6), ecn: uint(2), ttl: uint(8) }),
    ...(has(NeedBit.Ports) && { srcPort: port }),
    ...(has(NeedBit.Ports) && { dstPort: has(NeedBit.Tunnel) ? fc.constant(UdpPort.Vxlan) : port }),
    // A later fragment offers ports and the identifier, but no transposition can name both.
    ...(has(NeedBit.Echo) && !has(NeedBit.Ports) && { icmpId: uint(16) }),
    ...(has(NeedBit.Tunnel) && { vni: uint(24) }),
  })
}

/** Normal forms drawn part by part, with needs that no constructor makes. */
const normalForm = (): fc.Arbitrary<HeaderTransposition> =>
  fc
    .record({
      pop: fc.array(need().filter((bits) => contradiction(bits | NeedBit.Tunnel) === undefined), { maxLength: 2 }),
      edit: fc.array(fc.tuple(need(), sparse(anyChanges())), { maxLength: 3 }),
      push: fc.array(pushSpec().map(push), { maxLength: 2 }),
    })
    .map((parts) => {
      const edit = parts.edit
        .map(([bits, set]) => ({ bits: bits | changesBits(set), set }))
        .filter(({ bits }) => contradiction(bits) === undefined)
        .map(({ bits, set }) => makeEdit(bits, set))
      const pops: readonly Need[] = parts.pop.map((bits) => needOf(bits | NeedBit.Tunnel))
      return composeAll([{ _tag: 'Transposition', pop: pops, edit: trimEdits(edit), push: [] }, ...parts.push])
    })

/** A set of atoms, few of them. */
const need = (): fc.Arbitrary<number> =>
  fc.oneof(
    fc.constant(0),
    fc.uniqueArray(fc.constantFrom(...Object.values(NeedBit)), { maxLength: 3 }).map((bits) => bits.reduce((a, b) => a | b, 0)),
  )

const anyChanges = () => ({
  dstMac: mac(), srcMac: mac(), srcIp: fc.oneof(ip4(), ip6()), dstIp: fc.oneof(ip4(), ip6()), dscp: uint(6), ecn: uint(2), ttl: uint(8),
  srcPort: uint(16), dstPort: fc.oneof(uint(16), fc.constant(UdpPort.Vxlan)), icmpId: uint(16), vni: uint(24),
}) as const

/** A record of up to three of these fields, so that contradictions are common but not the rule. */
const sparse = (fields: { readonly [K in keyof Changes]: fc.Arbitrary<NonNullable<Changes[K]>> }): fc.Arbitrary<Changes> =>
  fc
    .tuple(fc.record(fields), fc.subarray(Object.keys(fields), { minLength: 1, maxLength: Math.min(3, Object.keys(fields).length) }))
    .map(([all, names]): Changes => Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name))))

const uint = (bits: number): fc.Arbitrary<number> => fc.oneof(fc.nat(2 ** bits - 1), fc.constantFrom(0, 1, 2 ** bits - 1))
const mac = (): fc.Arbitrary<Mac> => fc.oneof(fc.maxSafeNat().map((n) => n % 2 ** 48), fc.constantFrom(0x00155d000001, 0xffffffffffff))
const word = (): fc.Arbitrary<number> => fc.oneof(fc.nat(0xffffffff), fc.constantFrom(0, 0xffff, 0xffffffff))
const ip4 = (): fc.Arbitrary<IpAddress> => word().map(ipv4)
const ip6 = (): fc.Arbitrary<IpAddress> => fc.tuple(word(), word(), word(), word()).map((w) => ipv6(...w))
const value = (limit: number) => fc.oneof(fc.nat(limit), fc.nat(3).map((original) => ({ original })))
