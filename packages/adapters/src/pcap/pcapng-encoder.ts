/** The encoder of pcapng: one section, interfaces described as they come, Enhanced Packet Blocks. */
import * as E from 'fp-ts/lib/Either.js'
import type { Either } from 'fp-ts/lib/Either.js'
import { linkFault, packetFault } from './encode.js'
import type { CaptureEncoder } from './encode.js'
import type { CaptureWriteError } from './error.js'
import { DEFAULT_MAX_PACKET_BYTES, LinkType } from './packet.js'
import type { ByteOrder, InterfaceToWrite, PacketToWrite } from './packet.js'
import { BlockType, BYTE_ORDER_MAGIC, MAX_INTERFACE_NAME_BYTES, MAX_INTERFACES } from './pcapng-blocks.js'
import { holdsZero, MAX_OPTION_BYTES, OptionCode, optionsLength, padded, textOption, writeOptions } from './pcapng-options.js'
import type { PcapngOption } from './pcapng-options.js'
import { NANOSECONDS, nsToTicks, resolutionToByte, timeScale } from './timestamp.js'
import type { TimeScale } from './timestamp.js'

/** How a pcapng capture is written. */
export interface PcapngEncoderOptions {
  /** Little-endian if absent. */
  readonly byteOrder?: ByteOrder
  /** Name of the writing program, for the section header. None if absent; at most 65,535 bytes of UTF-8. */
  readonly application?: string
}

/**
 * An encoder of a pcapng capture, or `Unwritable` if the application's name is too long. It has no interface yet: a
 * packet can be written once its interface was added, before or between packets.
 */
export const pcapngEncoder = (options: PcapngEncoderOptions = {}): Either<CaptureWriteError, CaptureEncoder> => {
  const byteOrder = options.byteOrder ?? 'little'
  const littleEndian = byteOrder === 'little'
  const interfaces: WrittenInterface[] = []
  let packets = 0

  const application =
    options.application === undefined ? [] : [textOption(OptionCode.SectionUserApplication, options.application)]
  if (holdsZero(options.application)) return unwritable(0, 'application name with a zero octet, where readers end it')
  if (application.some(isTooLong)) return unwritable(0, 'application name of more than 65,535 bytes')

  return E.right({
    start: sectionHeader(application, littleEndian),
    addInterface: (description) => {
      const { linkType = LinkType.Ethernet, snapLength = DEFAULT_MAX_PACKET_BYTES } = description
      const described = interfaceOptions(description, littleEndian)
      const fault = linkFault(linkType, snapLength)
      if (fault !== undefined) return unwritable(0, fault)
      if (E.isLeft(described)) return unwritable(0, described.left)
      if (interfaces.length === MAX_INTERFACES) return unwritable(0, `more than ${MAX_INTERFACES} interfaces`)
      interfaces.push({ linkType, snapLength, scale: described.right.scale })
      const { bytes, view } = emptyBlock(BlockType.InterfaceDescription, 8, described.right.options, littleEndian)
      view.setUint16(8, linkType, littleEndian)
      view.setUint32(12, snapLength, littleEndian)
      return E.right({ interfaceId: interfaces.length - 1, bytes })
    },
    packet: (packet) => {
      const number = packets + 1
      const { data, interfaceId = 0 } = packet
      const target = interfaces[interfaceId]
      if (target === undefined)
        return E.left({ _tag: 'UnknownInterface', packet: number, interfaceId, known: interfaces.length })
      const fault = packetFault(packet, { ...target, byteOrder })
      if (fault !== undefined) return unwritable(number, fault)
      const ticks = nsToTicks(target.scale, packet.timestampNs)
      if (ticks === undefined)
        return unwritable(number, `time ${packet.timestampNs} ns does not fit the interface's 64-bit count`)
      if (holdsZero(packet.comment)) return unwritable(number, 'comment with a zero octet, where readers end it')
      const packetOptions = optionsOf(packet, littleEndian)
      if (packetOptions.some(isTooLong)) return unwritable(number, 'comment of more than 65,535 bytes')
      packets = number
      const { bytes, view } = emptyBlock(BlockType.EnhancedPacket, 20 + padded(data.length), packetOptions, littleEndian)
      view.setUint32(8, interfaceId, littleEndian)
      view.setUint32(12, Number(ticks >> 32n), littleEndian)
      view.setUint32(16, Number(ticks & 0xffff_ffffn), littleEndian)
      view.setUint32(20, data.length, littleEndian)
      view.setUint32(24, packet.originalLength ?? data.length, littleEndian)
      bytes.set(data, 28)
      return E.right(bytes)
    },
  })
}

interface WrittenInterface {
  readonly linkType: number
  readonly snapLength: number
  readonly scale: TimeScale
}

/** A block with its type, both lengths and its options in place; the body of `bodyBytes` from byte 8 on is zero. */
const emptyBlock = (
  blockType: number,
  bodyBytes: number,
  options: readonly PcapngOption[],
  littleEndian: boolean,
): { readonly bytes: Uint8Array; readonly view: DataView } => {
  const length = 8 + bodyBytes + optionsLength(options) + 4
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, blockType, littleEndian)
  view.setUint32(4, length, littleEndian)
  writeOptions(view, 8 + bodyBytes, options, littleEndian)
  view.setUint32(length - 4, length, littleEndian)
  return { bytes, view }
}

const sectionHeader = (options: readonly PcapngOption[], littleEndian: boolean): Uint8Array => {
  const { bytes, view } = emptyBlock(BlockType.SectionHeader, 16, options, littleEndian)
  view.setUint32(8, BYTE_ORDER_MAGIC, littleEndian)
  view.setUint16(12, 1, littleEndian)
  // The section's length is not known while it is written: all ones.
  view.setBigInt64(16, -1n, littleEndian)
  return bytes
}

const interfaceOptions = (
  { name, resolution = NANOSECONDS, offsetSeconds = 0n }: InterfaceToWrite,
  littleEndian: boolean,
): Either<string, { readonly options: readonly PcapngOption[]; readonly scale: TimeScale }> => {
  const resolutionByte = resolutionToByte(resolution)
  if (resolutionByte === undefined) return E.left(`timestamp exponent ${resolution.exponent} is not in 0..127`)
  if (BigInt.asIntN(64, offsetSeconds) !== offsetSeconds)
    return E.left(`time offset ${offsetSeconds} s does not fit 64 bits`)
  if (holdsZero(name)) return E.left('interface name with a zero octet, where readers end it')
  const options: PcapngOption[] = []
  if (name !== undefined) options.push(textOption(OptionCode.InterfaceName, name))
  if (options.some(({ value }) => value.length > MAX_INTERFACE_NAME_BYTES))
    return E.left(`interface name of more than ${MAX_INTERFACE_NAME_BYTES} bytes`)
  options.push({ code: OptionCode.InterfaceResolution, value: Uint8Array.of(resolutionByte) })
  if (offsetSeconds !== 0n) {
    const value = new Uint8Array(8)
    new DataView(value.buffer).setBigInt64(0, offsetSeconds, littleEndian)
    options.push({ code: OptionCode.InterfaceTimeOffset, value })
  }
  return E.right({ options, scale: timeScale(resolution, offsetSeconds) })
}

const optionsOf = ({ direction, comment }: PacketToWrite, littleEndian: boolean): readonly PcapngOption[] => {
  const options: PcapngOption[] = []
  if (comment !== undefined) options.push(textOption(OptionCode.Comment, comment))
  if (direction !== undefined) {
    const value = new Uint8Array(4)
    new DataView(value.buffer).setUint32(0, direction === 'inbound' ? 1 : 2, littleEndian)
    options.push({ code: OptionCode.PacketFlags, value })
  }
  return options
}

const isTooLong = ({ value }: PcapngOption): boolean => value.length > MAX_OPTION_BYTES

const unwritable = (packet: number, reason: string): Either<CaptureWriteError, never> =>
  E.left({ _tag: 'Unwritable', packet, reason })
