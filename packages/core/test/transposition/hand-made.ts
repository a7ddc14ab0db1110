/** Frames written by hand, byte by byte, and what a transposition makes of them. */
import { apply } from '../../src/transposition/apply.js'
import { applyCodeName } from '../../src/transposition/apply-code.js'
import type { PushSpec } from '../../src/transposition/construct.js'
import type { HeaderTransposition } from '../../src/transposition/header-transposition.js'
import { compile } from '../../src/transposition/program.js'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { putU16 } from '../../src/wire/bytes.js'
import { checksum, pseudoSum4, pseudoSum6 } from '../../src/wire/checksum.js'
import { type Frame, inBuffer, view } from './frames.js'

/** Hexadecimal digits of bytes. */
export const hex = (bytes: Uint8Array): string => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('')

/** Bytes of hexadecimal digits. */
export const bytesOf = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (h) => Number.parseInt(h, 16))

/** A VXLAN tunnel over IPv4. */
export const spec: PushSpec = {
  dstMac: 0x00155d000002, srcMac: 0x00155d000001, srcIp: ipv4(0xc0000201), dstIp: ipv4(0xc0000202), srcPort: 49152, vni: 5001,
}
/** The same over IPv6. */
export const spec6: PushSpec = { ...spec, srcIp: ipv6(0x20010db8, 0, 0, 1), dstIp: ipv6(0x20010db8, 0, 0, 2) }

/** An IPv4 packet from 10.0.0.1 to 10.0.0.2 around a transport header, whose checksum (at `field`) is filled in if asked for. */
export const packet4 = (protocol: number, transport: string, field?: number): Uint8Array => {
  const l4 = bytesOf(transport)
  const bytes = new Uint8Array(20 + l4.length)
  bytes.set(bytesOf('4500000000004000' + '40'))
  putU16(bytes, 2, bytes.length)
  bytes[9] = protocol
  bytes.set(bytesOf('0a0000010a000002'), 12)
  putU16(bytes, 10, checksum(bytes, 0, 20))
  bytes.set(l4, 20)
  if (field !== undefined) putU16(bytes, 20 + field, checksum(bytes, 20, bytes.length, protocol === 1 ? 0 : pseudoSum4(bytes, 0, protocol, l4.length)))
  return bytes
}

/** An IPv6 packet from 2001:db8::1 to 2001:db8::2, likewise. */
export const packet6 = (protocol: number, transport: string, field?: number): Uint8Array => {
  const l4 = bytesOf(transport)
  const bytes = new Uint8Array(40 + l4.length)
  bytes.set([0x60, 0, 0, 0, 0, 0, protocol, 64])
  putU16(bytes, 4, l4.length)
  bytes.set(bytesOf('20010db8000000000000000000000001' + '20010db8000000000000000000000002'), 8)
  bytes.set(l4, 40)
  if (field !== undefined) putU16(bytes, 40 + field, checksum(bytes, 40, bytes.length, pseudoSum6(bytes, 0, protocol, l4.length)))
  return bytes
}

/** A frame around a packet, with these tags between the addresses and the EtherType. */
export const ethernet = (packet: Uint8Array, tags = ''): Frame =>
  inBuffer(bytesOf('000000000002000000000001' + tags + ((packet[0] ?? 0) >>> 4 === 4 ? '0800' : '86dd') + hex(packet)))

/** {@link packet4} in a frame. */
export const frame4 = (protocol: number, transport: string, field?: number): Frame => ethernet(packet4(protocol, transport, field))

/** UDP over IPv4, with two bytes of payload. */
export const udp = (): Frame => frame4(17, '04d20035000a0000abcd', 6)
/** An ICMP echo request. */
export const echo = (): Frame => frame4(1, '080000000007000161', 2)

/** The name of the answer, the frame that came out, and its bytes. */
export const run = (t: HeaderTransposition, f: Frame, floor = 0): { readonly name: string; readonly bytes: Uint8Array; readonly frame: Frame } => {
  const v = view(f)!
  const code = apply(compile(t), v, floor)
  return { name: applyCodeName(code), bytes: f.bytes.subarray(v.start, v.end), frame: { bytes: f.bytes, start: v.start, end: v.end } }
}
