/**
 * Link types whose headers have fields in the byte order of the machine that captured.
 *
 * A capture does not say that order but by its own: whoever captured wrote the file in it. So a packet of such a link type must be
 * written in the byte order it was read in, or its headers are misread.
 *
 * @see https://www.tcpdump.org/linktypes.html
 */
import { LinkType } from './packet.js'

/** Whether the packet has a header in the byte order of the machine that captured it. */
export const hasHostOrder = (linkType: number, data: Uint8Array): boolean => {
  if (linkType === LinkType.LinuxSll) return isHostOrderCooked(data, 2, 14)
  if (linkType === LINUX_SLL2) return isHostOrderCooked(data, 8, 0)
  return HOST_ORDER.has(linkType)
}

/** Linux "cooked" captures hold CAN frames and netlink messages as the machine had them; their own header is in network order. */
const isHostOrderCooked = (data: Uint8Array, hardwareAt: number, protocolAt: number): boolean => {
  const protocol = u16(data, protocolAt)
  return (protocol >= CAN && protocol <= CAN_XL) || u16(data, hardwareAt) === ARPHRD_NETLINK
}

const u16 = (data: Uint8Array, at: number): number => ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0)

const LINUX_SLL2 = 276
const CAN = 0x000c
const CAN_XL = 0x000e
const ARPHRD_NETLINK = 824

const HOST_ORDER: ReadonlySet<number> = new Set([
  LinkType.Null,
  109, // ENC, of IPsec interfaces
  117, // PFLOG
  119, // Prism header of IEEE 802.11
  189, // USB of Linux
  220, // USB of Linux, with a longer header
  227, // SocketCAN: in network order by its definition, but there are recorders that keep the machine's
  239, // NFLOG
  253, // netlink
  258, // PKTAP
])
