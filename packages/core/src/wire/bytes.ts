/**
 * Big-endian numbers and addresses in byte arrays.
 *
 * Plain functions over `Uint8Array`, because a JIT inlines them to single loads; a `DataView` would be one more
 * object a buffer. **None of them checks bounds**: the caller has compared the header's length with the end of its
 * data once, and every load behind that comparison is safe. Reading past the array returns a wrong number, writing
 * past it does nothing; neither throws.
 */
import { ipv4, ipv6, type IpAddress, type Mac } from './address.js'

/** Returns the 16-bit number at `at`, 0–65535. */
export const u16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!

/** Returns the 24-bit number at `at`, 0–16777215. */
export const u24 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!

/** Returns the 32-bit number at `at`, unsigned, 0–4294967295. */
export const u32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0

/** Writes the low 16 bits of `value` at `at`. */
export const putU16 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

/** Writes the low 24 bits of `value` at `at`. */
export const putU24 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 16
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value
}

/** Writes the low 32 bits of `value` at `at`. */
export const putU32 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/** Returns the six bytes at `at` as a {@link Mac}. */
export const readMac = (bytes: Uint8Array, at: number): Mac => u16(bytes, at) * 0x1_0000_0000 + u32(bytes, at + 2)

/** Writes a {@link Mac} into the six bytes at `at`. */
export const writeMac = (bytes: Uint8Array, at: number, mac: Mac): void => {
  putU16(bytes, at, Math.floor(mac / 0x1_0000_0000))
  putU32(bytes, at + 2, mac)
}

/** Returns the four bytes at `at` as an IPv4 address. */
export const readIpv4 = (bytes: Uint8Array, at: number): IpAddress => ipv4(u32(bytes, at))

/** Returns the sixteen bytes at `at` as an IPv6 address. */
export const readIpv6 = (bytes: Uint8Array, at: number): IpAddress =>
  ipv6(u32(bytes, at), u32(bytes, at + 4), u32(bytes, at + 8), u32(bytes, at + 12))

/** Writes an address at `at`: four bytes for IPv4, sixteen for IPv6. */
export const writeIp = (bytes: Uint8Array, at: number, ip: IpAddress): void => {
  if (ip.version === 4) {
    putU32(bytes, at, ip.words[3])
    return
  }
  for (let i = 0; i < 4; i++) putU32(bytes, at + 4 * i, ip.words[i]!)
}
