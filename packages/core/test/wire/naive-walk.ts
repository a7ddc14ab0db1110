/**
 * A second reading of a frame, for comparison: the protocols' own parsers, called one after the other on sub-arrays, so
 * that nothing behind an end can even be seen. Slow, and written without a look at `parseFrame`'s way of keeping offsets.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import { parseArp } from '../../src/wire/arp.js'
import { parseEthernet } from '../../src/wire/ethernet.js'
import { L3, L4, Slot, SLOTS, Tunnel, type FrameView } from '../../src/wire/frame-view.js'
import { parseGeneve } from '../../src/wire/geneve.js'
import { parseGre } from '../../src/wire/gre.js'
import { parseIcmp } from '../../src/wire/icmp.js'
import { parseIcmpv6 } from '../../src/wire/icmpv6.js'
import { parseIpv4 } from '../../src/wire/ipv4.js'
import { parseExtension } from '../../src/wire/ipv6-extension.js'
import { parseIpv6 } from '../../src/wire/ipv6.js'
import { parseNvgre } from '../../src/wire/nvgre.js'
import { parseTcp } from '../../src/wire/tcp.js'
import { parseUdp } from '../../src/wire/udp.js'
import { parseVlan } from '../../src/wire/vlan.js'
import { parseVxlan } from '../../src/wire/vxlan.js'

/** Kinds and offsets of one header group. */
export interface WalkedGroup {
  l2: number
  vlans: number
  etherType: number
  l3Kind: string
  l3: number
  protocol: number
  l4Kind: string
  l4: number
  payload: number
  end: number
  dataEnd: number
  tunnel: string
}

/** What `parseFrame` wrote, in the same form. */
export const walkOf = (view: FrameView): readonly WalkedGroup[] =>
  Array.from({ length: view.depth }, (_, group) => {
    const slot = (name: keyof typeof Slot): number => view.slots[group * SLOTS + Slot[name]]!
    return {
      l2: slot('L2'),
      vlans: slot('VLANS'),
      etherType: slot('ETHERTYPE'),
      l3Kind: nameOf(L3, slot('L3_KIND')),
      l3: slot('L3'),
      protocol: slot('PROTO'),
      l4Kind: nameOf(L4, slot('L4_KIND')),
      l4: slot('L4'),
      payload: slot('PAYLOAD'),
      end: slot('END'),
      dataEnd: slot('DATA_END'),
      tunnel: nameOf(Tunnel, slot('TUNNEL')),
    }
  })

const nameOf = (kinds: Readonly<Record<string, number>>, value: number): string =>
  Object.keys(kinds).find((name) => kinds[name] === value) ?? '?'

/** The groups of a frame, or `undefined` where some header cannot be read or contradicts a rule about fragments. */
export const naiveWalk = (frame: Uint8Array, maxGroups: number): readonly WalkedGroup[] | undefined => {
  try {
    return walkGroups(frame, 0, frame.length, maxGroups)
  } catch (refusal) {
    if (refusal === REFUSED) return undefined
    throw refusal
  }
}

const REFUSED = new Error('refused')
const must = <A>(parsed: Either<unknown, A>): A => {
  if (parsed._tag === 'Left') throw REFUSED
  return parsed.right
}

const walkGroups = (frame: Uint8Array, l2: number, limit: number, left: number): readonly WalkedGroup[] => {
  const seen = frame.subarray(0, limit)
  const ethernet = must(parseEthernet(seen, l2, limit))
  let etherType = ethernet.repr.etherType
  let typeAt = l2 + 12
  let vlans = 0
  for (; etherType === 0x8100 || etherType === 0x88a8; vlans++) {
    if (vlans === 2) throw REFUSED
    typeAt = must(parseVlan(seen, typeAt, limit)).next
    etherType = seen[typeAt]! * 256 + seen[typeAt + 1]!
  }
  const at = typeAt + 2
  const group: WalkedGroup = {
    l2, vlans, etherType, l3Kind: 'None', l3: at, protocol: 0, l4Kind: 'None', l4: at, payload: at, end: limit, dataEnd: limit, tunnel: 'None',
  }
  if (etherType === 0x0806) {
    const arp = parseArp(seen, at, limit)
    if (arp._tag === 'Left') {
      if (arp.left.reason !== 'UnsupportedProtocol') throw REFUSED
      return [group]
    }
    return [{ ...group, l3Kind: 'Arp', l4: arp.right.next, payload: arp.right.next, end: arp.right.end, dataEnd: arp.right.end }]
  }
  if (etherType === 0x0800) {
    const { repr, next, end } = must(parseIpv4(seen, at, limit))
    Object.assign(group, { l3Kind: 'Ipv4', protocol: repr.protocol, l4: next, payload: next, end, dataEnd: end })
    return walkTransport(seen.subarray(0, end), group, repr.fragmentOffset, repr.moreFragments, left)
  }
  if (etherType !== 0x86dd) return [group]
  const { repr, next, end } = must(parseIpv6(seen, at, limit))
  let protocol = repr.protocol
  let l4 = next
  let offset = 0
  let more = false
  let fragmented = false
  for (let count = 0; [0, 43, 44, 51, 60].includes(protocol) && offset === 0; count++) {
    const extension = must(parseExtension(seen.subarray(0, end), l4, end, protocol))
    if (count === 8 || (protocol === 0 && count > 0)) throw REFUSED
    if (extension.repr.kind === 'fragment') {
      if (fragmented || l4 - next + extension.repr.offset + end - extension.next > 65535) throw REFUSED
      if (extension.repr.more && (end - extension.next) % 8 !== 0) throw REFUSED
      fragmented = true
      offset = extension.repr.offset
      more = extension.repr.more
    }
    protocol = seen[l4]!
    l4 = extension.next
  }
  Object.assign(group, { l3Kind: 'Ipv6', protocol, l4, payload: l4, end, dataEnd: end })
  return walkTransport(seen.subarray(0, end), group, offset, more, left)
}

const walkTransport = (seen: Uint8Array, group: WalkedGroup, offset: number, more: boolean, left: number): readonly WalkedGroup[] => {
  const { l4, end, protocol } = group
  if (offset > 0) {
    if (protocol === 6 && offset === 8) throw REFUSED
    return [group]
  }
  if (protocol === 6) return [{ ...group, l4Kind: 'Tcp', payload: must(parseTcp(seen, l4, end, !more)).next }]
  if (protocol === 1 && group.l3Kind === 'Ipv4') return [{ ...group, l4Kind: 'Icmp', payload: must(parseIcmp(seen, l4, end)).next }]
  if (protocol === 58 && group.l3Kind === 'Ipv6') return [{ ...group, l4Kind: 'Icmpv6', payload: must(parseIcmpv6(seen, l4, end)).next }]
  if (protocol === 47 && !more && left > 1) return walkGre(seen, group, left)
  if (protocol !== 17) return [group]
  const udp = must(parseUdp(seen, l4, end, !more))
  const walked = { ...group, l4Kind: 'Udp', payload: udp.next, dataEnd: udp.end }
  return left <= 1 || more ? [walked] : walkUdp(seen.subarray(0, udp.end), walked, udp.repr.destinationPort, left)
}

const walkUdp = (seen: Uint8Array, walked: WalkedGroup, port: number, left: number): readonly WalkedGroup[] => {
  const { payload, dataEnd: end } = walked
  if (port === 4789) {
    const vxlan = parseVxlan(seen, payload, end)
    return vxlan._tag === 'Left' ? [walked] : [{ ...walked, tunnel: 'Vxlan' }, ...walkGroups(seen, vxlan.right.next, end, left - 1)]
  }
  if (port !== 6081) return [walked]
  const geneve = parseGeneve(seen, payload, end)
  // what its options are matters only where there would be a frame inside
  const type = (seen[payload + 2] ?? 0) * 256 + (seen[payload + 3] ?? 0)
  if (geneve._tag === 'Left') {
    if (geneve.left.reason === 'BadLength' && type === 0x6558 && (seen[payload + 1] ?? 0) < 0x80) throw REFUSED
    return [walked]
  }
  if (type !== 0x6558 || geneve.right.repr.control) return [walked]
  if (geneve.right.repr.options.some((option) => option.type >= 0x80)) throw REFUSED
  return [{ ...walked, tunnel: 'Geneve' }, ...walkGroups(seen, geneve.right.next, end, left - 1)]
}

const walkGre = (seen: Uint8Array, group: WalkedGroup, left: number): readonly WalkedGroup[] => {
  const { l4, end } = group
  const gre = parseGre(seen, l4, end)
  if (gre._tag === 'Left' || gre.right.repr.protocolType !== 0x6558) return [group]
  const { checksum, key, sequence } = gre.right.repr
  if (checksum !== undefined || sequence !== undefined) return [group]
  const nvgre = parseNvgre(seen, l4, end)
  if ((nvgre._tag === 'Right') !== (key !== undefined)) throw new Error('GRE and NVGRE disagree about a key')
  return [{ ...group, payload: gre.right.next, tunnel: key === undefined ? 'Gre' : 'Nvgre' }, ...walkGroups(seen, gre.right.next, end, left - 1)]
}
