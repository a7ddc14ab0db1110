/**
 * The inverse of a transposition for traffic of the reverse direction.
 *
 * A stateful rule that rewrote a connection's packets must rewrite the answers back. An answer to what the transposition
 * *left* goes from its destination to its source; the inverse turns it into an answer to what was there *before*: where
 * the destination address was set, the answer's source address becomes the old destination, and so on through addresses,
 * ports and MACs. A translated header is translated back, tags become what they were. Pushed groups are popped; popped groups are
 * pushed again, with the old addresses reversed.
 *
 * What cannot be undone is a fact of one packet on one way, not of the connection. A TTL, DSCP or ECN that is a function of the
 * packet **applies afresh**: a hop taken from the TTL is taken from the answer's, which may have none left (RFC 7915 §5.1 asks it of
 * both ways), and a copy from another group that stays is made again. A constant, and TCP flags, are not set on answers.
 * A popped group comes back with its addresses, tags, tunnel key and ports; options of it are lost. A source
 * port that is a tunnel protocol's own cannot be given back to UDP: as a destination it would make a tunnel (see
 * `Need.udp`), and the inverse refuses such an answer.
 *
 * @see VFP §5.2
 */
import { FIELDS, readMac } from '../flow/field.js'
import { Shape, Word, WORDS } from '../flow/layout.js'
import { Frag, Tunnel } from '../wire/frame-view.js'
import { assembled } from './assemble.js'
import { compose, composeAll } from './compose.js'
import { decap, modify, push, translate, vlans } from './construct.js'
import { transposeFlow } from './flow.js'
import type { Changes, Edit, HeaderTransposition } from './header-transposition.js'
import { identity, invalid } from './normal-form.js'
import { isEchoRequest, readIp, readTags, tunnelOf } from './read-flow.js'

/**
 * Returns the transposition that undoes `t` on packets of the reverse direction: an answer to what `t` left becomes an answer to what
 * there was before. `before` is the flow id, of `depth` groups, of a frame as it was when `t` was applied.
 *
 * Addresses, ports, MACs, tags and tunnels come back. A TTL, DSCP or ECN that is a function of the packet is applied to the answer afresh;
 * a constant one, and TCP flags, are not set on answers. `Invalid` if `t` does not fit the frame of `before`.
 *
 * @see VFP §5.2
 */
export const invert = (t: HeaderTransposition, before: Uint32Array, depth: number): HeaderTransposition => {
  if (t._tag === 'Invalid') return t
  if (transposeFlow(t, before.slice(), depth) < 0) return invalid('a transposition is inverted for a frame that it does not fit')
  const pops = t.pop.length
  // Side by side, as all values speak of one frame; before the rest, which leaves these fields alone.
  let inverse = composeAll([...t.push.map(() => decap()), assembled({ edit: t.edit.map((edit) => ({ set: afresh(edit.set, pops) })) })])
  t.edit.forEach((edit, e) => {
    inverse = compose(inverse, restore(edit, before, pops + e, e))
  })
  for (let g = pops - 1; g >= 0; g--) inverse = compose(inverse, pushAgain(before, g))
  return inverse
}

/** What gives an answer the tags, header and fields of an answer to the old frame, of those that were changed. */
const restore = (edit: Edit, before: Uint32Array, g: number, at: number): HeaderTransposition => {
  const set = restoredFields(edit.set, before, g)
  const srcIp = readIp(before, g, Word.DST_IP)
  const dstIp = readIp(before, g, Word.SRC_IP)
  const { translate: there } = edit
  return compose(
    edit.vlans === undefined ? identity : vlans({ pop: 'all', push: readTags(before, g) }, at),
    there === undefined
      ? modify(set, at)
      : translate({ from: there.to, to: there.from }, { ...set, srcIp, dstIp }, at, { srcIp: dstIp, dstIp: srcIp }),
  )
}

/** Of the changes those that are functions of groups that stay, which are counted without the popped ones on the way back. */
const afresh = ({ ttl, dscp, ecn }: Changes, pops: number): Changes => ({
  ...(typeof ttl === 'object' && ttl.original >= pops && { ttl: { original: ttl.original - pops, minus: ttl.minus } }),
  ...(typeof dscp === 'object' && dscp.original >= pops && { dscp: { original: dscp.original - pops } }),
  ...(typeof ecn === 'object' && 'original' in ecn && ecn.original >= pops && { ecn: { original: ecn.original - pops } }),
})

const restoredFields = (set: Changes, before: Uint32Array, g: number): Changes => {
  const ports = before[g * WORDS + Word.PORTS]!
  const src = ports >>> 16
  const dst = ports & 0xffff
  // The ports of a tunnel do not change places: the destination says which tunnel, the source is entropy.
  const crosswise = !isTunnel(before, g)
  const srcPort = crosswise ? set.dstPort : set.srcPort
  const dstPort = crosswise ? set.srcPort : set.dstPort
  return {
    ...(set.dstMac !== undefined && { srcMac: readMac(FIELDS.dstMac, before, g) }),
    ...(set.srcMac !== undefined && { dstMac: readMac(FIELDS.srcMac, before, g) }),
    ...(set.dstIp !== undefined && { srcIp: readIp(before, g, Word.DST_IP) }),
    ...(set.srcIp !== undefined && { dstIp: readIp(before, g, Word.SRC_IP) }),
    ...(set.vni !== undefined && { vni: before[g * WORDS + Word.VNI]! }),
    // A later fragment has no ports to give back.
    ...(!isLater(before, g) && {
      ...(srcPort !== undefined && { srcPort: crosswise ? dst : src }),
      ...(dstPort !== undefined && { dstPort: crosswise ? src : dst }),
      ...(set.icmpId !== undefined && { icmpId: src }),
      ...(set.echo !== undefined && { echo: isEchoRequest(before, g) ? 'reply' as const : 'request' as const }),
    }),
  }
}

/** Pushes a popped group again, as the reverse direction has it. */
const pushAgain = (before: Uint32Array, g: number): HeaderTransposition =>
  push({
    dstMac: readMac(FIELDS.srcMac, before, g),
    srcMac: readMac(FIELDS.dstMac, before, g),
    vlans: readTags(before, g),
    srcIp: readIp(before, g, Word.DST_IP),
    dstIp: readIp(before, g, Word.SRC_IP),
    srcPort: before[g * WORDS + Word.PORTS]! >>> 16,
    dstPort: before[g * WORDS + Word.PORTS]! & 0xffff,
    tunnel: tunnelOf(before, g),
    vni: before[g * WORDS + Word.VNI]!,
  })

const isTunnel = (words: Uint32Array, g: number): boolean =>
  ((words[g * WORDS]! >>> Shape.TUNNEL_SHIFT) & Shape.PART_MASK) !== Tunnel.None

const isLater = (words: Uint32Array, g: number): boolean =>
  ((words[g * WORDS]! >>> Shape.FRAG_SHIFT) & Shape.PART_MASK) === Frag.Later

