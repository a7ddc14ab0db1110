/** The decoder of classic captures: the file header, then record by record. */
import type { ByteStream } from './byte-stream.js'
import { DEFAULT_MAX_PACKET_BYTES } from './packet.js'
import { faultStep, PROGRESS } from './step.js'
import type { DecodeOptions, FormatDecoder, Step } from './step.js'
import {
  PCAP_FILE_HEADER_BYTES,
  PCAP_RECORD_HEADER_BYTES,
  PCAP_VERSION,
  PcapMagic,
  readPcapFileHeader,
  readPcapRecordHeader,
} from './pcap-format.js'
import type { PcapFileHeader } from './pcap-format.js'
import { MICROSECONDS, NANOSECONDS, ticksToNs, timeScale } from './timestamp.js'

/** Decodes a classic capture at whose magic the stream stands. */
export const pcapDecoder = (
  stream: ByteStream,
  start: Pick<PcapFileHeader, 'littleEndian' | 'magic'>,
  options: DecodeOptions,
): FormatDecoder => {
  const maxPacketBytes = options.maxPacketBytes ?? DEFAULT_MAX_PACKET_BYTES
  const copies = options.data !== 'view'
  const fractions = timeScale(start.magic === PcapMagic.Nanoseconds ? NANOSECONDS : MICROSECONDS, 0n)
  let file: PcapFileHeader | undefined

  const readHeader = (): Step => {
    const offset = stream.position
    if (stream.available < PCAP_FILE_HEADER_BYTES)
      return { _tag: 'Need', what: 'pcap file header', offset, bytes: PCAP_FILE_HEADER_BYTES, mayEnd: false }
    const header = readPcapFileHeader(stream.view, stream.start, start)
    if (header.major !== PCAP_VERSION.major || header.minor !== PCAP_VERSION.minor)
      return faultStep('UnsupportedVersion', offset, `pcap of version ${header.major}.${header.minor}, only 2.4 is known`)
    stream.skip(PCAP_FILE_HEADER_BYTES)
    file = header
    return PROGRESS
  }

  const readRecord = ({ littleEndian, linkType }: PcapFileHeader): Step => {
    const offset = stream.position
    if (stream.available < PCAP_RECORD_HEADER_BYTES)
      return { _tag: 'Need', what: 'packet record', offset, bytes: PCAP_RECORD_HEADER_BYTES, mayEnd: true }
    const record = readPcapRecordHeader(stream.view, stream.start, littleEndian)
    if (record.capturedLength > maxPacketBytes)
      return faultStep('TooLong', offset, `captured length ${record.capturedLength}, at most ${maxPacketBytes} is accepted`)
    const bytes = PCAP_RECORD_HEADER_BYTES + record.capturedLength
    if (stream.available < bytes) return { _tag: 'Need', what: 'packet record', offset, bytes, mayEnd: false }
    const data = stream.bytes(PCAP_RECORD_HEADER_BYTES, record.capturedLength)
    stream.skip(bytes)
    return {
      _tag: 'Packet',
      packet: {
        data: copies ? data.slice() : data,
        originalLength: record.originalLength,
        timestampNs: BigInt(record.seconds) * 1_000_000_000n + ticksToNs(fractions, BigInt(record.fraction)),
        interfaceId: 0,
        section: 0,
        linkType,
        byteOrder: littleEndian ? 'little' : 'big',
      },
    }
  }

  return { step: () => (file === undefined ? readHeader() : readRecord(file)) }
}
