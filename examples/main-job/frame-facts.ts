/** What the replay has to know of a frame before any port sees it: who speaks to whom, and what nobody here understands. */
import { formatIp, Frag, type IpAddress, ipv4, ipv6, L3, L4, makeFrameView, parseFrame, Reason, reasonName, Slot } from '@vfp-ts/core'

/** An IP address as the key of a map: 32 bits, or eight characters of 16 bits. */
export type AddressKey = number | string

/** The key of an address. */
export const addressKey = ({ version, words }: IpAddress): AddressKey =>
  version === 4 ? words[3] : String.fromCharCode(...words.flatMap((w) => [w >>> 16, w & 0xffff]))

/** Facts of one frame at a time, filled again for each. */
export class FrameFacts {
  /** Why the frame cannot be parsed, or the empty string. */
  malformed = ''
  /** What in it is not understood, by name, or the empty string; such a frame is forwarded by what is understood. */
  opaque = ''
  srcMac = 0
  /** Present for IP only. */
  src: AddressKey | undefined
  dst: AddressKey | undefined
  /** Whether the source is an address that a VM could have to itself: neither unspecified, link-local nor multicast. */
  srcIsHost = false
  /** Likewise for the destination. */
  dstIsHost = false
  /** A TCP segment that begins a connection, and one that accepts it. */
  syn = false
  synAck = false
  /** A fragment without the transport header. */
  laterFragment = false
  readonly #view = makeFrameView()

  /** Reads the frame in `bytes` from `start` to `end`; a tunnel inside is the sender's own business. */
  read(bytes: Uint8Array, start: number, end: number): void {
    const view = this.#view
    const reason = parseFrame(view, bytes, start, end, 1)
    this.malformed = reason === Reason.Ok ? '' : reasonName(reason)
    this.opaque = ''
    this.src = this.dst = undefined
    this.srcIsHost = this.dstIsHost = this.syn = this.synAck = this.laterFragment = false
    if (reason !== Reason.Ok) return
    const { slots } = view
    this.srcMac = macAt(bytes, start + 6)
    this.opaque = view.unsupported === 0 ? '' : nameOf(view.unsupported)
    const l3 = slots[Slot.L3] ?? 0
    if (slots[Slot.L3_KIND] === L3.Ipv4) {
      this.src = u32(bytes, l3 + 12)
      this.dst = u32(bytes, l3 + 16)
      this.srcIsHost = isHost4(this.src)
      this.dstIsHost = isHost4(this.dst)
    } else if (slots[Slot.L3_KIND] === L3.Ipv6) {
      this.src = keyAt6(bytes, l3 + 8)
      this.dst = keyAt6(bytes, l3 + 24)
      this.srcIsHost = isHost6(this.src)
      this.dstIsHost = isHost6(this.dst)
    }
    this.laterFragment = slots[Slot.FRAG] === Frag.Later
    if (slots[Slot.L4_KIND] !== L4.Tcp) return
    const flags = byteAt(bytes, (slots[Slot.L4] ?? 0) + 13)
    this.syn = (flags & 0x12) === 0x02
    this.synAck = (flags & 0x12) === 0x12
  }
}

/** The text of an address from its key. */
export const addressOfKey = (key: AddressKey): string => {
  if (typeof key === 'number') return formatIp(ipv4(key))
  const word = (i: number): number => key.charCodeAt(2 * i) * 0x1_0000 + key.charCodeAt(2 * i + 1)
  return formatIp(ipv6(word(0), word(1), word(2), word(3)))
}

const nameOf = (unsupported: number): string => {
  const number = unsupported & 0xffff
  const known = NAMES[unsupported]
  const suffix = known === undefined ? '' : ` (${known})`
  switch (unsupported >>> 16) {
    case 1: return number < 0x600 ? 'IEEE 802.3 length instead of an EtherType' : `EtherType 0x${number.toString(16).padStart(4, '0')}${suffix}`
    case 2: return `IP protocol ${number}${suffix}`
    case 4: return `GRE or Geneve payload type 0x${number.toString(16).padStart(4, '0')}`
    default: return `UDP port ${number}${suffix}`
  }
}

/** Names of what is met most, as IANA and IEEE have them. */
const NAMES: Readonly<Record<number, string>> = {
  0x1_88cc: 'LLDP', 0x1_8847: 'MPLS', 0x1_8863: 'PPPoE discovery', 0x1_8864: 'PPPoE session', 0x1_888e: 'EAPOL', 0x1_6558: 'Ethernet bridging',
  0x2_0002: 'IGMP', 0x2_0004: 'IPv4 in IP', 0x2_0029: 'IPv6 in IP', 0x2_002f: 'GRE', 0x2_0032: 'ESP', 0x2_0033: 'AH', 0x2_0059: 'OSPF',
  0x2_0067: 'PIM', 0x2_0070: 'VRRP', 0x2_0084: 'SCTP', 0x3_17c1: 'Geneve',
}

const byteAt = (b: Uint8Array, at: number): number => b[at] ?? 0
const u16 = (b: Uint8Array, at: number): number => (byteAt(b, at) << 8) | byteAt(b, at + 1)
const u32 = (b: Uint8Array, at: number): number => (u16(b, at) * 0x1_0000) + u16(b, at + 2)
const macAt = (b: Uint8Array, at: number): number => u16(b, at) * 0x1_0000_0000 + u32(b, at + 2)

const keyAt6 = (b: Uint8Array, at: number): string =>
  String.fromCharCode(u16(b, at), u16(b, at + 2), u16(b, at + 4), u16(b, at + 6), u16(b, at + 8), u16(b, at + 10), u16(b, at + 12), u16(b, at + 14))

/** Not 0.0.0.0/8, 169.254.0.0/16, multicast, reserved or broadcast. @see RFC 6890 §2.2.2 */
const isHost4 = (ip: number): boolean => {
  const first = ip >>> 24
  return first !== 0 && first < 224 && ip >>> 16 !== 0xa9fe
}

/** Not ::, link-local or multicast. @see RFC 4291 §2.4 */
const isHost6 = (key: string): boolean => {
  const first = key.charCodeAt(0)
  return first < 0xff00 && (first & 0xffc0) !== 0xfe80 && key !== UNSPECIFIED
}

const UNSPECIFIED = '\0'.repeat(8)
