/**
 * Capture files: pcap and pcapng, read and written, streaming.
 *
 * Read with {@link readCapture}, write with {@link openCaptureWriter}. Supported: classic pcap 2.4 with micro- and
 * nanoseconds, pcapng 1.0 with any number of sections and interfaces, both byte orders, gzip. Not supported: the
 * modified and the archaic pcap variants, compression other than gzip, frame check sequence lengths, and the content of
 * statistics, name resolution, decryption and custom blocks, which are skipped.
 *
 * @packageDocumentation
 */
export { readCapture, readWholeCapture } from './read.js'
export type { CaptureSource, ReadOptions } from './read.js'
export { openCaptureWriter } from './write.js'
export type { CaptureTotals, CaptureWriter, WriteOptions } from './write.js'
export type { CaptureSink } from './sink.js'
export * from './codec.js'
