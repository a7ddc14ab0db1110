/**
 * The fields of an edit, compiled: a mask of those that are written, and their values as 16-bit words, which is the unit of
 * checksums. A value that is a function of the original frame is a reference to where it was read to (`originals.ts`).
 */
import type { IpAddress, Mac } from '../wire/address.js'
import type { Changes } from './header-transposition.js'
import type { ReadList } from './originals.js'

/** Bits of {@link fieldsOf}: which fields an edit writes. */
export const FieldBit = {
  DstMac: 1 << 0, SrcMac: 1 << 1, SrcIp: 1 << 2, DstIp: 1 << 3, Dscp: 1 << 4, Ecn: 1 << 5, Ttl: 1 << 6, SrcPort: 1 << 7, DstPort: 1 << 8,
  IcmpId: 1 << 9, Vni: 1 << 10, TcpFlags: 1 << 11, Echo: 1 << 12, ArpOperation: 1 << 13, ArpSenderMac: 1 << 14, ArpSender: 1 << 15,
  ArpTargetMac: 1 << 16, ArpTarget: 1 << 17,
} as const

/** The fields of ARP, as bits of the mask. */
export const ARP_FIELDS = FieldBit.ArpOperation | FieldBit.ArpSenderMac | FieldBit.ArpSender | FieldBit.ArpTargetMac | FieldBit.ArpTarget

/**
 * Index of each field's first 16-bit word inside an edit's stretch of values. Those of ARP lie where others have addresses: no
 * group is both.
 */
export const ValueAt = {
  DST_MAC: 0, SRC_MAC: 3, SRC_IP: 6, DST_IP: 14, DSCP: 22, ECN: 23, TTL: 24, SRC_PORT: 25, DST_PORT: 26, ICMP_ID: 27, VNI: 28, TCP_FLAGS: 30,
  /** 1 for a request, 0 for a reply. */
  ECHO: 31,
  ARP_OPERATION: 6, ARP_SENDER_MAC: 7, ARP_SENDER: 10, ARP_TARGET_MAC: 12, ARP_TARGET: 15,
} as const

/** 16-bit words an edit: a power of two, so that an edit's base is a shift. */
export const VALUES = 32

/** The {@link FieldBit}s of the fields that are set. */
export const fieldsOf = (set: Changes): number => {
  let fields = 0
  for (const [name, bit] of BITS) if (set[name] !== undefined) fields |= bit
  return fields
}

const BITS: readonly (readonly [keyof Changes, number])[] = [
  ['dstMac', FieldBit.DstMac], ['srcMac', FieldBit.SrcMac], ['srcIp', FieldBit.SrcIp], ['dstIp', FieldBit.DstIp], ['dscp', FieldBit.Dscp],
  ['ecn', FieldBit.Ecn], ['ttl', FieldBit.Ttl], ['srcPort', FieldBit.SrcPort], ['dstPort', FieldBit.DstPort], ['icmpId', FieldBit.IcmpId],
  ['vni', FieldBit.Vni], ['tcpFlags', FieldBit.TcpFlags], ['echo', FieldBit.Echo], ['arpOperation', FieldBit.ArpOperation],
  ['arpSenderMac', FieldBit.ArpSenderMac], ['arpSender', FieldBit.ArpSender], ['arpTargetMac', FieldBit.ArpTargetMac],
  ['arpTarget', FieldBit.ArpTarget],
]

/** Writes the values of the fields that are set into the stretch at `at`; IPv4 addresses take the first two words of theirs. */
export const writeValues = (set: Changes, reads: ReadList, values: Uint16Array, at: number): void => {
  writeMacWords(set.dstMac, values, at + ValueAt.DST_MAC)
  writeMacWords(set.srcMac, values, at + ValueAt.SRC_MAC)
  writeIpWords(set.srcIp, values, at + ValueAt.SRC_IP)
  writeIpWords(set.dstIp, values, at + ValueAt.DST_IP)
  if (set.dscp !== undefined) values[at + ValueAt.DSCP] = reads.dscp(set.dscp)
  if (set.ecn !== undefined) values[at + ValueAt.ECN] = reads.ecn(set.ecn)
  if (set.ttl !== undefined) values[at + ValueAt.TTL] = reads.ttl(set.ttl)
  values[at + ValueAt.SRC_PORT] = set.srcPort ?? 0
  values[at + ValueAt.DST_PORT] = set.dstPort ?? 0
  values[at + ValueAt.ICMP_ID] = set.icmpId ?? 0
  // As the header has it: 24 bits, then a byte that is not the identifier's, which is kept.
  values[at + ValueAt.VNI] = (set.vni ?? 0) >>> 8
  values[at + ValueAt.VNI + 1] = ((set.vni ?? 0) & 0xff) << 8
  values[at + ValueAt.TCP_FLAGS] = set.tcpFlags ?? 0
  values[at + ValueAt.ECHO] = set.echo === 'request' ? 1 : 0
  if (set.arpOperation !== undefined) values[at + ValueAt.ARP_OPERATION] = set.arpOperation
  writeMacWords(set.arpSenderMac, values, at + ValueAt.ARP_SENDER_MAC)
  writeIpWords(set.arpSender, values, at + ValueAt.ARP_SENDER)
  writeMacWords(set.arpTargetMac, values, at + ValueAt.ARP_TARGET_MAC)
  writeIpWords(set.arpTarget, values, at + ValueAt.ARP_TARGET)
}

const writeMacWords = (mac: Mac | undefined, values: Uint16Array, at: number): void => {
  if (mac === undefined) return
  values[at] = Math.floor(mac / 0x1_0000_0000)
  values[at + 1] = Math.floor(mac / 0x1_0000)
  values[at + 2] = mac
}

const writeIpWords = (ip: IpAddress | undefined, values: Uint16Array, at: number): void => {
  if (ip === undefined) return
  const words = ip.version === 4 ? ip.words.slice(3) : ip.words
  words.forEach((w, i) => {
    values[at + 2 * i] = w >>> 16
    values[at + 2 * i + 1] = w
  })
}
