/**
 * The built-in rule types. Each is an ordinary {@link RuleType}, made as anybody's own is.
 *
 * @see VFP figure 6, table 3
 */
import * as t from 'io-ts'
import { encap as encapTransposition, modify, pop } from '../transposition/construct.js'
import type { Changes, HeaderTransposition } from '../transposition/header-transposition.js'
import type { ActionContext } from './action-context.js'
import { integer, Ip, MacText, PortNumber, strictlyPartial, Vni } from './codecs.js'
import { hairpinTo, proceed, refuse } from './decision.js'
import { defineRuleType } from './rule.js'

const nothing = strictlyPartial({}, {})

/** Lets the packet pass as it is. */
export const allow = defineRuleType({ name: 'allow', config: nothing, decide: () => proceed() })

/** Drops the packet, counted under `reason` (`Denied` unless said). */
export const block = defineRuleType({
  name: 'block',
  config: strictlyPartial({}, { reason: t.string }),
  decide: ({ reason }) => refuse(reason ?? 'Denied'),
})

const changes = strictlyPartial({}, {
  dstMac: MacText,
  srcMac: MacText,
  srcIp: Ip,
  dstIp: Ip,
  dscp: integer(0, 63, 'a DSCP'),
  ecn: integer(0, 3, 'an ECN codepoint'),
  ttl: integer(0, 255, 'a TTL'),
  srcPort: PortNumber,
  dstPort: PortNumber,
  icmpId: integer(0, 65_535, 'an ICMP identifier'),
  vni: Vni,
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
      return made._tag === 'Invalid' ? t.failure(u, context, made.reason) : read
    },
    codec.encode,
  )

/** Sets fields of the outermost header group to constants: static NAT when it sets addresses or ports. */
export const nat = defineRuleType({
  name: 'nat',
  config: feasible(changes, (config) => modify(config)),
  decide: (config) => proceed(modify(config)),
})

const tunnel = strictlyPartial(
  { srcIp: Ip, dstIp: Ip, vni: Vni },
  { srcMac: MacText, dstMac: MacText, innerDstMac: MacText, innerSrcMac: MacText, ttl: integer(1, 255, 'a TTL') },
)

const innerOf = ({ innerDstMac, innerSrcMac }: t.TypeOf<typeof tunnel>): Changes => ({
  ...(innerDstMac === undefined ? {} : { dstMac: innerDstMac }),
  ...(innerSrcMac === undefined ? {} : { srcMac: innerSrcMac }),
})

const encapOf = (c: t.TypeOf<typeof tunnel>, flowHash: number): HeaderTransposition =>
  encapTransposition(
    { srcMac: c.srcMac ?? 0, dstMac: c.dstMac ?? 0, srcIp: c.srcIp, dstIp: c.dstIp, vni: c.vni, srcPort: entropyPort(flowHash), ttl: c.ttl ?? 64 },
    innerOf(c),
  )

/**
 * Puts a VXLAN tunnel around the frame; DSCP and ECN are copied from the frame inside, the UDP source port is made
 * from the flow's hash.
 */
export const encap = defineRuleType({
  name: 'encap',
  config: feasible(tunnel, (c) => encapOf(c, 0)),
  decide: (c, flow) => proceed(encapOf(c, flow.flowHash)),
})

/** Removes the outermost tunnel. */
export const decap = defineRuleType({ name: 'decap', config: nothing, decide: () => proceed(pop(1)) })

/** Sends the packet into the outbound path of another port, or of the same one. */
export const hairpin = defineRuleType({
  name: 'hairpin',
  config: strictlyPartial({ port: t.string }, {}),
  decide: ({ port }) => hairpinTo(port),
})

/** Lets the packet pass and gives a copy to another port. */
export const mirror = defineRuleType({
  name: 'mirror',
  config: strictlyPartial({ port: t.string }, {}),
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
