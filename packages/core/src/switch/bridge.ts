/**
 * The bridge: which port a frame is for, by MAC.
 *
 * "Keep forwarding simple" (VFP §10.2): VMs have known MACs, so nothing is learned. A tunnelled frame counts by the
 * network identifier of its outermost tunnel and the MAC of the frame inside, any other by its own MAC within the
 * virtual network of the port that sent it. A frame from the network in two tunnels may be on its way back from an appliance,
 * which the outer one is about: if that leads to nobody, it counts by the inner one. One that a port sends never does, or it
 * would not reach the appliance.
 *
 * @see VFP §7.1
 */
import { hasVni } from '../flow/field.js'
import { readMac, u24 } from '../wire/bytes.js'
import { makeFrameView, Slot, SLOTS, Tunnel, type FrameView } from '../wire/frame-view.js'
import { parseFrame } from '../wire/parse.js'
import { Reason } from '../wire/reason.js'
import { isLinkLocalGroup } from './link-local-group.js'
import type { SwitchPort } from './switch-port.js'

/** What forwarding looks at. */
interface Key {
  /** Of the outermost tunnel, else of the sending port; `undefined` where neither is known. */
  readonly vni: number | undefined
  readonly mac: number
}

/** The MACs of a switch's ports. */
export class Bridge {
  readonly #byMac = new Map<number, SwitchPort[]>()
  readonly #view: FrameView

  /** @param geneveOptions - Critical options that do not close a tunnel to the bridge, as `class << 8 | type`. */
  constructor(geneveOptions: readonly number[] = []) {
    this.#view = makeFrameView(geneveOptions)
  }

  /** The port that has this MAC where `vni` would make them collide. */
  holder(mac: number, vni: number | undefined): SwitchPort | undefined {
    return this.#byMac.get(mac)?.find((p) => p.vni === undefined || vni === undefined || p.vni === vni)
  }

  add(port: SwitchPort): void {
    const { mac } = port.identity
    this.#byMac.set(mac, [...(this.#byMac.get(mac) ?? []), port])
  }

  remove(port: SwitchPort): void {
    const left = (this.#byMac.get(port.identity.mac) ?? []).filter((p) => p !== port)
    if (left.length === 0) this.#byMac.delete(port.identity.mac)
    else this.#byMac.set(port.identity.mac, left)
  }

  /**
   * The port a frame is for, `'group'` for one that is for many, `'link'` for one that must not leave its link (see
   * `link-local-group.ts`), `undefined` for one that is for none. A frame in no tunnel belongs to the network of its sender, if `from` is of one.
   */
  find(bytes: Uint8Array, start: number, end: number, parseDepth: number, from: SwitchPort | undefined): SwitchPort | 'group' | 'link' | undefined {
    const key = this.#keyOf(bytes, start, end, parseDepth, from)
    if (key === undefined) return undefined
    if (isLinkLocalGroup(key.mac) || isLinkLocalGroup(readMac(bytes, start))) return 'link'
    if (isGroup(key.mac)) return 'group'
    const port = this.#portOf(key)
    if (port !== undefined || from !== undefined || parseDepth < 3) return port
    const inner = this.#innerKeyOf(bytes, start, end)
    return inner === undefined ? undefined : this.#portOf(inner)
  }

  #portOf(key: Key): SwitchPort | undefined {
    const there = this.#byMac.get(key.mac)
    // Where nothing tells the network, a MAC that two networks share belongs to nobody.
    if (key.vni === undefined) return there?.length === 1 ? there[0] : undefined
    return there?.find((p) => p.vni === undefined || p.vni === key.vni)
  }

  /**
   * The ports that a frame for a group address may reach: those of its virtual network and those of none. Where nothing
   * tells its network, only the latter: a tenant must not hear what may be another's.
   */
  members(bytes: Uint8Array, start: number, end: number, parseDepth: number, from: SwitchPort | undefined): readonly SwitchPort[] {
    const key = this.#keyOf(bytes, start, end, parseDepth, from)
    return [...this.#byMac.values()].flat().filter((p) => p.vni === undefined || p.vni === key?.vni)
  }

  #keyOf(bytes: Uint8Array, start: number, end: number, parseDepth: number, from: SwitchPort | undefined): Key | undefined {
    if (end - start < 14) return undefined
    const view = this.#view
    const tunnelled = parseDepth > 1 && parseFrame(view, bytes, start, end, 2) === Reason.Ok && view.slots[Slot.TUNNEL] !== Tunnel.None
    return tunnelled
      ? { vni: hasVni(view.slots[Slot.TUNNEL]!) ? u24(bytes, view.slots[Slot.TUNNEL_AT]! + 4) : from?.vni, mac: readMac(bytes, view.slots[SLOTS + Slot.L2]!) }
      : { vni: from?.vni, mac: readMac(bytes, start) }
  }

  /** Of a frame in two tunnels, what the inner one says. */
  #innerKeyOf(bytes: Uint8Array, start: number, end: number): Key | undefined {
    const { slots } = this.#view
    if (parseFrame(this.#view, bytes, start, end, 3) !== Reason.Ok || this.#view.depth < 3) return undefined
    const tunnel = slots[SLOTS + Slot.TUNNEL]!
    return { vni: hasVni(tunnel) ? u24(bytes, slots[SLOTS + Slot.TUNNEL_AT]! + 4) : undefined, mac: readMac(bytes, slots[2 * SLOTS + Slot.L2]!) }
  }
}

const isGroup = (address: number): boolean => Math.floor(address / 0x100_0000_0000) % 2 === 1
