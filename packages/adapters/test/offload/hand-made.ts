/**
 * Packets put together by hand, from the inside out: an oracle that shares nothing with what is tested but the order of bytes.
 *
 * A {@link Wrap} puts one header around what is inside. `i` is the number of the packet: what counts packets counts from it.
 */
export type Wrap = (inside: readonly number[], i: number) => readonly number[]

export const be16 = (value: number): readonly number[] => [(value >>> 8) & 0xff, value & 0xff]
const be32 = (value: number): readonly number[] => [...be16(value >>> 16), ...be16(value & 0xffff)]

/** The Internet checksum, the slow way. */
export const inet = (bytes: readonly number[]): number => {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum % 0x1_0000) + Math.floor(sum / 0x1_0000)
  return 0xffff - sum
}

const put16 = (bytes: readonly number[], at: number, value: number): readonly number[] => [...bytes.slice(0, at), ...be16(value), ...bytes.slice(at + 2)]

/** What a transport adds to its packet's checksum: addresses, protocol, length. */
type Pseudo = (protocol: number, length: number) => readonly number[]
const V4 = [192, 0, 2, 1, 192, 0, 2, 2]
const V6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]
export const pseudo4: Pseudo = (protocol, length) => [...V4, 0, protocol, ...be16(length)]
export const pseudo6: Pseudo = (protocol, length) => [...V6, ...be32(length), 0, 0, 0, protocol]

export const ethernet = (type: number, ...tags: readonly number[]): Wrap => (inside) =>
  [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...tags.flatMap((tpid) => [...be16(tpid), 0, 7]), ...be16(type), ...inside]

export const ip4 = (protocol: number, identification: number, options = 0): Wrap => (inside, i) => {
  const size = 20 + options
  const header = [0x40 | (size / 4), 0, ...be16(size + inside.length), ...be16(identification + i), 0, 0, 64, protocol, 0, 0, ...V4, ...new Array<number>(options).fill(1)]
  return [...put16(header, 10, inet(header)), ...inside]
}

/** `extension` is a destination options header. */
export const ip6 = (next: number, extension = false): Wrap => (inside) => {
  const behind = extension ? [next, 0, 1, 4, 0, 0, 0, 0, ...inside] : inside
  return [0x60, 0, 0, 0, ...be16(behind.length), extension ? 60 : next, 64, ...V6, ...behind]
}

/** Without `pseudo` the checksum is 0, none. */
export const udp = (port: number, pseudo?: Pseudo): Wrap => (inside) => {
  const datagram = [...be16(50_000), ...be16(port), ...be16(8 + inside.length), 0, 0, ...inside]
  return pseudo === undefined ? datagram : put16(datagram, 6, inet([...pseudo(17, datagram.length), ...datagram]) || 0xffff)
}

export const gre = (type: number, { checksum = false, key = false, sequence }: { checksum?: boolean; key?: boolean; sequence?: number } = {}): Wrap => (inside, i) => {
  const flags = (checksum ? 0x8000 : 0) | (key ? 0x2000 : 0) | (sequence === undefined ? 0 : 0x1000)
  const packet = [
    ...be16(flags), ...be16(type), ...(checksum ? [0, 0, 0, 0] : []), ...(key ? [1, 2, 3, 4] : []), ...(sequence === undefined ? [] : be32((sequence + i) >>> 0)), ...inside,
  ]
  return checksum ? put16(packet, 4, inet(packet)) : packet
}

/** Any bytes in front. */
export const bytes = (...header: readonly number[]): Wrap => (inside) => [...header, ...inside]
export const vxlan = bytes(8, 0, 0, 0, 0, 0, 42, 0)
/** With options that no reader here knows, one of them critical. */
export const geneve = (type: number): Wrap => bytes(3, 0x40, ...be16(type), 0, 0, 9, 0, 0x12, 0x34, 0x81, 2, 1, 2, 3, 4, 5, 6, 7, 8)
export const mpls = bytes(0, 1, 0x40, 64, 0, 2, 0x41, 64)
export const etherIp = bytes(0x30, 0)
/** A length in front of what it counts. */
export const pppoe = (protocol: number): Wrap => (inside) => [0x11, 0, 0, 9, ...be16(2 + inside.length), ...be16(protocol), ...inside]
export const gtpU: Wrap = (inside) => [0x30, 0xff, ...be16(inside.length), 0, 0, 0, 5, ...inside]
export const l2tp = (protocol: number): Wrap => (inside) => [0x40, 2, ...be16(12 + inside.length), 0, 1, 0, 2, 0xff, 3, ...be16(protocol), ...inside]

/** A TCP segment that starts `skipped` bytes behind the first. */
export const tcp = (flags: number, pseudo: Pseudo, skipped: number): Wrap => (payload) => {
  const segment = [...be16(40_000), ...be16(443), ...be32((0xffff_fff0 + skipped) >>> 0), 0, 0, 0, 7, 0x61, flags, 4, 0, 0, 0, 0, 0, 1, 1, 1, 0, ...payload]
  return put16(segment, 16, inet([...pseudo(6, segment.length), ...segment]))
}

/** Around `inside`, outermost first. */
export const wrapped = (wraps: readonly Wrap[], inside: readonly number[], i: number): readonly number[] => wraps.reduceRight((packet, wrap) => wrap(packet, i), inside)
