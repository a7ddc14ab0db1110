/**
 * Pushed headers on the bytes of a frame: the template is copied, then lengths, traffic classes and checksums filled in.
 *
 * Over IPv4 the UDP checksum is 0, none, as RFC 7348 §5 asks for; the frame inside has its own. Over IPv6 it is computed in
 * full: RFC 6935 lets tunnels omit it, but under conditions on both ends (RFC 6936) that are not ours to promise.
 */
import { fold, sumWords } from '../wire/checksum.js'
import { putU16, u16 } from '../wire/bytes.js'
import { ETHERNET_LENGTH } from '../wire/ethernet.js'
import { type FrameView, L3, MAX_GROUPS, Slot, SLOTS } from '../wire/frame-view.js'
import { IPV4_LENGTH } from '../wire/ipv4.js'
import { IPV6_LENGTH } from '../wire/ipv6.js'
import { UDP_LENGTH, UdpAt } from '../wire/udp.js'
import { VXLAN_LENGTH } from '../wire/vxlan.js'
import type { Program } from './program.js'

/** Reads the traffic classes of the pushed groups, copied parts from the frame as it still is. */
export const readClasses = (program: Program, view: FrameView): void => {
  const { pushes, dscpFrom, ecnFrom } = program
  for (let i = 0; i < pushes; i++) {
    let value = program.pushClass[i]!
    const dscp = dscpFrom[i]!
    const ecn = ecnFrom[i]!
    if (dscp >= 0) value |= trafficClass(view, dscp) & 0xfc
    if (ecn >= 0) value |= trafficClass(view, ecn) & 0x03
    classes[i] = value
  }
}

/** Writes the pushed headers in front of the frame at `inside .. end`; the room was checked. */
export const applyPushes = (program: Program, bytes: Uint8Array, inside: number, end: number): void => {
  const { template, pushes, pushAt, pushIs6 } = program
  const length = template.length
  const start = inside - length
  bytes.set(template, start)
  for (let i = pushes - 1; i >= 0; i--) {
    const at = start + pushAt[i]!
    if (pushIs6[i] === 0) finish4(bytes, at, end, classes[i]!, program.pushSum[i]!)
    else finish6(bytes, at, end, classes[i]!, program.pushSum[i]!)
  }
}

/** Of the frame in hand: written and read within one `apply`, which has checked that there are no more groups. */
const classes = new Uint8Array(MAX_GROUPS)

/** DSCP and ECN of a group of the frame, as one byte; 0 where it is not there or has no IP header. */
const trafficClass = (view: FrameView, g: number): number => {
  if (g >= view.depth) return 0
  const { bytes, slots } = view
  const kind = slots[g * SLOTS + Slot.L3_KIND]!
  const ip = slots[g * SLOTS + Slot.L3]!
  return kind === L3.Ipv4 ? bytes[ip + 1]! : kind === L3.Ipv6 ? (u16(bytes, ip) >>> 4) & 0xff : 0
}

const finish4 = (bytes: Uint8Array, at: number, end: number, traffic: number, constants: number): void => {
  const ip = at + ETHERNET_LENGTH
  const total = end - ip
  bytes[ip + 1] = traffic
  putU16(bytes, ip + 2, total)
  putU16(bytes, ip + 10, ~fold(constants + traffic + total) & 0xffff)
  putU16(bytes, ip + IPV4_LENGTH + UdpAt.LENGTH, total - IPV4_LENGTH)
}

const finish6 = (bytes: Uint8Array, at: number, end: number, traffic: number, constants: number): void => {
  const ip = at + ETHERNET_LENGTH
  const udp = ip + IPV6_LENGTH
  const length = end - udp
  putU16(bytes, ip, 0x6000 | (traffic << 4))
  putU16(bytes, ip + 4, length)
  putU16(bytes, udp + UdpAt.LENGTH, length)
  // The length counts twice: in the header and in the pseudo header.
  const checksum = ~fold(sumWords(bytes, udp + UDP_LENGTH + VXLAN_LENGTH, end, constants + 2 * length)) & 0xffff
  putU16(bytes, udp + UdpAt.CHECKSUM, checksum === 0 ? 0xffff : checksum)
}
