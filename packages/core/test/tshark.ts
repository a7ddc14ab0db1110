/** What tshark says of frames, for conformance tests. The capture file is written here, so that nothing but its dissectors is under test. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A row a frame, with the values of `fields` as tshark prints them; an absent one is empty. `options` are more of its arguments. */
export const askTshark = (
  frames: readonly Uint8Array[], fields: readonly string[], preferences: readonly string[], options: readonly string[] = [],
): readonly (readonly string[])[] => {
  const directory = mkdtempSync(join(tmpdir(), 'vfp-tshark-'))
  try {
    const file = join(directory, 'frames.pcap')
    writeFileSync(file, pcap(frames))
    const text = execFileSync(
      'tshark', ['-n', '-r', file, '-T', 'fields', ...fields.flatMap((field) => ['-e', field]), ...preferences.flatMap((preference) => ['-o', preference]), ...options],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 26 },
    )
    return text.replace(/\n$/, '').split('\n').map((line) => fields.map((_, i) => line.split('\t')[i] ?? ''))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** All values of a field that occurs more than once, separated by commas. */
export const EVERY_OCCURRENCE: readonly string[] = ['-E', 'occurrence=a', '-E', 'aggregator=,']

const ETHERNET = 1
const MOST_BYTES = 262_144

/** Little-endian, microseconds, all at time 0. @see libpcap, pcap-savefile(5) */
const pcap = (frames: readonly Uint8Array[]): Buffer =>
  Buffer.concat([
    u32(0xa1b2c3d4), u32(0x0004_0002), u32(0), u32(0), u32(MOST_BYTES), u32(ETHERNET),
    ...frames.flatMap((frame) => [u32(0), u32(0), u32(frame.length), u32(frame.length), frame]),
  ])

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
