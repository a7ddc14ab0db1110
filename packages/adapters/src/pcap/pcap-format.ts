/**
 * The classic capture file: one 24-byte header, then packets, each behind a 16-byte record header.
 *
 * The first four bytes tell the byte order of everything that is not packet data, and whether the fraction of a
 * second counts micro- or nanoseconds. There is no way to skip damage: a record is found only by its predecessor's
 * length.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcap
 */

/** What the magic number stands for when read in the file's own byte order. */
export const PcapMagic = { Microseconds: 0xa1b2c3d4, Nanoseconds: 0xa1b23c4d } as const
export type PcapMagic = (typeof PcapMagic)[keyof typeof PcapMagic]

/** Bytes of the file header. */
export const PCAP_FILE_HEADER_BYTES = 24

/** Bytes of each packet's record header. */
export const PCAP_RECORD_HEADER_BYTES = 16

/** The only version in use: 2.4, since 1998. Earlier ones order the lengths differently. */
export const PCAP_VERSION = { major: 2, minor: 4 } as const

/** The fields of a file header that mean something to readers. */
export interface PcapFileHeader {
  readonly littleEndian: boolean
  readonly magic: PcapMagic
  readonly major: number
  readonly minor: number
  /** Most bytes captured of a packet. Readers must not trust it: files with longer records exist and are well read. */
  readonly snapLength: number
  /** The lower 16 bits of the link-type word; the upper ones tell of a frame check sequence. */
  readonly linkType: number
}

/** A packet's record header. */
export interface PcapRecordHeader {
  readonly seconds: number
  /** Micro- or nanoseconds; not checked to be less than a second. */
  readonly fraction: number
  readonly capturedLength: number
  readonly originalLength: number
}

/** The byte order and resolution of a classic capture by its first four bytes, or `undefined` if it is none. */
export const pcapMagicAt = (view: DataView, at: number): Pick<PcapFileHeader, 'littleEndian' | 'magic'> | undefined => {
  for (const littleEndian of [true, false]) {
    const magic = view.getUint32(at, littleEndian)
    if (magic === PcapMagic.Microseconds || magic === PcapMagic.Nanoseconds) return { littleEndian, magic }
  }
  return undefined
}

/** Reads a file header of {@link PCAP_FILE_HEADER_BYTES} whose magic is known; checks nothing. */
export const readPcapFileHeader = (
  view: DataView,
  at: number,
  { littleEndian, magic }: Pick<PcapFileHeader, 'littleEndian' | 'magic'>,
): PcapFileHeader => ({
  littleEndian,
  magic,
  major: view.getUint16(at + 4, littleEndian),
  minor: view.getUint16(at + 6, littleEndian),
  snapLength: view.getUint32(at + 16, littleEndian),
  linkType: view.getUint32(at + 20, littleEndian) & 0xffff,
})

/** Writes a file header as {@link readPcapFileHeader} reads it. */
export const writePcapFileHeader = (header: Omit<PcapFileHeader, 'major' | 'minor'>): Uint8Array => {
  const bytes = new Uint8Array(PCAP_FILE_HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  const { littleEndian } = header
  view.setUint32(0, header.magic, littleEndian)
  view.setUint16(4, PCAP_VERSION.major, littleEndian)
  view.setUint16(6, PCAP_VERSION.minor, littleEndian)
  view.setUint32(16, header.snapLength, littleEndian)
  view.setUint32(20, header.linkType, littleEndian)
  return bytes
}

/** Reads a record header of {@link PCAP_RECORD_HEADER_BYTES}; checks nothing. */
export const readPcapRecordHeader = (view: DataView, at: number, littleEndian: boolean): PcapRecordHeader => ({
  seconds: view.getUint32(at, littleEndian),
  fraction: view.getUint32(at + 4, littleEndian),
  capturedLength: view.getUint32(at + 8, littleEndian),
  originalLength: view.getUint32(at + 12, littleEndian),
})

/** A whole record: header as {@link readPcapRecordHeader} reads it, then `data`, whose length is the captured one. */
export const writePcapRecord = (
  header: Omit<PcapRecordHeader, 'capturedLength'>,
  data: Uint8Array,
  littleEndian: boolean,
): Uint8Array => {
  const bytes = new Uint8Array(PCAP_RECORD_HEADER_BYTES + data.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, header.seconds, littleEndian)
  view.setUint32(4, header.fraction, littleEndian)
  view.setUint32(8, data.length, littleEndian)
  view.setUint32(12, header.originalLength, littleEndian)
  bytes.set(data, PCAP_RECORD_HEADER_BYTES)
  return bytes
}
