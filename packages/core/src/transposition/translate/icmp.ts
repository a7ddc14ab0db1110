/**
 * What becomes of an ICMP message in the other version: its type and code, the pointer of a parameter problem, the MTU of a
 * packet too big. Numbers in, numbers out; −1 is a message that has no equivalent and is dropped.
 *
 * Both tables are such that there, back and there again is the same as there, so that a chain of translations depends on its
 * ends alone.
 *
 * @see RFC 7915 §4.2, §5.2
 */

/** Least MTU of an IPv6 link, in bytes. @see RFC 8200 §5 */
export const IPV6_MINIMUM_MTU = 1280

/** By how much the IPv6 header is longer than the IPv4 header, in bytes. */
const HEADER_DIFFERENCE = 20

/**
 * The type and code, `type << 8 | code`, that a message of `typeCode` has after translation from version `from` to the other;
 * −1 where it is not translated. Echo messages keep their code.
 *
 * A parameter problem may still be refused for its pointer, which is not in these numbers; see {@link translatedPointer}.
 */
export const translatedIcmp = (from: 4 | 6, typeCode: number): number =>
  from === 4 ? toIcmpv6(typeCode >>> 8, typeCode & 0xff) : toIcmp(typeCode >>> 8, typeCode & 0xff)

/** Whether a message of `typeCode` is an echo request or reply, the only ones that are translated and are no errors. */
export const isEcho = (version: 4 | 6, typeCode: number): boolean => {
  const type = typeCode >>> 8
  return version === 4 ? type === 8 || type === 0 : type === 128 || type === 129
}

/**
 * The pointer that a parameter problem has after translation from version `from`, −1 where what it points at has no
 * equivalent.
 *
 * @see RFC 7915 §4.2, figure 3; §5.2
 */
export const translatedPointer = (from: 4 | 6, pointer: number): number => {
  const table = from === 4 ? POINTERS_4 : POINTERS_6
  return pointer < table.length ? table[pointer]! : -1
}

/**
 * The MTU of the Packet Too Big that an IPv4 router's Fragmentation Needed becomes: `mtu` and the difference of the headers, but
 * never below what every IPv6 link has. A router that is older than RFC 1191 says 0; then it is the greatest plateau
 * below `totalLength`, the length of the packet that was too big. The MTUs of the next hops, which the RFC also takes into account,
 * are not known here.
 */
export const mtu6 = (mtu: number, totalLength: number): number =>
  Math.max(IPV6_MINIMUM_MTU, (mtu === 0 ? plateauBelow(totalLength) : mtu) + HEADER_DIFFERENCE)

/**
 * The MTU of the Fragmentation Needed that a Packet Too Big becomes. No IPv6 link has less than 1280 bytes, and a message that
 * says so is not to be believed (RFC 8201 §4): it is taken for 1280. The field of ICMP ends at 65535.
 */
export const mtu4 = (mtu: number): number => Math.min(0xffff, Math.max(IPV6_MINIMUM_MTU, mtu) - HEADER_DIFFERENCE)

const toIcmpv6 = (type: number, code: number): number => {
  switch (type) {
    case 0: return 0x8100 | code
    case 8: return 0x8000 | code
    case 3: return code < UNREACHABLE_4.length ? UNREACHABLE_4[code]! : -1
    case 11: return 0x0300 | code
    // Code 1 is a missing option, and options are not translated.
    case 12: return code === 0 || code === 2 ? 0x0400 : -1
    default: return -1
  }
}

const toIcmp = (type: number, code: number): number => {
  switch (type) {
    case 128: return 0x0800 | code
    case 129: return code
    case 1: return code < UNREACHABLE_6.length ? UNREACHABLE_6[code]! : -1
    case 2: return 0x0304
    case 3: return 0x0b00 | code
    // An unrecognized next header is a protocol that cannot be reached; code 2 is an option, which IPv4 does not see.
    case 4: return code === 0 ? 0x0c00 : code === 1 ? 0x0302 : -1
    default: return -1
  }
}

/** By the code of a destination unreachable of ICMP: no route, prohibited, port, too big, or next header. */
const UNREACHABLE_4 = Int16Array.of(
  0x0100, 0x0100, 0x0401, 0x0104, 0x0200, 0x0100, 0x0100, 0x0100, 0x0100, 0x0101, 0x0101, 0x0100, 0x0100, 0x0101, -1, 0x0101,
)

/** By the code of a destination unreachable of ICMPv6: host, host prohibited, or port. */
const UNREACHABLE_6 = Int16Array.of(0x0301, 0x030a, 0x0301, 0x0301, 0x0303)

const POINTERS_4 = Int8Array.of(0, 1, 4, 4, -1, -1, -1, -1, 7, 6, -1, -1, 8, 8, 8, 8, 24, 24, 24, 24)

const POINTERS_6 = Int8Array.of(
  0, 1, -1, -1, 2, 2, 9, 8,
  12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
  16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
)

/** Likely MTUs that are of use to IPv6, greatest first. @see RFC 1191 §7, table 7-1 */
const PLATEAUS = Int32Array.of(65535, 32000, 17914, 8166, 4352, 2002, 1492)

const plateauBelow = (totalLength: number): number => {
  for (let i = 0; i < PLATEAUS.length; i++) if (PLATEAUS[i]! < totalLength) return PLATEAUS[i]!
  return 0
}
