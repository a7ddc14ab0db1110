/**
 * The decoder of pcapng: block by block, through any number of sections, each with its own byte order and interfaces.
 *
 * Blocks that the reader looks into are waited for whole, up to a bound; all others are skipped as they come, so that
 * even a block of 4 GiB costs no memory. Each block's trailing length is checked: it is the format's own redundancy,
 * and where it disagrees nothing after it can be trusted.
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Either } from 'fp-ts/lib/Either.js'
import type { ByteStream } from './byte-stream.js'
import { DEFAULT_MAX_PACKET_BYTES } from './packet.js'
import { faultStep, PROGRESS } from './step.js'
import type { DecodeOptions, FormatDecoder, Step } from './step.js'
import {
  BlockType,
  BYTE_ORDER_MAGIC,
  checkSectionHeader,
  isRead,
  MAX_INTERFACES,
  MIN_BLOCK_BYTES,
  minimumLength,
  readInterface,
  readPacketBlock,
  readSimplePacketBlock,
} from './pcapng-blocks.js'
import type { Block, BlockFault, CaptureInterface, PacketBlock } from './pcapng-blocks.js'

/** Bytes that a block may have beyond its packet: headers, options. */
export const MAX_BLOCK_OVERHEAD_BYTES = 1 << 20

/** Decodes pcapng at whose first section header the stream stands. */
export const pcapngDecoder = (stream: ByteStream, options: DecodeOptions): FormatDecoder => {
  const maxPacketBytes = options.maxPacketBytes ?? DEFAULT_MAX_PACKET_BYTES
  const maxBlockBytes = maxPacketBytes + MAX_BLOCK_OVERHEAD_BYTES
  const copies = options.data !== 'view'
  let littleEndian = true
  let section = -1
  let interfaces: CaptureInterface[] = []
  /** A block that is being skipped: where it started, its length, and how much of it is still to come. */
  let skipping: { readonly offset: number; readonly length: number; left: number } | undefined

  const step = (): Step => {
    if (skipping !== undefined) return skipOn(skipping)
    const offset = stream.position
    const need = (bytes: number, mayEnd = false): Step => ({ _tag: 'Need', what: 'block', offset, bytes, mayEnd })
    if (stream.available < MIN_BLOCK_BYTES) return need(MIN_BLOCK_BYTES, section >= 0)

    const { view, start: at } = stream
    const blockType = view.getUint32(at, littleEndian)
    if (blockType === BlockType.SectionHeader) {
      const order = sectionByteOrder(view, at + 8)
      if (order === undefined)
        return faultStep('BadMagic', offset, `byte-order magic 0x${view.getUint32(at + 8).toString(16).padStart(8, '0')}`)
      littleEndian = order === 'little'
    }
    const length = view.getUint32(at + 4, littleEndian)
    const fault = (_tag: BlockFault['_tag'], reason: string): Step =>
      faultStep(_tag, offset, `block of type ${typeName(blockType)}: ${reason}`)
    if (length % 4 !== 0) return fault('BadBlock', `total length ${length} is not a multiple of 4`)
    const minimum = minimumLength(blockType)
    if (length < minimum) return fault('BadBlock', `total length ${length} is less than its minimum of ${minimum}`)
    if (!isRead(blockType)) {
      skipping = { offset, length, left: length - 4 }
      return PROGRESS
    }
    if (length > maxBlockBytes) return fault('TooLong', `total length ${length}, at most ${maxBlockBytes} is accepted`)
    if (stream.available < length) return need(length)
    const trailing = view.getUint32(at + length - 4, littleEndian)
    if (trailing !== length) return fault('BadBlock', lengthsDiffer(length, trailing))

    const result = readBlock(blockType, { view, at, length, littleEndian })
    if (E.isLeft(result)) return fault(result.left._tag, result.left.reason)
    stream.skip(length)
    return result.right === undefined ? PROGRESS : packetStep(result.right)
  }

  const readBlock = (blockType: number, block: Block): Either<BlockFault, PacketBlock | undefined> => {
    switch (blockType) {
      case BlockType.SectionHeader: {
        const checked = checkSectionHeader(block)
        if (E.isLeft(checked)) return checked
        section += 1
        interfaces = []
        return NO_PACKET
      }
      case BlockType.InterfaceDescription: {
        const described = readInterface(block)
        if (E.isLeft(described)) return described
        if (interfaces.length === MAX_INTERFACES)
          return E.left({ _tag: 'TooLong', reason: `more than ${MAX_INTERFACES} interfaces in a section` })
        interfaces.push(described.right)
        return NO_PACKET
      }
      case BlockType.SimplePacket:
        return readSimplePacketBlock(block, interfaces, maxPacketBytes)
      default:
        return readPacketBlock(block, blockType, interfaces, maxPacketBytes)
    }
  }

  const skipOn = (block: { readonly offset: number; readonly length: number; left: number }): Step => {
    block.left -= stream.skip(block.left)
    if (block.left > 0 || stream.available < 4)
      return { _tag: 'Need', what: 'block', offset: block.offset, bytes: block.length, mayEnd: false }
    const trailing = stream.view.getUint32(stream.start, littleEndian)
    if (trailing !== block.length) return faultStep('BadBlock', block.offset, lengthsDiffer(block.length, trailing))
    stream.skip(4)
    skipping = undefined
    return PROGRESS
  }

  const packetStep = (block: PacketBlock): Step => {
    const { interfaceName, direction, comment } = block
    return {
      _tag: 'Packet',
      packet: {
        data: copies ? block.data.slice() : block.data,
        originalLength: block.originalLength,
        timestampNs: block.timestampNs,
        interfaceId: block.interfaceId,
        section,
        linkType: block.linkType,
        byteOrder: littleEndian ? 'little' : 'big',
        ...(interfaceName === undefined ? {} : { interfaceName }),
        ...(direction === undefined ? {} : { direction }),
        ...(comment === undefined ? {} : { comment }),
      },
    }
  }

  return { step }
}

const NO_PACKET: Either<never, undefined> = E.right(undefined)

const sectionByteOrder = (view: DataView, at: number): 'little' | 'big' | undefined => {
  if (view.getUint32(at, true) === BYTE_ORDER_MAGIC) return 'little'
  return view.getUint32(at, false) === BYTE_ORDER_MAGIC ? 'big' : undefined
}

const lengthsDiffer = (length: number, trailing: number): string =>
  `total length ${length} in front, ${trailing} at the end`

const typeName = (blockType: number): string => {
  const known = Object.entries(BlockType).find(([, code]) => code === blockType)
  return known === undefined ? `0x${blockType.toString(16)}` : `${blockType} (${known[0]})`
}
