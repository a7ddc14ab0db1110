/**
 * Probes on the wire: the payload of a UDP datagram, 40 bytes and whatever makes it as long as it is to be.
 *
 * ```text
 *  0  magic            0x56465050, "VFPP"
 *  4  version          1
 *  5  kind             0 asks, 1 answers
 *  6  reserved         0, ignored
 *  8  nonce            64 bits by which a prober knows its own answers
 * 16  pair             number of the pair of hosts at the prober
 * 20  sequence         of the pair's probes
 * 24  sent             microseconds of the prober's clock
 * 32  answered         microseconds of the answering host's clock; 0 in a question
 * ```
 *
 * All numbers are big-endian. An answer repeats the question but for the kind and the time, so a longer question gets a longer
 * answer. The clocks of two hosts are independent: only the differences between `answered` of one pair's probes say something, about the
 * way there.
 */
import { wire } from '@vfp-ts/core'

const { putU16, putU32, u32 } = wire.bytes

/** Offsets of a probe's fields from the first byte of the UDP payload, in bytes. */
export const ProbeAt = {
  /** 4 bytes: 0x56465050. */
  MAGIC: 0,
  /** 1 byte: 1. */
  VERSION: 4,
  /** 1 byte: a {@link ProbeKind}. */
  KIND: 5,
  /** 2 bytes: written as 0, ignored when read. */
  RESERVED: 6,
  /** 8 bytes by which a prober knows its own answers. */
  NONCE: 8,
  /** 4 bytes: number of the pair at the prober. */
  PAIR: 16,
  /** 4 bytes: number of the probe in its pair. */
  SEQUENCE: 20,
  /** 8 bytes: microseconds of the prober's clock. */
  SENT: 24,
  /** 8 bytes: microseconds of the answering host's clock. */
  ANSWERED: 32
} as const

/** Bytes of the shortest probe: all its fields. */
export const PROBE_LENGTH = 40

/** Whether a probe asks or answers: the value of its kind field. */
export const ProbeKind = {
  /** A question. */
  Ask: 0,
  /** An answer: the question, with the kind and the time of the answer changed. */
  Answer: 1
} as const
/** A value of {@link ProbeKind}. */
export type ProbeKind = (typeof ProbeKind)[keyof typeof ProbeKind]

const MAGIC = 0x5646_5050
const VERSION = 1

/** A probe, or the answer to one. */
export interface ProbeMessage {
  /** Whether it asks or answers. */
  readonly kind: ProbeKind
  /** Two words of 32 bits by which a prober knows its own answers. */
  readonly nonce: readonly [number, number]
  /** Number of the pair at the prober, 32 bits. */
  readonly pair: number
  /** Sequence number of the probe in its pair, 32 bits. */
  readonly sequence: number
  /** Microseconds of the prober's clock when it was sent, below 2^53. */
  readonly sentUs: number
  /** Microseconds of the answering host's clock, below 2^53; 0 in a question. */
  readonly answeredUs: number
}

/** Returns whether the bytes from `at` to before `end` begin with a probe of this kind, of this version. */
export const isProbe = (bytes: Uint8Array, at: number, end: number, kind: ProbeKind): boolean =>
  end - at >= PROBE_LENGTH && u32(bytes, at) === MAGIC && bytes[at + ProbeAt.VERSION] === VERSION && bytes[at + ProbeAt.KIND] === kind

/** Returns the microseconds at `at`: 64 bits, of which a clock uses 53. */
export const readTime = (bytes: Uint8Array, at: number): number => u32(bytes, at) * 0x1_0000_0000 + u32(bytes, at + 4)

/** Writes microseconds at `at`. */
export const writeTime = (bytes: Uint8Array, at: number, us: number): void => {
  putU32(bytes, at, Math.floor(us / 0x1_0000_0000))
  putU32(bytes, at + 4, us >>> 0)
}

/** Returns the probe at `at`, for which {@link isProbe} holds. */
export const readProbe = (bytes: Uint8Array, at: number): ProbeMessage => ({
  kind: bytes[at + ProbeAt.KIND] === ProbeKind.Answer ? ProbeKind.Answer : ProbeKind.Ask,
  nonce: [u32(bytes, at + ProbeAt.NONCE), u32(bytes, at + ProbeAt.NONCE + 4)],
  pair: u32(bytes, at + ProbeAt.PAIR),
  sequence: u32(bytes, at + ProbeAt.SEQUENCE),
  sentUs: readTime(bytes, at + ProbeAt.SENT),
  answeredUs: readTime(bytes, at + ProbeAt.ANSWERED),
})

/** Writes a probe's {@link PROBE_LENGTH} bytes at `at`. */
export const writeProbe = (probe: ProbeMessage, bytes: Uint8Array, at: number): void => {
  putU32(bytes, at, MAGIC)
  bytes[at + ProbeAt.VERSION] = VERSION
  bytes[at + ProbeAt.KIND] = probe.kind
  putU16(bytes, at + ProbeAt.RESERVED, 0)
  putU32(bytes, at + ProbeAt.NONCE, probe.nonce[0])
  putU32(bytes, at + ProbeAt.NONCE + 4, probe.nonce[1])
  putU32(bytes, at + ProbeAt.PAIR, probe.pair)
  putU32(bytes, at + ProbeAt.SEQUENCE, probe.sequence)
  writeTime(bytes, at + ProbeAt.SENT, probe.sentUs)
  writeTime(bytes, at + ProbeAt.ANSWERED, probe.answeredUs)
}
