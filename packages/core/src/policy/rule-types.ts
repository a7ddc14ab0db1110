/**
 * The built-in rule types. Each is an ordinary {@link RuleType}, made as anybody's own is.
 *
 * @see VFP figure 6, table 3
 */
import * as t from 'io-ts'
import type { DropReason } from '../drop-reason.js'
import { decap as decapTransposition, encap as encapTransposition, modify, type PushSpec, translate as translateTransposition, vlans } from '../transposition/construct.js'
import type { Changes, HeaderTransposition, Transposition } from '../transposition/header-transposition.js'
import { formatIp, formatPrefix, type IpAddress, type IpPrefix, prefixContains } from '../wire/address.js'
import { MAX_VLANS } from '../wire/vlan.js'
import type { ActionContext } from './action-context.js'
import { integer, strictlyPartial } from '../check/codecs.js'
import { Ip, MacText, Prefix, Vni } from './codecs.js'
import { hairpinTo, proceed, refuse } from './decision.js'
import { EMBEDDING_LENGTHS, embeddedIpv4, embedIpv4, isEmbeddingLength } from './embedded-ipv4.js'
import { defineRuleType } from './rule.js'
import type { TunnelUse } from './tunnel-use.js'
import { ChangesCodec, Hex, Tag, TranspositionCodec, Tunnel, Vlans } from './transposition-codec.js'

const nothing = strictlyPartial({}, {})

/** Lets the packet pass as it is. */
export const allow = defineRuleType({ name: 'allow', config: nothing, decide: () => proceed() })

const ReasonName = new t.Type<DropReason, string>(
  'a reason',
  (u): u is DropReason => typeof u === 'string' && u !== '',
  (u, context) => (typeof u === 'string' && u !== '' ? t.success(u) : t.failure(u, context, 'expected a reason: a text that is not empty')),
  (reason) => reason,
)

/** Drops the packet, counted under `reason` (`Denied` unless said). */
export const block = defineRuleType({
  name: 'block',
  config: strictlyPartial({}, {
    /** Reason that the drop is counted under, not empty; `Denied` unless given. */
    reason: ReasonName,
  }),
  decide: ({ reason }) => refuse(reason ?? 'Denied'),
})

/**
 * A codec that also refuses a configuration whose transposition no frame could undergo, such as addresses of two IP
 * versions: refused here, a controller learns of it; accepted, every packet would be dropped.
 */
const feasible = <A, O>(codec: t.Type<A, O>, transpositionOf: (config: A) => HeaderTransposition): t.Type<A, O> =>
  new t.Type<A, O>(
    codec.name,
    codec.is,
    (u, context) => {
      const read = codec.validate(u, context)
      if (read._tag === 'Left') return read
      const made = transpositionOf(read.right)
      const why = made._tag === 'Invalid' ? made.reason : tooManyTags(made)
      return why === undefined ? read : t.failure(u, context, why)
    },
    codec.encode,
  )

/** A chain may push three tags and pop one again; what ends with three fits no frame. */
const tooManyTags = ({ edit, push }: Transposition): string | undefined =>
  [...edit.map((e) => e.vlans?.push ?? []), ...push.map((p) => p.vlans)].some((tags) => tags.length > MAX_VLANS) ? `a header has at most ${MAX_VLANS} VLAN tags` : undefined

/**
 * Sets fields of the outermost header group: static NAT when it sets addresses or ports. DSCP, ECN and TTL may be taken from groups
 * of the frame, as `{"original": 1}` and `{"original": 0, "minus": 1}`.
 */
export const nat = defineRuleType({
  name: 'nat',
  config: feasible(ChangesCodec, (config) => modify(config)),
  decide: (config) => proceed(modify(config)),
})

const Copy = t.literal('copy')
const UdpPortNumber = integer(1, 0xffff, 'a UDP port')
const TunnelConfig = strictlyPartial(
  {
    /** Outer source address: the tunnel's near end. */
    srcIp: Ip,
    /** Outer destination address, of the same IP version: the tunnel's far end. */
    dstIp: Ip,
  },
  {
    /** Kind of the tunnel; VXLAN unless given. */
    tunnel: Tunnel,
    /** UDP destination port of the outer header, 1–65535; the kind's well-known one unless given. Refused for GRE and NVGRE. */
    port: UdpPortNumber,
    /** Network identifier, 24 bits; plain GRE alone has none. */
    vni: Vni,
    /** Outer source MAC; all zeros unless given, for the underlay to fill in. */
    srcMac: MacText,
    /** Outer destination MAC; all zeros unless given, for the underlay to fill in. */
    dstMac: MacText,
    /** Destination MAC that the frame inside gets; kept unless given. */
    innerDstMac: MacText,
    /** Source MAC that the frame inside gets; kept unless given. */
    innerSrcMac: MacText,
    /** Options of a Geneve header, as hexadecimal digits, whole words; none unless given. */
    options: Hex,
    /** Outer DSCP, 0–63, or `copy` of the frame inside; `copy` unless given. */
    dscp: t.union([Copy, integer(0, 63, 'a DSCP')]),
    /** Outer ECN field, 0–3, or `copy` of the frame inside; `copy` unless given. */
    ecn: t.union([Copy, integer(0, 3, 'an ECN codepoint')]),
    /** Outer TTL, 1–255, or `copy` of the frame inside; 64 unless given. */
    ttl: t.union([Copy, integer(1, 255, 'a TTL')]),
  },
)
type TunnelConfig = t.TypeOf<typeof TunnelConfig>

/** Every tunnel but that of plain GRE needs a network identifier. */
const tunnel: t.Type<TunnelConfig, t.OutputOf<typeof TunnelConfig>> = new t.Type(
  TunnelConfig.name,
  TunnelConfig.is,
  (u, context) => {
    const read = TunnelConfig.validate(u, context)
    return read._tag === 'Right' && read.right.vni === undefined && read.right.tunnel !== 'gre'
      ? t.failure(undefined, t.appendContext(context, 'vni', Vni), 'expected a VNI: a whole number from 0 to 16777215')
      : read
  },
  TunnelConfig.encode,
)

const innerOf = ({ innerDstMac, innerSrcMac }: TunnelConfig): Changes => ({
  ...(innerDstMac === undefined ? {} : { dstMac: innerDstMac }),
  ...(innerSrcMac === undefined ? {} : { srcMac: innerSrcMac }),
})

const encapOf = (c: TunnelConfig, flowHash: number): HeaderTransposition => {
  const spec: PushSpec = {
    tunnel: c.tunnel ?? 'vxlan', srcMac: c.srcMac ?? 0, dstMac: c.dstMac ?? 0, srcIp: c.srcIp, dstIp: c.dstIp, vni: c.vni ?? 0, srcPort: entropyPort(flowHash),
    ...(c.port === undefined ? {} : { dstPort: c.port }),
    dscp: c.dscp === undefined || c.dscp === 'copy' ? COPIED : c.dscp, ecn: c.ecn === undefined || c.ecn === 'copy' ? COPIED : c.ecn,
    ttl: c.ttl === 'copy' ? { ...COPIED, minus: 0 } : c.ttl ?? 64, ...(c.options === undefined ? {} : { options: c.options }),
  }
  return encapTransposition(spec, innerOf(c))
}

const COPIED = { original: 0 } as const

/**
 * Puts a tunnel around the frame, VXLAN unless said. DSCP and ECN are copied from the frame inside and the TTL is 64 unless said;
 * each may be a number or `"copy"`, the uniform model of RFC 2983 and the normal mode of RFC 6040. The UDP source port, or the
 * flow id of NVGRE, is made from the flow's hash; `port` is the UDP destination port, of VXLAN 4789 unless said, of Geneve 6081.
 */
export const encap = defineRuleType({
  name: 'encap',
  config: feasible(tunnel, (c) => encapOf(c, 0)),
  tunnels: (c) => ({ answers: [{ kind: c.tunnel ?? 'vxlan', ip: c.srcIp, ...(c.port === undefined ? {} : { udpPort: c.port }) }] }),
  decide: (c, flow) => proceed(encapOf(c, flow.flowHash)),
})

/**
 * Removes the outermost tunnel, of whatever kind. The inner ECN field becomes what RFC 6040 §4.2 makes of both; where the outer one
 * says congestion and the inner one cannot, the packet is dropped. Inbound, its conditions on `dstIp`, `dstPort` and `tunnel` are where
 * the port's tunnels end: `{"tunnel": "vxlan", "dstPort": 8472}` names a kind on another UDP port than its standard one.
 */
export const decap = defineRuleType({ name: 'decap', config: nothing, tunnels: () => REMOVES_ONE, decide: () => DECAPSULATED })

const DECAPSULATED = proceed(decapTransposition())
const REMOVES_ONE: TunnelUse = { removes: [{}] }

/** Pops the outermost `pop` VLAN tags of the outermost group (`"all"` of them), then pushes those in `push`, outermost first. */
export const vlan = defineRuleType({ name: 'vlan', config: feasible(Vlans, (edit) => vlans(edit)), decide: (edit) => proceed(vlans(edit)) })

/** Replaces the outermost VLAN tag of the outermost group; a packet without a tag is dropped as `ShapeMismatch`. */
export const retag = defineRuleType({ name: 'retag', config: Tag, decide: (tag) => proceed(vlans({ pop: 1, push: [tag] })) })

const AddressOrPrefix: t.Type<IpAddress | IpPrefix, string> = new t.Type<IpAddress | IpPrefix, string>(
  'an IP address or prefix',
  (u): u is IpAddress | IpPrefix => Ip.is(u) || Prefix.is(u),
  (u, context) => (typeof u === 'string' && u.includes('/') ? Prefix.validate(u, context) : Ip.validate(u, context)),
  (a) => ('words' in a ? formatIp(a) : formatPrefix(a)),
)

const translation = strictlyPartial({
  /** IP version that packets leave with. */
  to: t.union([t.literal(4), t.literal(6)]),
  /** Source afterwards: an address of that version, or the IPv6 prefix that IPv4 addresses are embedded in. */
  src: AddressOrPrefix,
  /** Destination afterwards: an address of that version, or the IPv6 prefix that IPv4 addresses are embedded in. */
  dst: AddressOrPrefix,
}, {
  /** What is taken from the TTL, 0–254; 1 unless given. */
  hops: integer(0, 254, 'hops'),
})

/** With addresses of the version translated to, and prefixes behind which an IPv4 address can stand. */
const translatable: t.Type<t.TypeOf<typeof translation>, t.OutputOf<typeof translation>> = new t.Type(
  translation.name,
  translation.is,
  (u, context) => {
    const read = translation.validate(u, context)
    if (read._tag === 'Left') return read
    for (const name of ['src', 'dst'] as const) {
      const where = read.right[name]
      const why = 'words' in where
        ? (where.version === read.right.to ? undefined : `expected an IPv${read.right.to} address or an IPv6 prefix`)
        : (where.address.version === 6 && isEmbeddingLength(where.length) ? undefined : `expected an IPv6 prefix of ${EMBEDDING_LENGTHS.join(', ')} bits`)
      if (why !== undefined) return t.failure(u, t.appendContext(context, name, AddressOrPrefix), why)
    }
    return read
  },
  translation.encode,
)

/** The address that an old one becomes, or `undefined` where its version or prefix is another. */
const translatedAddress = (where: IpAddress | IpPrefix, to: 4 | 6, old: IpAddress | undefined): IpAddress | undefined => {
  if ('words' in where) return where
  const { address, length } = where
  if (old === undefined || !isEmbeddingLength(length) || old.version === to) return undefined
  if (to === 6) return embedIpv4(address, length, old)
  return prefixContains(where, old) ? embeddedIpv4(old, length) : undefined
}

/**
 * Translates the IP header of the outermost group into one of version `to`, in the manner of a stateless translator. `src` and `dst`
 * are either an address of that version or the IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits in which IPv4 addresses are embedded
 * (RFC 6052 §2.2): the new address is then made of the old one. `hops` are taken from the TTL, 1 unless said. A packet of the
 * other version is dropped as `ShapeMismatch`, an address that is not in its prefix as `NotInPrefix`. The packet that an ICMP error
 * quotes went the other way, so its addresses are translated crosswise; an error whose quote is beyond that is dropped as `ShapeMismatch`.
 *
 * @see RFC 7915
 */
export const translate = defineRuleType({
  name: 'translate',
  config: translatable,
  decide: ({ to, src, dst, hops = 1 }, flow) => {
    const [srcIp, dstIp] = [translatedAddress(src, to, flow.ip('srcIp')), translatedAddress(dst, to, flow.ip('dstIp'))]
    if (srcIp === undefined || dstIp === undefined) return refuse('NotInPrefix')
    const ttl = hops === 0 ? {} : { ttl: { ...COPIED, minus: hops } }
    const [quotedSrc, quotedDst] = [translatedAddress(dst, to, flow.ip('quoted.srcIp')), translatedAddress(src, to, flow.ip('quoted.dstIp'))]
    const quote = quotedSrc === undefined || quotedDst === undefined ? undefined : { srcIp: quotedSrc, dstIp: quotedDst }
    return proceed(translateTransposition({ from: to === 4 ? 6 : 4, to }, { srcIp, dstIp, ...ttl }, 0, quote))
  },
})

const tunnelsOfTransposition = (t: HeaderTransposition): TunnelUse | undefined =>
  t._tag === 'Invalid' || (t.pop.length === 0 && t.push.length === 0)
    ? undefined
    : { removes: t.pop.map(() => ({})), answers: t.push.map((p) => ({ kind: p.tunnel, ip: p.srcIp, ...(p.dstPort === 0 ? {} : { udpPort: p.dstPort }) })) }

/** Any transposition at all, as JSON or in the notation: what the other types do not have a word for. */
export const transpose = defineRuleType({
  name: 'transpose',
  config: feasible(TranspositionCodec, (transposition) => transposition),
  tunnels: tunnelsOfTransposition,
  decide: (transposition) => proceed(transposition),
})

/** Sends the packet into the outbound path of another port, or of the same one. */
export const hairpin = defineRuleType({
  name: 'hairpin',
  config: strictlyPartial({
    /** Name of the port that packets enter, outbound. */
    port: t.string,
  }, {}),
  decide: ({ port }) => hairpinTo(port),
})

/** Lets the packet pass and gives a copy to another port. */
export const mirror = defineRuleType({
  name: 'mirror',
  config: strictlyPartial({
    /** Name of the port whose VM gets the copies, or `network`. */
    port: t.string,
  }, {}),
  decide: ({ port }) => proceed(undefined, { mirrors: [port] }),
})

/** What a {@link count} rule has counted. */
export interface Count {
  /** Packets passed. */
  packets: number
  /** Their bytes, Ethernet header to payload, as the rule's layer saw them. */
  bytes: number
  /** Adds to the two, per packet. */
  readonly context: ActionContext
}

/** Lets the packet pass and counts packets and bytes of every packet of the flow. */
export const count = defineRuleType({
  name: 'count',
  config: nothing,
  init: (): Count => {
    const state: Count = {
      packets: 0,
      bytes: 0,
      context: {
        label: 'count',
        onPacket: (lengthBytes) => {
          state.packets++
          state.bytes += lengthBytes
        },
      },
    }
    return state
  },
  report: (state: Count) => ({ packets: state.packets, bytes: state.bytes }),
  decide: (_config, _flow, state: Count) => proceed(undefined, { contexts: [state.context] }),
})

/** The source port of a tunnel for a flow hash: in the dynamic range 49152–65535 (RFC 7348 §5). */
export const entropyPort = (flowHash: number): number => 49_152 + (flowHash & 0x3fff)
