/**
 * Transpositions compiled for the per-packet path: flat typed arrays and ready-made header bytes.
 *
 * Edits become, for each staying group, the atoms it needs (`need.ts`), a mask of the fields to write and their values
 * as 16-bit words, which is the unit of checksums. Pushes become one **template**: the bytes of all pushed headers in
 * frame order, with every constant filled in, and per pushed group the checksum sum of those constants, so that
 * at run time only length, copied DSCP and ECN, and the final fold remain.
 *
 * A program is immutable, and may be shared by flows.
 */
import { EtherType, ETHERNET_LENGTH } from '../wire/ethernet.js'
import { IPV4_LENGTH } from '../wire/ipv4.js'
import { IPV6_LENGTH } from '../wire/ipv6.js'
import { IpProtocol } from '../wire/ip-protocol.js'
import { UDP_LENGTH, UdpPort } from '../wire/udp.js'
import { VXLAN_I_FLAG, VXLAN_LENGTH } from '../wire/vxlan.js'
import { putU16, putU24, writeIp, writeMac } from '../wire/bytes.js'
import { sumWords } from '../wire/checksum.js'
import type { IpAddress } from '../wire/address.js'
import type { Changes, HeaderTransposition, Push, Value } from './header-transposition.js'
import { needBits, NeedBit } from './need.js'
import { editBits } from './normal-form.js'

/** Bits of {@link Program.fields}: which fields an edit writes. */
export const FieldBit = {
  DstMac: 1, SrcMac: 2, SrcIp: 4, DstIp: 8, Dscp: 16, Ecn: 32, Ttl: 64, SrcPort: 128, DstPort: 256, IcmpId: 512, Vni: 1024,
} as const

/** Index of each field's first 16-bit word inside an edit's stretch of {@link Program.values}. */
export const ValueAt = {
  DST_MAC: 0, SRC_MAC: 3, SRC_IP: 6, DST_IP: 14, DSCP: 22, ECN: 23, TTL: 24, SRC_PORT: 25, DST_PORT: 26, ICMP_ID: 27, VNI: 28,
} as const

/** 16-bit words an edit: a power of two, so that an edit's base is a shift. */
export const VALUES = 32

/** Bytes of a pushed group over IPv4. */
export const PUSH4_LENGTH = ETHERNET_LENGTH + IPV4_LENGTH + UDP_LENGTH + VXLAN_LENGTH
/** Bytes of a pushed group over IPv6. */
export const PUSH6_LENGTH = ETHERNET_LENGTH + IPV6_LENGTH + UDP_LENGTH + VXLAN_LENGTH

/** A compiled transposition. */
export interface Program {
  /** False for `Invalid`: no frame passes. */
  readonly valid: boolean
  /** Needed atoms of each popped group. */
  readonly popNeeds: readonly number[]
  /** Needed atoms of each edited group. */
  readonly editNeeds: readonly number[]
  /** {@link FieldBit}s of each edited group. */
  readonly fields: readonly number[]
  /** {@link VALUES} words an edited group; IPv4 addresses are in the first two words of theirs. */
  readonly values: Uint16Array
  /** Number of pushed groups. */
  readonly pushes: number
  /** All pushed headers, outermost first; lengths, checksums and copied traffic classes are 0. */
  readonly template: Uint8Array
  /** Offset of each pushed group in `template`. */
  readonly pushAt: readonly number[]
  /** 1 where the pushed group is IPv6. */
  readonly pushIs6: readonly number[]
  /**
   * Checksum sum of each pushed group's constants: over IPv4 of the IP header, over IPv6 of what its UDP checksum covers,
   * pseudo header included; without the lengths and the traffic class.
   */
  readonly pushSum: readonly number[]
  /** Traffic class of each pushed group, its copied parts 0. */
  readonly pushClass: readonly number[]
  /** Group of the original frame that DSCP is copied from, or -1. */
  readonly dscpFrom: readonly number[]
  /** Group of the original frame that ECN is copied from, or -1. */
  readonly ecnFrom: readonly number[]
  /** Longest frame, popped and not yet pushed, whose length every pushed header can express. */
  readonly maxInside: number
}

/**
 * Compiles a transposition; total. Each flow has its program, so it is kept small: lists of a few numbers are plain arrays, a
 * quarter of the size of a typed array and as quick to read; empty ones are shared.
 */
export const compile = (t: HeaderTransposition): Program => {
  const { pop, edit, push } = t._tag === 'Invalid' ? NOTHING : t
  const pushAt = push.length === 0 ? NONE : push.map((_, i) => lengthOf(push, 0, i))
  const template = push.length === 0 ? NO_BYTES : new Uint8Array(lengthOf(push, 0, push.length))
  for (let i = 0; i < push.length; i++) writeTemplate(push[i]!, template, pushAt[i]!)
  const values = edit.length === 0 ? NO_VALUES : new Uint16Array(edit.length * VALUES)
  for (let i = 0; i < edit.length; i++) writeValues(edit[i]!.set, values, i * VALUES)
  return {
    valid: t._tag === 'Transposition',
    popNeeds: pop.length === 0 ? NONE : pop.map((n) => needBits(n) | NeedBit.Tunnel),
    editNeeds: edit.length === 0 ? NONE : edit.map(editBits),
    fields: edit.length === 0 ? NONE : edit.map((e) => fieldsOf(e.set)),
    values,
    pushes: push.length,
    template,
    pushAt,
    pushIs6: push.length === 0 ? NONE : push.map((p) => (p.srcIp.version === 6 ? 1 : 0)),
    pushSum: push.length === 0 ? NONE : push.map((p, i) => constantSum(p, template, pushAt[i]!)),
    pushClass: push.length === 0 ? NONE : push.map((p) => (constant(p.dscp) << 2) | constant(p.ecn)),
    dscpFrom: push.length === 0 ? NONE : push.map((p) => source(p.dscp)),
    ecnFrom: push.length === 0 ? NONE : push.map((p) => source(p.ecn)),
    maxInside: push.reduce((most, p, i) => Math.min(most, maxPayload(p) - lengthOf(push, i, push.length) + ETHERNET_LENGTH), Number.MAX_SAFE_INTEGER),
  }
}

const NONE: readonly number[] = []
const NO_BYTES = new Uint8Array(0)
const NO_VALUES = new Uint16Array(0)

/** Bytes of the pushed headers `from` to before `to`. */
const lengthOf = (push: readonly Push[], from: number, to: number): number => {
  let bytes = 0
  for (let i = from; i < to; i++) bytes += push[i]!.srcIp.version === 4 ? PUSH4_LENGTH : PUSH6_LENGTH
  return bytes
}

const NOTHING = { pop: [], edit: [], push: [] } as const

const constant = (value: Value): number => (typeof value === 'number' ? value : 0)
const source = (value: Value): number => (typeof value === 'number' ? -1 : value.original)

/** Bytes from the IP header on that the length field of a pushed group can express; IPv6 does not count its header. */
const maxPayload = (p: Push): number => (p.srcIp.version === 4 ? 0xffff : 0xffff + IPV6_LENGTH)

/** The constants of a pushed group: DF set and identification 0 over IPv4 (RFC 6864 §4.1: atomic datagrams need none). */
const writeTemplate = (p: Push, to: Uint8Array, at: number): void => {
  const ip = at + ETHERNET_LENGTH
  const udp = ip + (p.srcIp.version === 4 ? IPV4_LENGTH : IPV6_LENGTH)
  const vxlan = udp + UDP_LENGTH
  writeMac(to, at, p.dstMac)
  writeMac(to, at + 6, p.srcMac)
  if (p.srcIp.version === 4) {
    putU16(to, at + 12, EtherType.Ipv4)
    to[ip] = 0x45
    to[ip + 6] = 0x40
    to[ip + 8] = p.ttl
    to[ip + 9] = IpProtocol.Udp
    writeIp(to, ip + 12, p.srcIp)
    writeIp(to, ip + 16, p.dstIp)
  } else {
    putU16(to, at + 12, EtherType.Ipv6)
    to[ip] = 0x60
    to[ip + 6] = IpProtocol.Udp
    to[ip + 7] = p.ttl
    writeIp(to, ip + 8, p.srcIp)
    writeIp(to, ip + 24, p.dstIp)
  }
  putU16(to, udp, p.srcPort)
  putU16(to, udp + 2, UdpPort.Vxlan)
  to[vxlan] = VXLAN_I_FLAG
  putU24(to, vxlan + 4, p.vni)
}

const constantSum = (p: Push, template: Uint8Array, at: number): number => {
  const ip = at + ETHERNET_LENGTH
  return p.srcIp.version === 4
    ? sumWords(template, ip, ip + IPV4_LENGTH)
    : sumWords(template, ip + 8, ip + IPV6_LENGTH + UDP_LENGTH + VXLAN_LENGTH, IpProtocol.Udp)
}

const fieldsOf = (set: Changes): number =>
  (set.dstMac !== undefined ? FieldBit.DstMac : 0) | (set.srcMac !== undefined ? FieldBit.SrcMac : 0) |
  (set.srcIp !== undefined ? FieldBit.SrcIp : 0) | (set.dstIp !== undefined ? FieldBit.DstIp : 0) |
  (set.dscp !== undefined ? FieldBit.Dscp : 0) | (set.ecn !== undefined ? FieldBit.Ecn : 0) |
  (set.ttl !== undefined ? FieldBit.Ttl : 0) | (set.srcPort !== undefined ? FieldBit.SrcPort : 0) |
  (set.dstPort !== undefined ? FieldBit.DstPort : 0) | (set.icmpId !== undefined ? FieldBit.IcmpId : 0) |
  (set.vni !== undefined ? FieldBit.Vni : 0)

const writeValues = (set: Changes, values: Uint16Array, at: number): void => {
  writeMacWords(set.dstMac ?? 0, values, at + ValueAt.DST_MAC)
  writeMacWords(set.srcMac ?? 0, values, at + ValueAt.SRC_MAC)
  if (set.srcIp !== undefined) writeIpWords(set.srcIp, values, at + ValueAt.SRC_IP)
  if (set.dstIp !== undefined) writeIpWords(set.dstIp, values, at + ValueAt.DST_IP)
  values[at + ValueAt.DSCP] = set.dscp ?? 0
  values[at + ValueAt.ECN] = set.ecn ?? 0
  values[at + ValueAt.TTL] = set.ttl ?? 0
  values[at + ValueAt.SRC_PORT] = set.srcPort ?? 0
  values[at + ValueAt.DST_PORT] = set.dstPort ?? 0
  values[at + ValueAt.ICMP_ID] = set.icmpId ?? 0
  // As the header has it: 24 bits, then the reserved byte, which is kept.
  values[at + ValueAt.VNI] = (set.vni ?? 0) >>> 8
  values[at + ValueAt.VNI + 1] = ((set.vni ?? 0) & 0xff) << 8
}

const writeMacWords = (mac: number, values: Uint16Array, at: number): void => {
  values[at] = Math.floor(mac / 0x1_0000_0000)
  values[at + 1] = Math.floor(mac / 0x1_0000)
  values[at + 2] = mac
}

const writeIpWords = (ip: IpAddress, values: Uint16Array, at: number): void => {
  const words = ip.version === 4 ? ip.words.slice(3) : ip.words
  words.forEach((w, i) => {
    values[at + 2 * i] = w >>> 16
    values[at + 2 * i + 1] = w
  })
}
