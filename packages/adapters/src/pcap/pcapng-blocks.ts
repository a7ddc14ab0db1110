/**
 * The blocks of pcapng, from bytes: section header, interface description and the three kinds of packet block.
 *
 * Every function is given a whole block, whose total length the caller has checked against {@link minimumLength} and
 * the trailing length, and answers a value or the fault in it. Nothing is copied: `data` is a view.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Either } from 'fp-ts/lib/Either.js'
import { OptionCode, padded, readOptions, textOf } from './pcapng-options.js'
import type { PcapngOption } from './pcapng-options.js'
import type { CaptureDirection } from './packet.js'
import { MICROSECONDS, resolutionFromByte, ticksToNs, timeScale } from './timestamp.js'
import type { TimeScale } from './timestamp.js'
import type { CaptureError } from './error.js'

/** Types of blocks. All others, known or not, are skipped by their length. */
export const BlockType = {
  /** Reads the same in both byte orders, so that a section may be found before its byte order is known. */
  SectionHeader: 0x0a0d0d0a,
  InterfaceDescription: 1,
  /** Obsolete, still found in old captures. */
  Packet: 2,
  SimplePacket: 3,
  EnhancedPacket: 6,
} as const

/** The value of a section header's byte-order field when read in the right order. */
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d

/** Type, total length, trailing total length: the smallest block there is, bytes. */
export const MIN_BLOCK_BYTES = 12

/** Interfaces that one section may describe. */
export const MAX_INTERFACES = 65_536

/** The longest interface name that is kept, bytes. */
export const MAX_INTERFACE_NAME_BYTES = 1024

/** What is wrong with a block; the decoder adds where. */
export type BlockFault = Pick<CaptureError, '_tag' | 'reason'>

/** A whole block in a view. */
export interface Block {
  readonly view: DataView
  /** Index into the view of the block's first byte. */
  readonly at: number
  /** Total length, bytes, a multiple of 4. */
  readonly length: number
  readonly littleEndian: boolean
}

/** What a packet needs to know of its interface. */
export interface CaptureInterface {
  readonly linkType: number
  /** 0: no limit given. */
  readonly snapLength: number
  readonly name: string | undefined
  readonly scale: TimeScale
}

/** A packet block's content; `data` is a view of the block. */
export interface PacketBlock {
  readonly interfaceId: number
  readonly linkType: number
  readonly interfaceName: string | undefined
  readonly timestampNs: bigint
  readonly originalLength: number
  readonly data: Uint8Array
  readonly direction: CaptureDirection | undefined
  readonly comment: string | undefined
}

/** The smallest total length of a type of block, bytes. */
export const minimumLength = (blockType: number): number => {
  switch (blockType) {
    case BlockType.SectionHeader:
      return 28
    case BlockType.InterfaceDescription:
      return 20
    case BlockType.SimplePacket:
      return 16
    case BlockType.Packet:
    case BlockType.EnhancedPacket:
      return 32
    default:
      return MIN_BLOCK_BYTES
  }
}

/** Whether the reader looks into blocks of this type, and so needs them whole. */
export const isRead = (blockType: number): boolean => minimumLength(blockType) !== MIN_BLOCK_BYTES

/** Checks a section header's version; its byte order is known already, its other content serves nobody here. */
export const checkSectionHeader = ({ view, at, littleEndian }: Block): Either<BlockFault, void> => {
  const major = view.getUint16(at + 12, littleEndian)
  const minor = view.getUint16(at + 14, littleEndian)
  // Some writers say 1.2 and mean 1.0; the specification asks readers to accept both.
  return major === 1 && (minor === 0 || minor === 2)
    ? E.right(undefined)
    : E.left({ _tag: 'UnsupportedVersion', reason: `pcapng section of version ${major}.${minor}, only 1.0 is known` })
}

/** Reads an interface description. */
export const readInterface = (block: Block): Either<BlockFault, CaptureInterface> => {
  const { view, at, length, littleEndian } = block
  const options = readOptions(view, at + 16, at + length - 4, littleEndian)
  if (E.isLeft(options)) return bad(options.left)
  let name: string | undefined
  let resolution = MICROSECONDS
  let offsetSeconds = 0n
  for (const option of options.right) {
    switch (option.code) {
      case OptionCode.InterfaceName:
        // A section may describe many interfaces, all of which stay in memory.
        if (option.value.length > MAX_INTERFACE_NAME_BYTES)
          return E.left({ _tag: 'TooLong', reason: `interface name of ${option.value.length} bytes` })
        name = textOf(option)
        break
      case OptionCode.InterfaceResolution:
        if (option.value.length !== 1) return bad(wrongLength('if_tsresol', option, 1))
        resolution = resolutionFromByte(option.value[0] ?? 0)
        break
      case OptionCode.InterfaceTimeOffset:
        if (option.value.length !== 8) return bad(wrongLength('if_tsoffset', option, 8))
        offsetSeconds = viewOf(option).getBigInt64(0, littleEndian)
        break
    }
  }
  return E.right({
    linkType: view.getUint16(at + 8, littleEndian),
    snapLength: view.getUint32(at + 12, littleEndian),
    name,
    scale: timeScale(resolution, offsetSeconds),
  })
}

/** Reads an Enhanced Packet Block, or the obsolete Packet Block, which differs in where the interface id stands. */
export const readPacketBlock = (
  block: Block,
  blockType: number,
  interfaces: readonly CaptureInterface[],
  maxPacketBytes: number,
): Either<BlockFault, PacketBlock> => {
  const { view, at, length, littleEndian } = block
  const interfaceId =
    blockType === BlockType.Packet ? view.getUint16(at + 8, littleEndian) : view.getUint32(at + 8, littleEndian)
  const from = interfaces[interfaceId]
  if (from === undefined) return unknownInterface(interfaceId, interfaces)
  const capturedLength = view.getUint32(at + 20, littleEndian)
  if (capturedLength > maxPacketBytes) return tooLong(capturedLength, maxPacketBytes)
  const room = length - 32
  if (capturedLength > room) return bad(`captured length ${capturedLength} where the block has room for ${room}`)
  const options = readOptions(view, at + 28 + padded(capturedLength), at + length - 4, littleEndian)
  if (E.isLeft(options)) return bad(options.left)
  let direction: CaptureDirection | undefined
  let comment: string | undefined
  for (const option of options.right) {
    if (option.code === OptionCode.Comment) {
      comment = comment === undefined ? textOf(option) : `${comment}\n${textOf(option)}`
    } else if (option.code === OptionCode.PacketFlags) {
      if (option.value.length !== 4) return bad(wrongLength('epb_flags', option, 4))
      direction = DIRECTIONS[viewOf(option).getUint32(0, littleEndian) & 0b11]
    }
  }
  const high = view.getUint32(at + 12, littleEndian)
  const low = view.getUint32(at + 16, littleEndian)
  return E.right({
    interfaceId,
    linkType: from.linkType,
    interfaceName: from.name,
    timestampNs: ticksToNs(from.scale, (BigInt(high) << 32n) | BigInt(low)),
    originalLength: view.getUint32(at + 24, littleEndian),
    data: new Uint8Array(view.buffer, view.byteOffset + at + 28, capturedLength),
    direction,
    comment,
  })
}

/**
 * Reads a Simple Packet Block: a packet of interface 0 without time, options or even its captured length, which
 * follows from the original length and the interface's snap length.
 */
export const readSimplePacketBlock = (
  block: Block,
  interfaces: readonly CaptureInterface[],
  maxPacketBytes: number,
): Either<BlockFault, PacketBlock> => {
  const { view, at, length, littleEndian } = block
  const from = interfaces[0]
  if (from === undefined) return unknownInterface(0, interfaces)
  const originalLength = view.getUint32(at + 8, littleEndian)
  const capturedLength = from.snapLength === 0 ? originalLength : Math.min(originalLength, from.snapLength)
  if (capturedLength > maxPacketBytes) return tooLong(capturedLength, maxPacketBytes)
  const room = length - 16
  if (capturedLength > room) return bad(`packet of ${capturedLength} bytes where the block has room for ${room}`)
  return E.right({
    interfaceId: 0,
    linkType: from.linkType,
    interfaceName: from.name,
    timestampNs: 0n,
    originalLength,
    data: new Uint8Array(view.buffer, view.byteOffset + at + 12, capturedLength),
    direction: undefined,
    comment: undefined,
  })
}

/** By the lowest two bits of `epb_flags`; 0 is "not known", 3 is not assigned. */
const DIRECTIONS: readonly (CaptureDirection | undefined)[] = [undefined, 'inbound', 'outbound', undefined]

const viewOf = ({ value }: PcapngOption): DataView => new DataView(value.buffer, value.byteOffset, value.length)

const wrongLength = (name: string, option: PcapngOption, expected: number): string =>
  `option ${name} has ${option.value.length} bytes where ${expected} are expected`

const bad = (reason: string): Either<BlockFault, never> => E.left({ _tag: 'BadBlock', reason })

const tooLong = (length: number, limit: number): Either<BlockFault, never> =>
  E.left({ _tag: 'TooLong', reason: `captured length ${length}, at most ${limit} is accepted` })

const unknownInterface = (id: number, interfaces: readonly CaptureInterface[]): Either<BlockFault, never> =>
  E.left({ _tag: 'UnknownInterface', reason: `interface ${id} where the section describes ${interfaces.length}` })
