/**
 * Outer headers: read off what is to be sent, made up around what came.
 *
 * A socket takes and gives payloads of datagrams. The engine takes and gives whole frames. Between the two the addresses and ports are
 * carried over; the rest of the headers stays behind, or is what a sender commonly writes there.
 */
import { type IpAddress, parseMac, wire } from '@vfp-ts/core'
import { isLeft } from 'fp-ts/lib/Either.js'
import { OVERLAY_MAC, OVERLAY_PEER_MAC } from './udp-overlay-options.js'

/** Bytes of the outer headers by IP version: Ethernet, IP, UDP. */
export const outerBytes = (version: 4 | 6): number => (version === 4 ? 42 : 62)

const IP_AT = 14

/** What {@link OuterReader} finds wrong. */
export type OuterFault = 'NotIp' | 'OtherFamily' | 'Malformed' | 'Fragment' | 'NotTunnel' | 'OtherSource'

/** Reads frames to be sent; its fields are those of the last one. */
export class OuterReader {
  /** Where the UDP payload starts. */
  payload = 0
  /** Where it ends. */
  payloadEnd = 0
  /** Where the destination's address starts: four bytes, or sixteen. */
  destination = 0
  /** The engine's choice, from a hash of the flow inside. */
  sourcePort = 0
  destinationPort = 0
  readonly #version: 4 | 6
  readonly #local: Uint8Array

  constructor(local: IpAddress) {
    this.#version = local.version
    this.#local = addressBytes(local)
  }

  /** `undefined` where it is a whole UDP datagram from the local address; the port is for the caller to judge. */
  read(bytes: Uint8Array, start: number, end: number): OuterFault | undefined {
    const type = u16(bytes, start + 12)
    if (type !== 0x0800 && type !== 0x86dd) return 'NotIp'
    if ((type === 0x0800 ? 4 : 6) !== this.#version) return 'OtherFamily'
    return this.#version === 4 ? this.#read4(bytes, start + IP_AT, end) : this.#read6(bytes, start + IP_AT, end)
  }

  #read4(bytes: Uint8Array, ip: number, end: number): OuterFault | undefined {
    if (end - ip < 28) return 'Malformed'
    // Options would be lost on the way, and nobody who encapsulates writes any.
    if (bytes[ip] !== 0x45) return 'Malformed'
    if (bytes[ip + 9] !== 17) return 'NotTunnel'
    if ((u16(bytes, ip + 6) & 0x3fff) !== 0) return 'Fragment'
    const length = u16(bytes, ip + 2)
    if (ip + length > end) return 'Malformed'
    for (let i = 0; i < 4; i++) if (bytes[ip + 12 + i] !== this.#local[i]) return 'OtherSource'
    this.destination = ip + 16
    return this.#readUdp(bytes, ip + 20, ip + length)
  }

  #read6(bytes: Uint8Array, ip: number, end: number): OuterFault | undefined {
    if (end - ip < 48) return 'Malformed'
    const next = bytes[ip + 6]
    if (next !== 17) return next === 44 ? 'Fragment' : 'NotTunnel'
    const length = u16(bytes, ip + 4)
    if (ip + 40 + length > end) return 'Malformed'
    for (let i = 0; i < 16; i++) if (bytes[ip + 8 + i] !== this.#local[i]) return 'OtherSource'
    this.destination = ip + 24
    return this.#readUdp(bytes, ip + 40, ip + 40 + length)
  }

  #readUdp(bytes: Uint8Array, udp: number, end: number): OuterFault | undefined {
    if (end - udp < 8 || u16(bytes, udp + 4) !== end - udp) return 'Malformed'
    this.sourcePort = u16(bytes, udp)
    this.destinationPort = u16(bytes, udp + 2)
    this.payload = udp + 8
    this.payloadEnd = end
    return undefined
  }
}

/**
 * Makes up headers in front of payloads that came. As the engine would make them: hop limit 64, "don't fragment", no UDP
 * checksum, which the system has verified and a tunnel may leave out over IPv6 too.
 *
 * @see RFC 6935 §5
 */
export class OuterWriter {
  readonly #template: Uint8Array
  readonly #version: 4 | 6

  constructor(local: IpAddress) {
    const version = local.version
    const template = new Uint8Array(outerBytes(version))
    template.set(macBytes(OVERLAY_MAC), 0)
    template.set(macBytes(OVERLAY_PEER_MAC), 6)
    if (version === 4) {
      template.set([0x08, 0x00, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17], 12)
      template.set(addressBytes(local), IP_AT + 16)
    } else {
      template.set([0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 17, 64], 12)
      template.set(addressBytes(local), IP_AT + 24)
    }
    this.#version = version
    this.#template = template
  }

  /** Writes the headers of a datagram whose payload of `length` bytes follows them; `source` is an address of the same version. */
  write(bytes: Uint8Array, start: number, source: Uint8Array, sourcePort: number, destinationPort: number, length: number): void {
    bytes.set(this.#template, start)
    const ip = start + IP_AT
    const udp = start + this.#template.length - 8
    if (this.#version === 4) {
      putU16(bytes, ip + 2, 28 + length)
      bytes.set(source, ip + 12)
      putU16(bytes, ip + 10, wire.checksum.checksum(bytes, ip, udp))
    } else {
      putU16(bytes, ip + 4, 8 + length)
      bytes.set(source, ip + 8)
    }
    putU16(bytes, udp, sourcePort)
    putU16(bytes, udp + 2, destinationPort)
    putU16(bytes, udp + 4, 8 + length)
  }
}

/** An address as the wire bears it. */
export const addressBytes = ({ version, words }: IpAddress): Uint8Array => {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  words.forEach((word, i) => view.setUint32(4 * i, word))
  return version === 4 ? bytes.slice(12) : bytes
}

const macBytes = (text: string): Uint8Array => {
  const mac = parseMac(text)
  const bytes = new Uint8Array(8)
  if (!isLeft(mac)) new DataView(bytes.buffer).setBigUint64(0, BigInt(mac.right))
  return bytes.subarray(2)
}

const u16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)

const putU16 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 8
  bytes[at + 1] = value & 0xff
}
