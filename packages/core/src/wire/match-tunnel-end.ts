/** Tells whether a frame is addressed to a tunnel end, by the slots of its outer header. */
import { u16, u32 } from './bytes.js'
import { L3, Slot, Tunnel, type FrameView } from './frame-view.js'
import { Ipv4At } from './ipv4.js'
import { Ipv6At } from './ipv6.js'
import type { TunnelEnds } from './tunnel-ends.js'
import { UdpAt } from './udp.js'

/** Returns the {@link Tunnel} kind of a UDP datagram to `port`, `None` if it is addressed to no end; `base` is the first slot of its group. */
export const udpTunnelOf = (ends: TunnelEnds, view: FrameView, base: number, port: number): number => {
  const { count, ports, kinds } = ends
  for (let i = 0; i < count; i++) if (ports[i] === port && isAddressed(ends, i, view, base)) return kinds[i]!
  return Tunnel.None
}

/** Returns whether GRE of this {@link Tunnel} kind is addressed to an end. */
export const isGreEnd = (ends: TunnelEnds, view: FrameView, base: number, kind: number): boolean => {
  const { count, kinds } = ends
  for (let i = 0; i < count; i++) if (kinds[i] === kind && isAddressed(ends, i, view, base)) return true
  return false
}

/** Returns whether the group at `base`, which is a tunnel by other ends, is one by these. */
export const isTunnelEnd = (ends: TunnelEnds, view: FrameView, base: number): boolean => {
  const kind = view.slots[base + Slot.TUNNEL]!
  if (kind === Tunnel.Nvgre || kind === Tunnel.Gre) return isGreEnd(ends, view, base, kind)
  return kind !== Tunnel.None && udpTunnelOf(ends, view, base, u16(view.bytes, view.slots[base + Slot.L4]! + UdpAt.DESTINATION)) === kind
}

const isAddressed = (ends: TunnelEnds, i: number, { bytes, slots }: FrameView, base: number): boolean => {
  const version = ends.versions[i]!
  if (version === 0) return true
  const { words, masks } = ends
  const ip = slots[base + Slot.L3]!
  const w = 4 * i
  const l3 = slots[base + Slot.L3_KIND]!
  if (version === 4) return l3 === L3.Ipv4 && ((u32(bytes, ip + Ipv4At.DESTINATION) ^ words[w + 3]!) & masks[w + 3]!) === 0
  if (l3 !== L3.Ipv6) return false
  const at = ip + Ipv6At.DESTINATION
  for (let n = 0; n < 4; n++) if (((u32(bytes, at + 4 * n) ^ words[w + n]!) & masks[w + n]!) !== 0) return false
  return true
}
