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

const KINDS: readonly (readonly [number, number])[] = [
  [L3.None, L4.None], [L3.Arp, L4.None], [L3.Ipv4, L4.None], [L3.Ipv4, L4.Tcp], [L3.Ipv4, L4.Udp], [L3.Ipv4, L4.Icmp],
  [L3.Ipv6, L4.None], [L3.Ipv6, L4.Tcp], [L3.Ipv6, L4.Udp], [L3.Ipv6, L4.Icmpv6],
]

const group = (tunnel: boolean): fc.Arbitrary<Uint32Array> =>
  fc
    .tuple(
      tunnel ? fc.constantFrom([L3.Ipv4, L4.Udp], [L3.Ipv6, L4.Udp]) : fc.constantFrom(...KINDS),
      fc.array(fc.nat(0xffffffff), { minLength: WORDS, maxLength: WORDS }),
      fc.constantFrom(0, 8, 128, 129, 3),
    )
    .map(([kind, random, icmpType]) => {
      const [l3, l4] = [kind[0], kind[1]]
      const isIp = l3 === L3.Ipv4 || l3 === L3.Ipv6
      const words = Uint32Array.from(random)
      words[Word.SHAPE] = l3 | (l4 << Shape.L4_SHIFT) | (Frag.Whole << Shape.FRAG_SHIFT) | ((tunnel ? Tunnel.Vxlan : Tunnel.None) << Shape.TUNNEL_SHIFT)
      const echo = l4 === L4.Icmp ? icmpType === 0 || icmpType === 8 : l4 === L4.Icmpv6 && (icmpType === 128 || icmpType === 129)
      if (l4 === L4.Icmp || l4 === L4.Icmpv6) words[Word.PORTS] = echo ? (random[Word.PORTS]! & 0xffff) * 0x1_0001 : 0
      else if (l4 === L4.None) words[Word.PORTS] = 0
      else if (tunnel) words[Word.PORTS] = (random[Word.PORTS]! & 0xffff0000) | 4789
      words[Word.ICMP] = l4 === L4.Icmp || l4 === L4.Icmpv6 ? icmpType << 8 : 0
      if (!isIp) words.fill(0, Word.CLASS)
      else words[Word.CLASS] = random[Word.CLASS]! & 0x3f01ff
      words[Word.TTL_ECN] = isIp ? random[Word.TTL_ECN]! & 0xff03 : 0
      // Volatile words that only bytes can give a pushed group.
      words.fill(0, Word.LENGTH_ID)
      words[Word.VNI] = tunnel ? random[Word.VNI]! & 0xffffff : 0
      return words
    })
