/**
 * Capture files as bytes, without files, streams or gzip: what a browser can do as well.
 *
 * Read with {@link captureDecoder}, write with {@link pcapEncoder} and {@link pcapngEncoder}. `@vfp-ts/adapters/pcap` has all of it too, and files.
 *
 * @packageDocumentation
 */
export { DEFAULT_MAX_PACKET_BYTES, LinkType } from './packet.js'
export type { ByteOrder, CaptureDirection, CapturePacket, InterfaceToWrite, PacketToWrite } from './packet.js'
export { MICROSECONDS, NANOSECONDS } from './timestamp.js'
export type { TimestampResolution } from './timestamp.js'
export { renderCaptureError, renderCaptureWriteError } from './error.js'
export type { CaptureError, CaptureErrorTag, CaptureWriteError } from './error.js'
export { captureDecoder } from './decoder.js'
export type { CaptureDecoder } from './decoder.js'
export type { DecodeOptions } from './step.js'
export { pcapEncoder } from './pcap-encoder.js'
export type { PcapEncoderOptions } from './pcap-encoder.js'
export { pcapngEncoder } from './pcapng-encoder.js'
export type { PcapngEncoderOptions } from './pcapng-encoder.js'
export type { CaptureEncoder } from './encode.js'
