/**
 * Errors of the network about tunnelled packets: ICMP and ICMPv6 messages to the host, of which "fragmentation needed" and "packet too
 * big" tell the MTU of a path.
 *
 * An error counts only if what it quotes was sent lately (`sent-memory.ts`): from the address the error came to, of a flow that had a packet
 * as long as the quoted one says it was, and longer than the MTU that is told. Its source is a host's address, which need be no
 * neighbour's. Errors that are not believed are limited to {@link MOST_FORGED} a second; once there are more, all errors of that second are left
 * out: an honest router says it again at the next packet.
 *
 * A router that tells no MTU (RFC 1191 §5) has it taken from a table of usual ones. Other errors (unreachable, time exceeded, parameter
 * problem) are counted: they pass, and nothing in them is for a VM, whose packets are not what they quote.
 *
 * @see RFC 1191 §4, §5
 * @see RFC 4443 §2.4, §3.2
 * @see RFC 8201 §4
 */
import { Frag, type FrameView, type IpAddress, makeFrameView, parseFrame, QUOTE, Reason, sameIp, Slot, SLOTS, Verify, wire } from '@vfp-ts/core'
import { isPartial } from '../nic/frame-batch.js'
import type { Routes } from './routes.js'
import type { SentMemory } from './sent-memory.js'
import { isUnicast } from './underlay-options.js'

const { readIpv4, readIpv6, u16, u32 } = wire.bytes
const { Ipv4At } = wire.ipv4
const { Ipv6At, IPV6_LENGTH } = wire.ipv6
const { IcmpType, icmpIsError } = wire.icmp
const { Icmpv6Type, icmpv6IsError } = wire.icmpv6

/** Errors a second that need not be believed, before no error is read any more. */
const MOST_FORGED = 16

const FRAGMENTATION_NEEDED = 4

/** First slot of what is quoted. */
const Q = QUOTE * SLOTS

/** Usual MTUs; the last one instead of those that are not believed. @see RFC 1191 §7 */
const PLATEAUS = [32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 552]

/** Least MTU of a link. */
const LEAST4 = 68
const LEAST6 = 1_280

/** Reads errors. */
export class NetworkErrors {
  /** Errors by what they were, or `ForgedError` and `ErrorLimit`. */
  readonly counts: Record<string, number> = {}
  /** All of them. */
  total = 0
  readonly #routes: Routes
  readonly #sent: SentMemory
  readonly #nowMs: () => number
  readonly #learnt: (destination: IpAddress, mtu: number) => void
  readonly #view: FrameView = makeFrameView()
  #second = 0
  #forged = 0

  /** @param learnt - called with the MTU of a path that an error told of */
  constructor(routes: Routes, sent: SentMemory, nowMs: () => number, learnt: (destination: IpAddress, mtu: number) => void) {
    this.#routes = routes
    this.#sent = sent
    this.#nowMs = nowMs
    this.#learnt = learnt
  }

  /** Takes the frame if it is an ICMP or ICMPv6 error to the host; its IP header is at `l3`. False leaves it to others. */
  take(bytes: Uint8Array, start: number, l3: number, end: number, offload: number, version: 4 | 6): boolean {
    const to = version === 4 ? readIpv4(bytes, l3 + Ipv4At.DESTINATION) : readIpv6(bytes, l3 + Ipv6At.DESTINATION)
    if (!this.#routes.isOwn(to)) return false
    const view = this.#view
    if (isPartial(offload) || parseFrame(view, bytes, start, end, 1, Verify.All) !== Reason.Ok) return false
    const { slots } = view
    const icmp = slots[Slot.L4] ?? 0
    if (slots[Slot.FRAG] !== Frag.Whole || (slots[Slot.END] ?? 0) - icmp < 8) return false
    const type = bytes[icmp] ?? 0
    if (!(version === 4 ? icmpIsError(type) : icmpv6IsError(type))) return false
    const tells = version === 4 ? type === IcmpType.Unreachable && bytes[icmp + 1] === FRAGMENTATION_NEEDED : type === Icmpv6Type.PacketTooBig
    if (!tells) this.#count(version === 4 ? NAMES4.get(type) ?? 'OtherError' : NAMES6.get(type) ?? 'OtherError')
    else if (this.#isLimited()) this.#count('ErrorLimit')
    else this.#read(to, bytes, l3, icmp, version)
    return true
  }

  #read(to: IpAddress, bytes: Uint8Array, l3: number, icmp: number, version: 4 | 6): void {
    const from = version === 4 ? readIpv4(bytes, l3 + Ipv4At.SOURCE) : readIpv6(bytes, l3 + Ipv6At.SOURCE)
    const mtu = isUnicast(from) && !this.#routes.isBroadcast(from) && !this.#routes.isOwn(from) ? this.#told(to, bytes, icmp, version) : 0
    if (mtu === 0) {
      this.#forged++
      this.#count('ForgedError')
      return
    }
    this.#count('PathMtu')
    const quoted = this.#view.slots[Q + Slot.L3] ?? 0
    this.#learnt(version === 4 ? readIpv4(bytes, quoted + Ipv4At.DESTINATION) : readIpv6(bytes, quoted + Ipv6At.DESTINATION), mtu)
  }

  /** The MTU that the error tells of; 0 where it is not to be believed. */
  #told(to: IpAddress, bytes: Uint8Array, icmp: number, version: 4 | 6): number {
    const { slots, quoted } = this.#view
    if (!quoted || slots[Q + Slot.FRAG] === Frag.Later) return 0
    const ip = slots[Q + Slot.L3] ?? 0
    const source = version === 4 ? readIpv4(bytes, ip + Ipv4At.SOURCE) : readIpv6(bytes, ip + Ipv6At.SOURCE)
    if (!sameIp(source, to)) return 0
    const length = version === 4 ? u16(bytes, ip + Ipv4At.LENGTH) : IPV6_LENGTH + u16(bytes, ip + Ipv6At.LENGTH)
    const said = version === 4 ? u16(bytes, icmp + 6) : u32(bytes, icmp + 4)
    const mtu = version === 4 && said === 0 ? PLATEAUS.find((plateau) => plateau < length) ?? 0 : said
    if (mtu < (version === 4 ? LEAST4 : LEAST6) || mtu >= length) return 0
    const longest = this.#sent.longest(bytes, ip, slots[Q + Slot.L4] ?? 0, slots[Q + Slot.END] ?? 0, version, slots[Q + Slot.PROTO] ?? 0)
    return length <= longest ? mtu : 0
  }

  #isLimited(): boolean {
    const second = Math.floor(this.#nowMs() / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#forged = 0
    }
    return this.#forged >= MOST_FORGED
  }

  #count(name: string): void {
    this.total++
    this.counts[name] = (this.counts[name] ?? 0) + 1
  }
}

const NAMES4: ReadonlyMap<number, string> = new Map<number, string>([
  [IcmpType.Unreachable, 'Unreachable'], [IcmpType.TimeExceeded, 'TimeExceeded'], [IcmpType.ParameterProblem, 'ParameterProblem'],
])
const NAMES6: ReadonlyMap<number, string> = new Map<number, string>([[1, 'Unreachable'], [3, 'TimeExceeded'], [4, 'ParameterProblem']])
