/**
 * Tunnel headers, for `parseFrame`: whether a frame inside is to be looked into. Both functions are called only for whole
 * datagrams; the one for GRE only while there are groups to spare, as GRE beyond them counts as an unknown protocol.
 *
 * A datagram that is no tunnel this library knows, or is addressed to no end of the view (`tunnel-ends.ts`), stays opaque
 * payload: the port or the protocol number alone proves nothing. The only frame refused is Geneve to an end with an unknown critical
 * option, or whose options do not end where the header says.
 */
import { u16 } from './bytes.js'
import { EtherType } from './ethernet.js'
import { Slot, Tunnel, type FrameView } from './frame-view.js'
import { checkGeneve, checkGeneveOptions, GeneveAt, GeneveFlag } from './geneve.js'
import { checkGre, GRE_LENGTH, GreAt, greCarriesEthernet } from './gre.js'
import { IpProtocol } from './ip-protocol.js'
import { isGreEnd, udpTunnelOf } from './match-tunnel-end.js'
import { checkNvgre, NVGRE_LENGTH } from './nvgre.js'
import { Reason } from './reason.js'
import { UDP_LENGTH, UdpAt, UdpPort } from './udp.js'
import { checkVxlan } from './vxlan.js'

/**
 * Recognises what the UDP datagram at `at` encapsulates: a tunnel if it is addressed to an end of `view.ends`, and `tunnels` says that
 * there is a group to spare.
 */
export const parseUdpTunnel = (view: FrameView, base: number, at: number, end: number, tunnels: boolean): Reason => {
  const port = u16(view.bytes, at + UdpAt.DESTINATION)
  const kind = tunnels ? udpTunnelOf(view.ends, view, base, port) : Tunnel.None
  if (kind === Tunnel.None) return port === UdpPort.Geneve ? opaque(view, 0x3_0000 | UdpPort.Geneve) : Reason.Ok
  if (kind === Tunnel.Geneve) return parseGeneveTunnel(view, base, at + UDP_LENGTH, end, port)
  if (checkVxlan(view.bytes, at + UDP_LENGTH, end) === Reason.Ok) found(view, base, Tunnel.Vxlan, at + UDP_LENGTH)
  return Reason.Ok
}

/**
 * Geneve of another version is left opaque, since this is no end of the tunnel (RFC 8926 §3.4), and so are control packets,
 * whose payload only an end may interpret. With a critical option that is not known the frame inside must not be taken out, and
 * rules would be applied to something the sender did not mean: the whole frame is refused.
 */
const parseGeneveTunnel = (view: FrameView, base: number, at: number, end: number, port: number): Reason => {
  const bytes = view.bytes
  if (checkGeneve(bytes, at, end) !== Reason.Ok || (bytes[at + GeneveAt.FLAGS]! & GeneveFlag.Control) !== 0) {
    return opaque(view, 0x3_0000 | port)
  }
  const type = u16(bytes, at + GeneveAt.PROTOCOL_TYPE)
  if (type !== EtherType.TransparentBridging) return opaque(view, 0x4_0000 | type)
  found(view, base, Tunnel.Geneve, at)
  const reason = checkGeneveOptions(bytes, at, view.knownOptions)
  if (reason !== Reason.Ok) view.reasonAt = at
  return reason
}

/** Recognises what the GRE header at `at` encapsulates by its flags and protocol type. */
export const parseGreTunnel = (view: FrameView, base: number, at: number, end: number): Reason => {
  const { bytes, slots } = view
  if (checkGre(bytes, at, end) !== Reason.Ok) return opaque(view, 0x2_0000 | IpProtocol.Gre)
  if (greCarriesEthernet(bytes, at, 0)) {
    if (!isGreEnd(view.ends, view, base, Tunnel.Gre)) return opaque(view, 0x2_0000 | IpProtocol.Gre)
    found(view, base, Tunnel.Gre, at)
    slots[base + Slot.PAYLOAD] = at + GRE_LENGTH
  } else if (checkNvgre(bytes, at, end) === Reason.Ok) {
    if (!isGreEnd(view.ends, view, base, Tunnel.Nvgre)) return opaque(view, 0x2_0000 | IpProtocol.Gre)
    found(view, base, Tunnel.Nvgre, at)
    slots[base + Slot.PAYLOAD] = at + NVGRE_LENGTH
  } else {
    const type = u16(bytes, at + GreAt.PROTOCOL_TYPE)
    return opaque(view, type === EtherType.TransparentBridging ? 0x2_0000 | IpProtocol.Gre : 0x4_0000 | type)
  }
  return Reason.Ok
}

const found = (view: FrameView, base: number, kind: Tunnel, at: number): void => {
  view.slots[base + Slot.TUNNEL] = kind
  view.slots[base + Slot.TUNNEL_AT] = at
}

const opaque = (view: FrameView, what: number): Reason => {
  if (view.unsupported === 0) view.unsupported = what
  return Reason.Ok
}
