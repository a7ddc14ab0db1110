/** Flow ids made without bytes: every shape the layout can express, with contents that no parser was needed for. */
import fc from 'fast-check'
import { Shape, UFID_WORDS, Word, WORDS } from '../../src/flow/layout.js'
import { Frag, L3, L4, MAX_GROUPS, Tunnel } from '../../src/wire/frame-view.js'

/** A UFID and its depth. */
export interface Flow {
  readonly words: Uint32Array
  readonly depth: number
}

/** Any flow id that extraction could have made, but for later fragments, of which contradictions are not refused. */
export const syntheticFlow = (): fc.Arbitrary<Flow> =>
  fc.integer({ min: 1, max: MAX_GROUPS }).chain((depth) =>
    fc.tuple(...Array.from({ length: depth }, (_, g) => group(g < depth - 1))).map((groups) => {
      const words = new Uint32Array(UFID_WORDS)
      groups.forEach((g, i) => words.set(g, i * WORDS))
      return { words, depth }
    }))

const TUNNELS: readonly (readonly [number, number, number])[] = [L3.Ipv4, L3.Ipv6].flatMap((l3) => [
  [l3, L4.Udp, Tunnel.Vxlan] as const, [l3, L4.Udp, Tunnel.Geneve] as const, [l3, L4.None, Tunnel.Nvgre] as const, [l3, L4.None, Tunnel.Gre] as const,
])
const ETHER_TYPES: readonly number[] = [0x88b5, 0x0806, 0x0800, 0x86dd]
const PROTOCOLS: readonly number[] = [47, 6, 17, 1, 58]

const KINDS: readonly (readonly [number, number, number?])[] = [
  [L3.None, L4.None], [L3.Arp, L4.None], [L3.Ipv4, L4.None], [L3.Ipv4, L4.Tcp], [L3.Ipv4, L4.Udp], [L3.Ipv4, L4.Icmp],
  [L3.Ipv6, L4.None], [L3.Ipv6, L4.Tcp], [L3.Ipv6, L4.Udp], [L3.Ipv6, L4.Icmpv6],
]

const group = (tunnel: boolean): fc.Arbitrary<Uint32Array> =>
  fc
    .tuple(
      tunnel ? fc.constantFrom(...TUNNELS) : fc.constantFrom(...KINDS),
      fc.array(fc.nat(0xffffffff), { minLength: WORDS, maxLength: WORDS }),
      fc.constantFrom(0, 8, 128, 129, 3),
      fc.constantFrom(0, 0, 1, 2),
    )
    .map(([[l3, l4, encapsulation = Tunnel.None], random, icmpType, tags]) => {
      const isIp = l3 === L3.Ipv4 || l3 === L3.Ipv6
      const words = Uint32Array.from(random)
      words[Word.SHAPE] = l3 | (l4 << Shape.L4_SHIFT) | (Frag.Whole << Shape.FRAG_SHIFT) | (encapsulation << Shape.TUNNEL_SHIFT) |
        (tags << Shape.VLANS_SHIFT) | ((random[Word.SHAPE]! & ((1 << tags) - 1)) << Shape.STAGS_SHIFT)
      words[Word.VLAN] = tags === 0 ? 0 : tags === 1 ? random[Word.VLAN]! & 0xffff0000 : random[Word.VLAN]!
      words[Word.PROTO] = (ETHER_TYPES[l3]! << 16) | (l4 === L4.None ? 47 : PROTOCOLS[l4]!)
      const echo = l4 === L4.Icmp ? icmpType === 0 || icmpType === 8 : l4 === L4.Icmpv6 && (icmpType === 128 || icmpType === 129)
      if (l4 === L4.Icmp || l4 === L4.Icmpv6) words[Word.PORTS] = echo ? (random[Word.PORTS]! & 0xffff) * 0x1_0001 : 0
      else if (l4 === L4.None) words[Word.PORTS] = 0
      else if (tunnel) words[Word.PORTS] = (random[Word.PORTS]! & 0xffff0000) | (encapsulation === Tunnel.Vxlan ? 4789 : 6081)
      words[Word.ICMP] = l4 === L4.Icmp || l4 === L4.Icmpv6 ? icmpType << 8 : 0
      if (l3 === L3.None) words.fill(0, Word.SRC_IP, Word.VNI)
      if (l3 === L3.Ipv4 || l3 === L3.Arp) for (const w of [Word.SRC_IP, Word.DST_IP]) words.fill(0, w, w + 3)
      if (!isIp) words.fill(0, Word.CLASS)
      else words[Word.CLASS] = random[Word.CLASS]! & (l4 === L4.Tcp ? 0x3f01ff : 0x3f0000)
      words[Word.TTL_ECN] = isIp ? random[Word.TTL_ECN]! & 0xff03 : 0
      // Volatile words that only bytes can give a pushed group.
      words.fill(0, Word.LENGTH_ID)
      words[Word.VNI] = tunnel && encapsulation !== Tunnel.Gre ? random[Word.VNI]! & 0xffffff : 0
      return words
    })
