/** What stands in front of the IP header that is translated: the group's own Ethernet header and tags, and all groups around it. */
import { putU16 } from '../../wire/bytes.js'
import { EtherType } from '../../wire/ethernet.js'
import type { FrameView } from '../../wire/frame-view.js'

/** Moves everything between the start of the frame and `from` so that it ends at `to`, and the start of the frame with it. */
export const moveFront = (view: FrameView, from: number, to: number): void => {
  const { bytes, start } = view
  const moved = start + to - from
  bytes.copyWithin(moved, start, from)
  view.start = moved
}

/** Writes the EtherType of the version `to`, in front of the IP header at `ip`. */
export const writeEtherType = (bytes: Uint8Array, ip: number, to: 4 | 6): void =>
  putU16(bytes, ip - 2, to === 4 ? EtherType.Ipv4 : EtherType.Ipv6)
