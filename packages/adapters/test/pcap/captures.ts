/** Generated captures, and the ways in which tests take them apart. */
import fc from 'fast-check'
import type { Arbitrary } from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import type { Either } from 'fp-ts/lib/Either.js'
import { captureDecoder } from '../../src/pcap/decoder.js'
import type { CaptureEncoder } from '../../src/pcap/encode.js'
import type { CaptureError, CaptureWriteError } from '../../src/pcap/error.js'
import type { ByteOrder, CapturePacket, InterfaceToWrite } from '../../src/pcap/packet.js'
import { pcapEncoder } from '../../src/pcap/pcap-encoder.js'
import { pcapngEncoder } from '../../src/pcap/pcapng-encoder.js'
import type { DecodeOptions } from '../../src/pcap/step.js'
import { ticksToNs, timeScale } from '../../src/pcap/timestamp.js'
import type { TimestampResolution } from '../../src/pcap/timestamp.js'

/** A generated capture: its bytes, the packets it holds, and the offsets at which it may end in good order. */
export interface GeneratedCapture {
  readonly bytes: Uint8Array
  readonly packets: readonly CapturePacket[]
  /** Ascending; each with the number of packets that end at or before it. */
  readonly ends: readonly { readonly offset: number; readonly packets: number }[]
}

/** Everything a decoder says of the chunks. */
export const decodeAll = (
  chunks: Iterable<Uint8Array>,
  options: DecodeOptions = {},
): { packets: CapturePacket[]; error: CaptureError | undefined; capacity: number } => {
  const decoder = captureDecoder(options)
  const packets: CapturePacket[] = []
  let error: CaptureError | undefined
  const drain = (): void => {
    for (let item = decoder.next(); item !== undefined; item = decoder.next()) {
      if (E.isLeft(item)) error = item.left
      else packets.push(item.right)
    }
  }
  for (const chunk of chunks) {
    decoder.push(chunk)
    drain()
  }
  decoder.end()
  drain()
  return { packets, error, capacity: decoder.bufferedCapacity() }
}

/** The bytes cut into chunks of the given lengths, over and over; lengths are at least 1. */
export function* chunksOf(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, n = 0; at < bytes.length; n += 1) {
    const length = lengths[n % lengths.length] ?? bytes.length
    yield bytes.subarray(at, at + length)
    at += length
  }
}

/** The same as an asynchronous stream, which overwrites each chunk once the next is asked for. */
export async function* reusedChunksOf(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunksOf(bytes, lengths)) {
    const lent = chunk.slice()
    yield lent
    lent.fill(0xee)
  }
}

export const concat = (parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.concat(parts))

/** The value, or the test fails with the error. */
export const orFail = <A>(result: Either<CaptureWriteError | CaptureError, A>): A => {
  if (E.isLeft(result)) throw new Error(JSON.stringify(result.left))
  return result.right
}

/** A raw pcapng block around a body, padded; `trailing` forges the trailing length. */
export const rawBlock = (
  blockType: number,
  body: Uint8Array,
  byteOrder: ByteOrder,
  { total, trailing }: { readonly total?: number; readonly trailing?: number } = {},
): Uint8Array => {
  const length = 12 + Math.ceil(body.length / 4) * 4
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, blockType, byteOrder === 'little')
  view.setUint32(4, total ?? length, byteOrder === 'little')
  bytes.set(body, 8)
  view.setUint32(length - 4, trailing ?? total ?? length, byteOrder === 'little')
  return bytes
}

export const byteOrder: Arbitrary<ByteOrder> = fc.constantFrom('little', 'big')

export const chunkLengths: Arbitrary<number[]> = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 8, max: 5000 })),
  { minLength: 1, maxLength: 8 },
)

/** Resolutions that a present-day tick count survives, and their scale. */
export const resolution: Arbitrary<TimestampResolution> = fc.oneof(
  fc.record({ base: fc.constant(10 as const), exponent: fc.integer({ min: 0, max: 12 }) }),
  fc.record({ base: fc.constant(2 as const), exponent: fc.integer({ min: 0, max: 40 }) }),
)

const data = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  fc.integer({ min: 0, max: 3000 }).map((length) => new Uint8Array(length).fill(0x5a)),
)
const text = fc.string({ unit: 'binary', maxLength: 20 }).map((any) => any.replaceAll('\0', ''))
const maybe = <A>(arbitrary: Arbitrary<A>): Arbitrary<A | undefined> => fc.option(arbitrary, { nil: undefined })

/** Drops the keys whose value is undefined, as `exactOptionalPropertyTypes` asks. */
const present = <A>(key: string, value: A | undefined): Record<string, A> => (value === undefined ? {} : { [key]: value })

interface Wish {
  readonly data: Uint8Array
  readonly cut: number
  readonly time: bigint
  readonly pick: number
  readonly direction: 'inbound' | 'outbound' | undefined
  readonly comment: string | undefined
  /** Bytes of an unknown block before the packet, pcapng only. */
  readonly noise: Uint8Array | undefined
}

const wish: Arbitrary<Wish> = fc.record({
  data,
  cut: fc.nat({ max: 2000 }),
  time: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  pick: fc.nat(),
  direction: maybe(fc.constantFrom('inbound' as const, 'outbound' as const)),
  comment: maybe(text),
  noise: maybe(fc.uint8Array({ maxLength: 40 })),
})

/** A classic capture in either byte order and resolution. */
export const pcapCapture: Arbitrary<GeneratedCapture> = fc
  .record({
    byteOrder,
    resolution: fc.constantFrom('micro' as const, 'nano' as const),
    linkType: fc.constantFrom(1, 0, 101, 113, 65_535),
    wishes: fc.array(wish, { maxLength: 6 }),
  })
  .map(({ wishes, ...options }) => {
    const encoder = orFail(pcapEncoder(options))
    const tick = options.resolution === 'nano' ? 1n : 1000n
    const file = fileOf(encoder)
    for (const { data, cut, time } of wishes) {
      file.packet({
        data,
        originalLength: data.length + cut,
        timestampNs: ((time % (1_000_000_000n << 32n)) / tick) * tick,
        interfaceId: 0,
        section: 0,
        linkType: options.linkType,
        byteOrder: options.byteOrder,
      })
    }
    return file.done()
  })

const interfaceToWrite: Arbitrary<InterfaceToWrite> = fc
  .record({
    name: maybe(text),
    linkType: fc.constantFrom(1, 0, 101, 276),
    snapLength: fc.constantFrom(0, 3000, 262_144),
    resolution,
    offsetSeconds: fc.constantFrom(0n, 1_600_000_000n, -5n),
  })
  .map(({ name, ...rest }) => ({ ...rest, ...present('name', name) }))

/** A pcapng capture of several sections, each in its own byte order with its own interfaces, and unknown blocks. */
export const pcapngCapture: Arbitrary<GeneratedCapture> = fc
  .array(
    fc.record({
      byteOrder,
      application: maybe(text),
      interfaces: fc.array(interfaceToWrite, { minLength: 1, maxLength: 3 }),
      wishes: fc.array(wish, { maxLength: 5 }),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((sections) => {
    const files = sections.map(({ byteOrder, application, interfaces, wishes }, section) => {
      const file = fileOf(orFail(pcapngEncoder({ byteOrder, ...present('application', application) })))
      interfaces.forEach((each) => file.addInterface(each))
      for (const { data, cut, time, pick, direction, comment, noise } of wishes) {
        if (noise !== undefined) file.noise(rawBlock(0x0bad_0000 + noise.length, noise, byteOrder))
        const interfaceId = pick % interfaces.length
        const { resolution, offsetSeconds = 0n, name, linkType = 1 } = interfaces[interfaceId] ?? {}
        file.packet({
          data,
          originalLength: data.length + cut,
          timestampNs: ticksToNs(timeScale(resolution ?? { base: 10, exponent: 9 }, offsetSeconds), time),
          interfaceId,
          section,
          linkType,
          byteOrder,
          ...present('interfaceName', name),
          ...present('direction', direction),
          ...present('comment', comment),
        })
      }
      return file.done()
    })
    return files.reduce(joined)
  })

const joined = (a: GeneratedCapture, b: GeneratedCapture): GeneratedCapture => ({
  bytes: concat([a.bytes, b.bytes]),
  packets: [...a.packets, ...b.packets],
  ends: [
    ...a.ends,
    ...b.ends.map((end) => ({ offset: end.offset + a.bytes.length, packets: end.packets + a.packets.length })),
  ],
})

/** Collects an encoder's output. */
const fileOf = (encoder: CaptureEncoder) => {
  const parts = [encoder.start]
  const packets: CapturePacket[] = []
  let offset = encoder.start.length
  const ends = [{ offset, packets: 0 }]
  const add = (bytes: Uint8Array): void => {
    parts.push(bytes)
    offset += bytes.length
    ends.push({ offset, packets: packets.length })
  }
  return {
    noise: add,
    addInterface: (description: InterfaceToWrite): void => add(orFail(encoder.addInterface(description)).bytes),
    packet: (packet: CapturePacket): void => {
      const bytes = orFail(encoder.packet(packet))
      packets.push(packet)
      add(bytes)
    },
    done: (): GeneratedCapture => ({ bytes: concat(parts), packets, ends }),
  }
}
