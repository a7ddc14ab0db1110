/** Frames of the VMs of a test, and what they are when they come. */
import { buildFrame, dissect, type FrameSpec, formatFrame, makeFrameView, orThrow, parseFrame, Reason, Verify } from '@vfp-ts/core'
import { macOf } from './rig.js'

/** A datagram between two VMs, by number. */
export const frame = (from: number, to: number, spec: Partial<FrameSpec> = {}): Uint8Array =>
  orThrow(buildFrame({ proto: 'udp', srcIp: `10.0.1.${from}`, dstIp: `10.0.1.${to}`, srcMac: macOf(from), dstMac: macOf(to), ...spec }))

/** A TCP segment of a stack that leaves checksum and segmentation to its NIC. */
export const long = (from: number, to: number, bytes: number): Uint8Array =>
  frame(from, to, { proto: 'tcp', flags: ['Ack'], payload: Uint8Array.from({ length: bytes }, (_, i) => (i * 31) >>> 3) })

/** Addresses and network identifiers of a frame, outermost first. */
export const headings = (bytes: Uint8Array): string =>
  formatFrame(orThrow(dissect(bytes))).split('\n').filter((line) => /IPv4|VXLAN/.test(line)).map((line) => line.trim().split(',')[0]).join(' | ')

/** Whether a frame and its checksums are right. */
export const intact = (bytes: Uint8Array): boolean => parseFrame(makeFrameView(), bytes, 0, bytes.length, 3, Verify.All) === Reason.Ok

/** What the innermost headers carry. */
export const payloadOf = (bytes: Uint8Array): Uint8Array => orThrow(dissect(bytes)).payload
