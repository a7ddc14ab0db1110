/**
 * The checksums of a segment, from the inside out.
 *
 * A completed transport has a property that saves summing the payload once per tunnel: header, checksum and data add up to the
 * complement of the sum of the pseudo header. So a checksum around it, of UDP or GRE, needs only the headers between, and that complement.
 *
 * @see RFC 1071 §2 for the sum's freedom of order and of byte order
 */
import { wire } from '@vfp-ts/core'
import { LayerKind, type Layers } from './layers.js'

const { fold, sumWords } = wire.checksum
const { pseudoHeaderSum } = wire.pseudoHeader
const { putU16, u16 } = wire.bytes
const { UdpAt } = wire.udp

/** The unfolded sum of the pseudo header of the transport at `l4` in the IP packet at `ip`, for `length` bytes of header and data. */
export const pseudoSumAt = (bytes: Uint8Array, ip: number, l4: number, protocol: number, length: number): number =>
  pseudoHeaderSum(bytes, bytes[ip]! >>> 4 === 6, ip, l4, protocol, length)

/** Writes what a stack writes into the checksum field of an unfinished transport: the sum of the pseudo header, not complemented. */
export const writePartialSum = (bytes: Uint8Array, layers: Layers, delta: number, end: number): void => {
  const l4 = layers.transport + delta
  putU16(bytes, l4 + transportFieldAt(layers.udp), fold(pseudoSumAt(bytes, layers.ip + delta, l4, protocolOf(layers.udp), end - l4)))
}

/**
 * Writes the checksum of the transport and those of all UDP and GRE headers around it that have one, into a segment that ends at `end` and lies by
 * `delta` behind where `layers` found its headers. `payloadSum` is the sum of the bytes behind the transport header. All lengths and
 * the checksums of IPv4 headers are right by then.
 */
export const writeChecksums = (bytes: Uint8Array, layers: Layers, delta: number, end: number, payloadSum: number): void => {
  const { udp, count, kind, at, about } = layers
  const l4 = layers.transport + delta
  const field = l4 + transportFieldAt(udp)
  const pseudo = fold(pseudoSumAt(bytes, layers.ip + delta, l4, protocolOf(udp), end - l4))
  putU16(bytes, field, 0)
  const own = ~fold(sumWords(bytes, l4, layers.payload + delta, pseudo + payloadSum)) & 0xffff
  putU16(bytes, field, own === 0 && udp ? 0xffff : own)
  // of all from `from` to the end
  let sum = ~pseudo & 0xffff
  let from = l4
  for (let i = count - 1; i >= 0; i--) {
    const header = at[i]! + delta
    if (kind[i] === LayerKind.Udp && u16(bytes, header + UdpAt.CHECKSUM) !== 0) {
      const around = fold(pseudoSumAt(bytes, about[i]! + delta, header, UDP, end - header))
      putU16(bytes, header + UdpAt.CHECKSUM, 0)
      const computed = ~fold(sumBefore(bytes, header, from, sum) + around) & 0xffff
      putU16(bytes, header + UdpAt.CHECKSUM, computed === 0 ? 0xffff : computed)
      sum = ~around & 0xffff
      from = header
    } else if (kind[i] === LayerKind.Gre && (u16(bytes, header) & GRE_CHECKSUM) !== 0) {
      putU16(bytes, header + GRE_CHECKSUM_AT, 0)
      putU16(bytes, header + GRE_CHECKSUM_AT, ~sumBefore(bytes, header, from, sum) & 0xffff)
      sum = 0xffff
      from = header
    }
  }
}

/** The folded sum from `at` on, of the bytes before `from` and of what is behind them; that counts with its bytes exchanged behind an odd number. */
const sumBefore = (bytes: Uint8Array, at: number, from: number, behind: number): number =>
  fold(sumWords(bytes, at, from, ((from - at) & 1) === 0 ? behind : ((behind & 0xff) << 8) | (behind >>> 8)))

const UDP = 17
const TCP = 6
const GRE_CHECKSUM = 0x8000
const GRE_CHECKSUM_AT = 4

const protocolOf = (udp: boolean): number => (udp ? UDP : TCP)
const transportFieldAt = (udp: boolean): number => (udp ? UdpAt.CHECKSUM : wire.tcp.TcpAt.CHECKSUM)
