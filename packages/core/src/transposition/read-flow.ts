/** Reading a flow id back as what transpositions are made of. */
import { Shape, Word, WORDS } from '../flow/layout.js'
import { type IpAddress, ipv4, ipv6 } from '../wire/address.js'
import { EtherType } from '../wire/ethernet.js'
import { L3, Tunnel } from '../wire/frame-view.js'
import type { VlanTag } from '../wire/vlan.js'
import type { TunnelKind } from './header-transposition.js'

/** The address in the four words from `word` on of group `g`. */
export const readIp = (words: Uint32Array, g: number, word: number): IpAddress => {
  const at = g * WORDS + word
  return (words[g * WORDS]! & Shape.PART_MASK) === L3.Ipv6
    ? ipv6(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!)
    : ipv4(words[at + 3]!)
}

/** The VLAN tags of group `g`, outermost first. */
export const readTags = (words: Uint32Array, g: number): readonly VlanTag[] => {
  const shape = words[g * WORDS]!
  const tags = words[g * WORDS + Word.VLAN]!
  return Array.from({ length: (shape >>> Shape.VLANS_SHIFT) & Shape.PART_MASK }, (_, i): VlanTag => {
    const tci = (i === 0 ? tags >>> 16 : tags) & 0xffff
    const service = ((shape >>> (Shape.STAGS_SHIFT + i)) & 1) !== 0
    return { tpid: service ? EtherType.ServiceVlan : EtherType.Vlan, pcp: tci >>> 13, dei: (tci & 0x1000) !== 0, vid: tci & 0xfff }
  })
}

/** How group `g`, which encapsulates another, does that. */
export const tunnelOf = (words: Uint32Array, g: number): TunnelKind => {
  switch ((words[g * WORDS]! >>> Shape.TUNNEL_SHIFT) & Shape.PART_MASK) {
    case Tunnel.Nvgre: return 'nvgre'
    case Tunnel.Geneve: return 'geneve'
    case Tunnel.Gre: return 'gre'
    default: return 'vxlan'
  }
}

/** Whether group `g`, an ICMP or ICMPv6 echo, is a request. */
export const isEchoRequest = (words: Uint32Array, g: number): boolean => {
  const type = words[g * WORDS + Word.ICMP]! >>> 8
  return type === 8 || type === 128
}
