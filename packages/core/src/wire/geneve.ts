/**
 * Geneve: anything in UDP, named by a 24-bit network identifier, with options between header and payload.
 *
 * An option whose type has the **critical** bit must be understood at the end of the tunnel, or the packet is dropped there.
 * The C bit of the header only sums that up; the options themselves decide here, so that neither a C bit without reason
 * nor one forgotten changes what happens. A **control** packet is between the ends of a tunnel, and what it carries is
 * not to be forwarded or interpreted: the engine leaves it opaque.
 *
 * @see RFC 8926 §3.4 and §3.5
 */
import { right, type Either } from 'fp-ts/lib/Either.js'
import { putU16, putU24, u16, u24 } from './bytes.js'
import { EtherType } from './ethernet.js'
import { Reason } from './reason.js'
import { unreadable, type Parsed, type WireError } from './wire-error.js'

/** Offsets inside the header; options follow. */
export const GeneveAt = {
  /** Version, 2 bits, and length of all options in words of four bytes, 6 bits. */
  VERSION_LENGTH: 0,
  /** The {@link GeneveFlag} bits and six reserved ones. */
  FLAGS: 1,
  /** EtherType of what the tunnel carries, 16 bits. */
  PROTOCOL_TYPE: 2,
  /** Virtual network identifier, 24 bits. */
  VNI: 4,
  /** Reserved byte. */
  RESERVED: 7
} as const

/** Offsets inside an option. */
export const GeneveOptionAt = {
  /** Class, 16 bits. */
  CLASS: 0,
  /** Type, 8 bits, the critical bit first. */
  TYPE: 2,
  /** Three reserved bits, and the length of the data in words of four bytes, 5 bits. */
  LENGTH: 3
} as const

/** Bytes of the header without options. */
export const GENEVE_LENGTH = 8

/** Most bytes of all options together. */
export const GENEVE_MAX_OPTIONS = 252

/** Most bytes of data in one option. */
export const GENEVE_MAX_OPTION_DATA = 124

/** Bits of the header's second byte. */
export const GeneveFlag = {
  /** The O bit: a message between the ends of the tunnel. */
  Control: 0x80,
  /** The C bit: at least one option is critical. */
  Critical: 0x40
} as const
/** One of the {@link GeneveFlag} bits. */
export type GeneveFlag = (typeof GeneveFlag)[keyof typeof GeneveFlag]

/** The bit of an option's type that is set if the end of the tunnel must know the option. */
export const GENEVE_CRITICAL_TYPE = 0x80

/** One option. */
export interface GeneveOption {
  /** Number of the organisation that defines `type`, 16 bits. */
  readonly class: number
  /** Type within the class, 8 bits, {@link GENEVE_CRITICAL_TYPE} among them. */
  readonly type: number
  /** The three bits before the length: should be 0. */
  readonly reserved: number
  /** Data of the option: a multiple of four bytes, at most 124. */
  readonly data: Uint8Array
}

/** A Geneve header. */
export interface Geneve {
  /** Tells Geneve from the other tunnel headers. */
  readonly kind: 'geneve'
  /** Virtual network identifier, 0–16777215. */
  readonly vni: number
  /** EtherType of what follows; 0x6558 for an Ethernet frame. */
  readonly protocolType: number
  /** Whether this is a message between the ends of the tunnel. */
  readonly control: boolean
  /** The C bit, only if it contradicts the options: set though none is critical, or clear though one is. */
  readonly critical?: boolean
  /** Options in the order of the wire; at most 252 bytes together. */
  readonly options: readonly GeneveOption[]
  /** The six bits behind the flags: should be 0. */
  readonly reserved: number
  /** The byte behind the VNI: should be 0. */
  readonly reservedLow: number
}

/** Returns the VNI of the header at `at`, 0–16777215. */
export const geneveVni = (bytes: Uint8Array, at: number): number => u24(bytes, at + GeneveAt.VNI)

/** Returns the bytes of the header at `at` with its options, 8–260. */
export const geneveLength = (bytes: Uint8Array, at: number): number => GENEVE_LENGTH + ((bytes[at]! & 0x3f) << 2)

/** Checks the header at `at`. `Ok` guarantees that it lies before `end` with its options, and that its version is 0. Options are not looked at. */
export const checkGeneve = (bytes: Uint8Array, at: number, end: number): Reason => {
  if (end - at < GENEVE_LENGTH) return Reason.Truncated
  if (bytes[at]! >>> 6 !== 0) return Reason.BadVersion
  return end - at < geneveLength(bytes, at) ? Reason.Truncated : Reason.Ok
}

/**
 * Checks the options of a header that {@link checkGeneve} has passed. `BadLength`: they do not end where the header
 * says. `UnknownCriticalOption`: one is critical and not among `known`, each `class << 8 | type`.
 */
export const checkGeneveOptions = (bytes: Uint8Array, at: number, known: readonly number[]): Reason => {
  const end = at + geneveLength(bytes, at)
  let unknown = false
  for (let option = at + GENEVE_LENGTH; option < end; option += optionLength(bytes, option)) {
    // the options' room is a multiple of four, so the first four bytes of one are always there
    if (option + optionLength(bytes, option) > end) return Reason.BadLength
    const type = bytes[option + GeneveOptionAt.TYPE]!
    if ((type & GENEVE_CRITICAL_TYPE) !== 0 && known.indexOf((u16(bytes, option) << 8) | type) < 0) unknown = true
  }
  return unknown ? Reason.UnknownCriticalOption : Reason.Ok
}

/** Reads the header at `at` with its options, critical ones included. What the tunnel carries is at `next`. */
export const parseGeneve = (bytes: Uint8Array, at: number, end: number): Either<WireError, Parsed<Geneve>> => {
  const reason = checkGeneve(bytes, at, end)
  if (reason !== Reason.Ok) return unreadable('geneve', reason, at)
  if (checkGeneveOptions(bytes, at, []) === Reason.BadLength) return unreadable('geneve', Reason.BadLength, at)
  const next = at + geneveLength(bytes, at)
  const options = readOptions(bytes, at + GENEVE_LENGTH, next)
  const flags = bytes[at + GeneveAt.FLAGS]!
  const critical = (flags & GeneveFlag.Critical) !== 0
  const repr: Geneve = {
    kind: 'geneve',
    vni: geneveVni(bytes, at),
    protocolType: u16(bytes, at + GeneveAt.PROTOCOL_TYPE),
    control: (flags & GeneveFlag.Control) !== 0,
    ...(critical === options.some(isCritical) ? {} : { critical }),
    options,
    reserved: flags & 0x3f,
    reservedLow: bytes[at + GeneveAt.RESERVED]!,
  }
  return right({ repr, next, end })
}

/** Returns the bytes of a header with its options. */
export const geneveSize = (repr: Geneve): number => repr.options.reduce((sum, option) => sum + 4 + option.data.length, GENEVE_LENGTH)

/** Returns what keeps the options from being written, in words, or `undefined` if they can be written. */
export const geneveOptionsProblem = (repr: Geneve): string | undefined => {
  if (repr.options.some(({ data }) => data.length % 4 !== 0 || data.length > GENEVE_MAX_OPTION_DATA)) {
    return `the data of an option are a multiple of 4 up to ${GENEVE_MAX_OPTION_DATA} bytes`
  }
  return geneveSize(repr) > GENEVE_LENGTH + GENEVE_MAX_OPTIONS ? `options have up to ${GENEVE_MAX_OPTIONS} bytes together` : undefined
}

/** Writes the header at `at`, {@link geneveSize} bytes; {@link geneveOptionsProblem} must be `undefined` for it. */
export const emitGeneve = (repr: Geneve, bytes: Uint8Array, at: number): void => {
  const critical = repr.critical ?? repr.options.some(isCritical)
  bytes[at + GeneveAt.VERSION_LENGTH] = (geneveSize(repr) - GENEVE_LENGTH) >>> 2
  bytes[at + GeneveAt.FLAGS] = (repr.control ? GeneveFlag.Control : 0) | (critical ? GeneveFlag.Critical : 0) | (repr.reserved & 0x3f)
  putU16(bytes, at + GeneveAt.PROTOCOL_TYPE, repr.protocolType)
  putU24(bytes, at + GeneveAt.VNI, repr.vni)
  bytes[at + GeneveAt.RESERVED] = repr.reservedLow
  let next = at + GENEVE_LENGTH
  for (const option of repr.options) {
    putU16(bytes, next + GeneveOptionAt.CLASS, option.class)
    bytes[next + GeneveOptionAt.TYPE] = option.type
    bytes[next + GeneveOptionAt.LENGTH] = ((option.reserved & 7) << 5) | (option.data.length >>> 2)
    bytes.set(option.data, next + 4)
    next += 4 + option.data.length
  }
}

/** Formats a header in one line: `Geneve vni 5001, option 0x0102 type 0x81 (4 bytes, critical)`. A payload other than Ethernet is named. */
export const formatGeneve = (repr: Geneve): string =>
  `Geneve vni ${repr.vni}` +
  (repr.protocolType === EtherType.TransparentBridging ? '' : `, type 0x${repr.protocolType.toString(16).padStart(4, '0')}`) +
  (repr.control ? ', control' : '') +
  repr.options.map(formatOption).join('')

const formatOption = (option: GeneveOption): string =>
  `, option 0x${option.class.toString(16).padStart(4, '0')} type 0x${option.type.toString(16).padStart(2, '0')}` +
  ` (${option.data.length} bytes${isCritical(option) ? ', critical' : ''})`

const isCritical = (option: GeneveOption): boolean => (option.type & GENEVE_CRITICAL_TYPE) !== 0

/** Bytes of the option at `at` with its four of header. */
const optionLength = (bytes: Uint8Array, at: number): number => 4 + ((bytes[at + GeneveOptionAt.LENGTH]! & 0x1f) << 2)

const readOptions = (bytes: Uint8Array, from: number, end: number): readonly GeneveOption[] => {
  const options: GeneveOption[] = []
  for (let at = from; at < end; at += optionLength(bytes, at)) {
    options.push({
      class: u16(bytes, at + GeneveOptionAt.CLASS),
      type: bytes[at + GeneveOptionAt.TYPE]!,
      reserved: bytes[at + GeneveOptionAt.LENGTH]! >>> 5,
      data: bytes.subarray(at + 4, at + optionLength(bytes, at)),
    })
  }
  return options
}
