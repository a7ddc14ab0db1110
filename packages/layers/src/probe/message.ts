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
 * answer. The clocks of two hosts have nothing to do with each other: differences between `answered` of one pair's probes tell of
 * the way there alone.
 */
import { wire } from '@vfp-ts/core'

const { putU16, putU32, u32 } = wire.bytes

/** Offsets inside the payload. */
export const ProbeAt = { MAGIC: 0, VERSION: 4, KIND: 5, RESERVED: 6, NONCE: 8, PAIR: 16, SEQUENCE: 20, SENT: 24, ANSWERED: 32 } as const

/** Bytes that every probe has. */
export const PROBE_LENGTH = 40

/** What a probe is. */
export const ProbeKind = { Ask: 0, Answer: 1 } as const
/** What a probe is. */
export type ProbeKind = (typeof ProbeKind)[keyof typeof ProbeKind]

const MAGIC = 0x5646_5050
const VERSION = 1

/** A probe. */
export interface ProbeMessage {
  readonly kind: ProbeKind
  /** Two words of 32 bits. */
  readonly nonce: readonly [number, number]
  /** 32 bits each. */
  readonly pair: number
  readonly sequence: number
  /** Microseconds, below 2^53. */
  readonly sentUs: number
  readonly answeredUs: number
}

/** Whether the payload at `at .. end` is a probe of this kind. */
export const isProbe = (bytes: Uint8Array, at: number, end: number, kind: ProbeKind): boolean =>
  end - at >= PROBE_LENGTH && u32(bytes, at) === MAGIC && bytes[at + ProbeAt.VERSION] === VERSION && bytes[at + ProbeAt.KIND] === kind

/** Microseconds at `at`: 64 bits, of which a clock uses 53. */
export const readTime = (bytes: Uint8Array, at: number): number => u32(bytes, at) * 0x1_0000_0000 + u32(bytes, at + 4)

/** Writes microseconds at `at`. */
export const writeTime = (bytes: Uint8Array, at: number, us: number): void => {
  putU32(bytes, at, Math.floor(us / 0x1_0000_0000))
  putU32(bytes, at + 4, us >>> 0)
}

/** Reads the probe at `at`, for which {@link isProbe} holds. */
export const readProbe = (bytes: Uint8Array, at: number): ProbeMessage => ({
  kind: bytes[at + ProbeAt.KIND] === ProbeKind.Answer ? ProbeKind.Answer : ProbeKind.Ask,
  nonce: [u32(bytes, at + ProbeAt.NONCE), u32(bytes, at + ProbeAt.NONCE + 4)],
  pair: u32(bytes, at + ProbeAt.PAIR),
  sequence: u32(bytes, at + ProbeAt.SEQUENCE),
  sentUs: readTime(bytes, at + ProbeAt.SENT),
  answeredUs: readTime(bytes, at + ProbeAt.ANSWERED),
})

/** Writes a probe's 40 bytes at `at`. */
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
