/**
 * The MTU of the physical network at one port: which packets are too long, and what is done about them.
 *
 * **Which** is known when the decision is, before a byte is changed: the length that the packet will have follows from the
 * flow's program (`wire-length.ts`). Of a frame that is to be segmented the longest segment counts. Only what leaves for the physical
 * network has an MTU: for the few frames that would be too long, the program is carried out on a copy, and the switch is
 * asked whether that would go to another of its ports.
 *
 * **What** is the port's to say: it drops the frame, and may have {@link MtuGuard.complaint} make the error for the VM, or
 * {@link MtuGuard.cut} make fragments of it, which then take their way through the port as if the VM had sent them. That is why the
 * cutting comes before the flow's decision is carried out: each fragment has the flow's headers of its own, and whoever is at
 * the other end of a tunnel need not put fragments together.
 *
 * Cut is only what is a packet of the VM's own making whose fragments would be decided as it was: not one with a tunnel inside
 * that policy looks into, none whose payload is worked on or that is to be segmented. Those are too big, whatever their DF.
 *
 * The limit is the least of what the port was told, what the link takes at present and what a router on the path to the outermost
 * destination has refused (`network-mtu.ts`). It is asked for anew with each packet, so a change counts from the next one on. The segment size
 * of SYNs goes by the link only: the path is not known where one comes in.
 *
 * Cost of a packet that fits: some additions. Nothing is allocated for it.
 *
 * @see VFP §10.2
 */
import type { UnifiedFlow } from '../tables/unified-flow.js'
import { apply } from '../transposition/apply.js'
import { ApplyCode } from '../transposition/apply-code.js'
import { identity } from '../transposition/construct.js'
import { compile } from '../transposition/program.js'
import { putU16, u16 } from '../wire/bytes.js'
import { fold } from '../wire/checksum.js'
import { MAX_ERROR_FRAME, mayComplain, packetTooBig, writeErrorMessage } from '../wire/error-message.js'
import { type Cutting, laterFragments, shortenToFirst } from '../wire/fragment-ipv4.js'
import { Frag, type FrameView, L3, L4, makeFrameView, Slot, SLOTS } from '../wire/frame-view.js'
import { Ipv4At, ipv4HeaderLength } from '../wire/ipv4.js'
import { Ipv6At } from '../wire/ipv6.js'
import { lowerMss } from '../wire/mss-option.js'
import { OFFLOAD_PARTIAL, OFFLOAD_SEGMENT, offloadPlace } from '../wire/offload.js'
import { parseFrame } from '../wire/parse.js'
import { Reason } from '../wire/reason.js'
import { tcpHeaderLength } from '../wire/tcp.js'
import { transportChecksumAt, transportSum } from '../wire/transport-checksum.js'
import { ErrorBudget } from './error-budget.js'
import { completeMtu, type Mtu, type MtuOptions } from './mtu-options.js'
import { type NetworkMtu, UNLIMITED } from './network-mtu.js'
import { beyondSegment, headersLength, translatesTo6, wireLength } from './wire-length.js'

/** Whether a frame that a port sends out leaves for the physical network; `popped` and `pushed` as for a mirror's sink. */
export type Leaves = (bytes: Uint8Array, start: number, end: number, popped: number, pushed: number) => boolean

/** What is measured by: of a flow, or of a walk that would make one. */
export type Measured = Pick<UnifiedFlow, 'program'> & { readonly contexts: readonly Pick<UnifiedFlow['contexts'][number], 'context'>[] }

/** A frame that was cut: it is its own first fragment now, up to `end`. */
export interface Cut {
  readonly end: number
  /** The frame as it was. */
  readonly whole: Uint8Array
  /** The other fragments' frames, in order, each behind the headroom. */
  readonly later: readonly Uint8Array[]
}

/** The MTU at one port. */
export class MtuGuard {
  readonly #options: Mtu
  readonly #leaves: Leaves
  readonly #network: NetworkMtu
  readonly #errors: ErrorBudget
  /** The frame last found to be too long, what it may be long, and what it would have grown by. */
  readonly #view: FrameView
  #limit = UNLIMITED
  #growth = 0
  #offload = 0
  #uncuttable = false
  #translated = false
  /** TCP header of the SYN last clamped, as it was. */
  readonly #header = new Uint8Array(60)
  #headerAt = 0
  #headerLength = 0
  #identification = 0
  #copy = new Uint8Array(0)

  constructor(options: MtuOptions, knownOptions: readonly number[], leaves: Leaves, network: NetworkMtu) {
    this.#options = completeMtu(options)
    this.#leaves = leaves
    this.#network = network
    this.#errors = new ErrorBudget(this.#options.errors.perSecond, this.#options.errors.burst)
    this.#view = makeFrameView(knownOptions)
  }

  /** Whether the frame in `view`, which the flow lets pass outbound, is longer than the network takes. It is left as it is. */
  isOver(flow: Measured, view: FrameView, offload: number): boolean {
    const limit = this.#ofLink()
    const least = Math.min(limit, this.#network.leastPath)
    if (least === UNLIMITED) return false
    const added = addedBytes(flow.contexts)
    const over = wireLength(flow.program, view, added) - beyondSegment(view, offload)
    if (over <= least || (over <= limit && over <= this.#ofKnownPath(flow.program))) return false
    return this.#notice(flow, view, offload, over)
  }

  /** What the port's own setting and the link allow. */
  #ofLink(): number {
    const { network } = this.#options
    return network === undefined ? this.#network.usual : Math.min(network, this.#network.link)
  }

  /** What the path allows where the tunnel that the flow pushes says whither; 0 where only the frame does. */
  #ofKnownPath({ pushed, template }: Measured['program']): number {
    const outermost = pushed[0]
    if (outermost === undefined) return 0
    const { ip } = outermost
    const six = template[ip]! >>> 4 === 6
    const destination = ip + (six ? Ipv6At.DESTINATION : Ipv4At.DESTINATION)
    // A destination that is read of the frame is left as zeros here.
    for (let i = 0; i < (six ? 16 : 4); i++) if (template[destination + i] !== 0) return six ? this.#network.ofIpv6(template, ip) : this.#network.ofIpv4(template, ip)
    return 0
  }

  /** Lowers the maximum segment size in the options of a SYN to what fits; whether there was anything to lower. */
  clamp(flow: UnifiedFlow, view: FrameView): boolean {
    if (!this.#options.clampMss) return false
    // From the network it comes as long as it will be there; to it, as long as it leaves.
    const headers = flow.direction === 'inbound' ? headersLength(AS_IT_IS, view) : headersLength(flow.program, view) + addedBytes(flow.contexts)
    const limit = this.#ofLink()
    const most = limit - headers
    if (limit === UNLIMITED || most < 1) return false
    const { bytes, slots } = view
    const last = (view.depth - 1) * SLOTS
    const tcp = slots[last + Slot.L4]!
    // The options of a first fragment may be cut off: what is not here cannot be lowered.
    if (slots[last + Slot.PAYLOAD]! < tcp + tcpHeaderLength(bytes, tcp)) return false
    this.#headerAt = tcp
    this.#headerLength = slots[last + Slot.PAYLOAD]! - tcp
    for (let i = 0; i < this.#headerLength; i++) this.#header[i] = bytes[tcp + i]!
    return lowerMss(bytes, tcp, most)
  }

  /** Puts back what {@link clamp} has changed just now. */
  unclamp(bytes: Uint8Array): void {
    for (let i = 0; i < this.#headerLength; i++) bytes[this.#headerAt + i] = this.#header[i]!
  }

  /**
   * The frame that tells the VM that its packet, the one last found to be {@link isOver}, was too long: behind `headroom` bytes.
   * `undefined` if it is not to be told: by the setting, because nobody is told of such a packet, because so many were told just
   * now, or because the packet is as short already as a sender can be asked for.
   */
  complaint(headroom: number, nowUs: number): Uint8Array | undefined {
    const view = this.#view
    if (this.#options.oversize === 'drop' || !mayComplain(view)) return undefined
    const length = view.slots[Slot.END]! - view.slots[Slot.L3]! - beyondSegment(view, this.#offload)
    const mtu = Math.max(view.slots[Slot.L3_KIND] === L3.Ipv6 ? LEAST6 : LEAST4, this.#limit - this.#growth)
    if (length <= mtu || !this.#errors.take(nowUs)) return undefined
    const out = new Uint8Array(headroom + MAX_ERROR_FRAME)
    return out.subarray(0, writeErrorMessage(view, packetTooBig(view, mtu), out, headroom))
  }

  /** Cuts the frame last found to be {@link isOver}, in place; `undefined`, and it is as it was, where that must or can not be. */
  cut(headroom: number): Cut | undefined {
    const { bytes, start, end } = this.#view
    const payload = this.#fragmentPayload()
    if (payload === 0) return undefined
    const ip = this.#view.slots[Slot.L3]!
    const whole = bytes.slice(start, end)
    if ((this.#offload & OFFLOAD_PARTIAL) !== 0) this.#finish()
    const cutting: Cutting = { start, ip, payload, identification: forbidsFragments(bytes, ip) ? this.#nextIdentification() : u16(bytes, ip + Ipv4At.ID) }
    const later = laterFragments(bytes, cutting, headroom)
    return { end: shortenToFirst(bytes, cutting), whole, later }
  }

  /** Whether {@link cut} would cut it. */
  get isCuttable(): boolean {
    return this.#fragmentPayload() > 0
  }

  /** Bytes of payload of each fragment but the last, 0 where the frame is not to be cut. */
  #fragmentPayload(): number {
    const { bytes, slots, depth } = this.#view
    const { oversize } = this.#options
    if (oversize === 'drop' || this.#uncuttable || depth > 1 || slots[Slot.L3_KIND] !== L3.Ipv4) return 0
    const ip = slots[Slot.L3]!
    if (oversize !== 'fragment' && forbidsFragments(bytes, ip)) return 0
    const header = ipv4HeaderLength(bytes, ip)
    const payload = (this.#limit - this.#growth - (this.#translated ? FRAGMENT_HEADER6 : 0) - header) & ~7
    return payload < 8 || payload >= slots[Slot.END]! - ip - header ? 0 : payload
  }

  /** Takes a closer look at a frame that seems to be too long: would it be carried out at all, and leave? */
  #notice(flow: Measured, { bytes, start, end, depth, ends }: FrameView, offload: number, length: number): boolean {
    const view = this.#view
    view.ends = ends.anywhere
    const { program } = flow
    if (this.#copy.length < HEADROOM + end - start) this.#copy = new Uint8Array(HEADROOM + Math.max(0x4000, end - start))
    const copy = this.#copy
    copy.set(bytes.subarray(start, end), HEADROOM)
    parseFrame(view, copy, HEADROOM, HEADROOM + end - start, depth)
    if (apply(program, view, 0) !== ApplyCode.Ok || !this.#leaves(copy, view.start, view.end, program.popNeeds.length, program.pushes)) return false
    const limit = Math.min(this.#ofLink(), this.#ofPath(copy, view.start, view.end))
    if (length <= limit) return false
    this.#limit = limit
    parseFrame(view, bytes, start, end, depth)
    const { slots } = view
    this.#growth = length + beyondSegment(view, offload) - (slots[Slot.END]! - slots[Slot.L3]!)
    this.#offload = offload
    this.#translated = translatesTo6(program)
    // RFC 7915 §1.2: fragments of ICMP are not translated.
    this.#uncuttable =
      (offload & OFFLOAD_SEGMENT) !== 0 || isElsewhere(view, offload) || flow.contexts.some((c) => c.context.transform !== undefined) ||
      (this.#translated && slots[Slot.L4_KIND] === L4.Icmp)
    return true
  }

  /** What the path allows to where the frame goes as it leaves. */
  #ofPath(bytes: Uint8Array, start: number, end: number): number {
    if (this.#network.leastPath === UNLIMITED || parseFrame(this.#view, bytes, start, end, 1) !== Reason.Ok) return UNLIMITED
    const { slots } = this.#view
    const ip = slots[Slot.L3]!
    return slots[Slot.L3_KIND] === L3.Ipv4 ? this.#network.ofIpv4(bytes, ip) : slots[Slot.L3_KIND] === L3.Ipv6 ? this.#network.ofIpv6(bytes, ip) : UNLIMITED
  }

  /** Computes the transport checksum that the packet's sender has left to others. */
  #finish(): void {
    const view = this.#view
    const { bytes, slots } = view
    const kind = slots[Slot.L4_KIND]!
    if (kind === L4.None || slots[Slot.FRAG] !== Frag.Whole) return
    const at = slots[Slot.L4]! + transportChecksumAt(kind)
    putU16(bytes, at, 0)
    const sum = ~fold(transportSum(view, 0)) & 0xffff
    putU16(bytes, at, kind === L4.Udp && sum === 0 ? 0xffff : sum)
  }

  /** A packet with DF set is the only one of its datagram, and its identification says nothing (RFC 6864 §4.1): its fragments need one. */
  #nextIdentification(): number {
    this.#identification = (this.#identification + 1) & 0xffff
    return this.#identification
  }
}

/** Whether the frame is unfinished at another transport header than its own outermost one: its fragments could not be finished. */
const isElsewhere = ({ end, slots }: FrameView, offload: number): boolean => {
  const place = offloadPlace(offload)
  return place !== 0 && end - place !== slots[Slot.L4]!
}

const AS_IT_IS = compile(identity)
const DONT_FRAGMENT = 0x4000
const FRAGMENT_HEADER6 = 8
const HEADROOM = 256

/** Least MTU that a sender can be told: RFC 1191 §3, RFC 8200 §5. */
const LEAST4 = 68
const LEAST6 = 1280

const forbidsFragments = (bytes: Uint8Array, ip: number): boolean => (u16(bytes, ip + Ipv4At.FRAGMENT) & DONT_FRAGMENT) !== 0

const addedBytes = (contexts: Measured['contexts']): number => {
  let added = 0
  for (let i = 0; i < contexts.length; i++) {
    const { context } = contexts[i]!
    if (context.transform !== undefined) added += context.growthBytes ?? 0
  }
  return added
}
