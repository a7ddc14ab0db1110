/**
 * The bridge: which port a frame is for, by MAC.
 *
 * "Keep forwarding simple" (VFP §10.2): VMs have known MACs, so nothing is learned. A frame in a tunnel of the switch counts by the
 * network identifier of that tunnel and the MAC of the frame inside, any other by its own MAC within the
 * virtual network of the port that sent it. A frame from the network in two tunnels may be on its way back from an appliance,
 * which the outer one is about: if that leads to nobody, it counts by the inner one. One that a port sends never does, or it
 * would not reach the appliance.
 *
 * A tunnel is the switch's only if (1) it came from the physical network, or policy of a port has just put it around the frame, which the
 * caller says by the depth it lets the bridge look to, and (2) its outer header is addressed to an end of the switch
 * (`tunnel-registry.ts`). An end without an address is one port's own: it opens a tunnel only to that port, and none that is
 * addressed to the MAC of another. All else is payload, whatever it looks like: nothing in it leads to a port.
 *
 * @see VFP §7.1
 */
import { hasVni } from '../flow/field.js'
import { readMac, u24 } from '../wire/bytes.js'
import { makeFrameView, Slot, SLOTS, type FrameView } from '../wire/frame-view.js'
import { isTunnelEnd } from '../wire/match-tunnel-end.js'
import { parseFrame } from '../wire/parse.js'
import { Reason } from '../wire/reason.js'
import { isLinkLocalGroup } from './link-local-group.js'
import type { SwitchPort } from './switch-port.js'
import type { TunnelRegistry } from './tunnel-registry.js'

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
  readonly #ends: Pick<TunnelRegistry<SwitchPort>, 'shared' | 'all'>

  /** @param geneveOptions - Critical options that do not close a tunnel to the bridge, as `class << 8 | type`. */
  constructor(ends: Pick<TunnelRegistry<SwitchPort>, 'shared' | 'all'>, geneveOptions: readonly number[] = []) {
    this.#ends = ends
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
   * `link-local-group.ts`), `undefined` for one that is for none. A frame in no tunnel of the switch belongs to the network of its sender, if `from` is of one. No more than `depth` header groups are looked into.
   */
  find(bytes: Uint8Array, start: number, end: number, depth: number, from: SwitchPort | undefined): SwitchPort | 'group' | 'link' | undefined {
    if (end - start < 14) return undefined
    const own: Key = { vni: from?.vni, mac: readMac(bytes, start) }
    if (isLinkLocalGroup(own.mac)) return 'link'
    const inside = this.#tunnelKey(bytes, start, end, depth, from)
    if (inside === undefined) return isGroup(own.mac) ? 'group' : this.#portOf(own)
    if (inside === 'link') return 'link'
    if (isGroup(inside.mac)) return 'group'
    const port = this.#portOf(inside)
    if (this.#isShared()) {
      if (port !== undefined || from !== undefined || depth < 3) return port
      const second = this.#secondKey(bytes, start, end)
      return second === undefined || isGroup(second.mac) ? undefined : this.#portOf(second)
    }
    // No address of the host's: the tunnel is this port's by its own rules, or it is nobody's.
    if (port !== undefined && isTunnelEnd(port.ends, this.#view, 0)) return port
    return isGroup(own.mac) ? 'group' : this.#portOf(own)
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
  members(bytes: Uint8Array, start: number, end: number, depth: number, from: SwitchPort | undefined): readonly SwitchPort[] {
    const inside = this.#tunnelKey(bytes, start, end, depth, from)
    const ports = [...this.#byMac.values()].flat()
    const among = (vni: number | undefined): readonly SwitchPort[] => ports.filter((p) => p.vni === undefined || p.vni === vni)
    if (inside === undefined || inside === 'link') return among(from?.vni)
    if (this.#isShared()) return among(inside.vni)
    const takers = isGroup(inside.mac) ? among(inside.vni).filter((p) => isTunnelEnd(p.ends, this.#view, 0)) : []
    return takers.length > 0 || !isGroup(readMac(bytes, start)) ? takers : among(from?.vni)
  }

  /**
   * What the tunnel of the switch says that the frame came in, or `undefined` if it came in none; it lies in the view then. `'link'` if
   * what is inside must not leave its link, which holds of a tunnel that policy has made wherever it ends.
   */
  #tunnelKey(bytes: Uint8Array, start: number, end: number, depth: number, from: SwitchPort | undefined): Key | 'link' | undefined {
    const view = this.#view
    const { all } = this.#ends
    view.ends = from === undefined ? all : all.anywhere
    if (depth < 2 || parseFrame(view, bytes, start, end, 2) !== Reason.Ok || view.depth < 2) return undefined
    const mac = readMac(bytes, view.slots[SLOTS + Slot.L2]!)
    if (isLinkLocalGroup(mac)) return 'link'
    if (from !== undefined && !isTunnelEnd(all, view, 0)) return undefined
    const key = { vni: hasVni(view.slots[Slot.TUNNEL]!) ? u24(bytes, view.slots[Slot.TUNNEL_AT]! + 4) : from?.vni, mac }
    if (this.#isShared()) return key
    // A frame for the MAC of one VM is opened by no rule of another's that does not say to which address.
    const addressees = this.#byMac.get(readMac(bytes, start))
    return addressees === undefined || (!isGroup(mac) && addressees.includes(this.#portOf(key)!)) ? key : undefined
  }

  /** Whether the tunnel in the view ends at an address of the switch. */
  #isShared(): boolean {
    const { all, shared } = this.#ends
    return all === shared || isTunnelEnd(shared, this.#view, 0)
  }

  /** Of a frame in two tunnels, what the inner one says. */
  #secondKey(bytes: Uint8Array, start: number, end: number): Key | undefined {
    const view = this.#view
    const { slots } = view
    view.ends = this.#ends.shared
    if (parseFrame(view, bytes, start, end, 3) !== Reason.Ok || view.depth < 3) return undefined
    const tunnel = slots[SLOTS + Slot.TUNNEL]!
    return { vni: hasVni(tunnel) ? u24(bytes, slots[SLOTS + Slot.TUNNEL_AT]! + 4) : undefined, mac: readMac(bytes, slots[2 * SLOTS + Slot.L2]!) }
  }
}

const isGroup = (address: number): boolean => Math.floor(address / 0x100_0000_0000) % 2 === 1
