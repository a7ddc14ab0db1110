import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testNeeding } from '@vfp-ts/needs'
import type { ExecutionContext } from 'ava'
import * as E from 'fp-ts/lib/Either.js'
import type { CapturePacket, PacketToWrite } from '../../src/pcap/packet.js'
import { readCapture } from '../../src/pcap/read.js'
import { openCaptureWriter } from '../../src/pcap/write.js'
import type { WriteOptions } from '../../src/pcap/write.js'
import { orFail } from './captures.js'
import { sharedCaptures } from './shared-captures.js'
import { epochToNs, tsharkFields } from './tshark.js'

// One after another: each tshark takes a hundred megabytes and a processor.
const test = testNeeding('tshark')
const testOfOthers = testNeeding('captures of others', 'tshark')

for (const { name, path } of sharedCaptures()) {
  testOfOthers.serial(`live: ${name} has the packets, times and lengths that tshark reads`, async (t) => {
    const theirs = tsharkFields(path, ['frame.time_epoch', 'frame.cap_len', 'frame.len'])
    let different = 0
    let count = 0
    for await (const item of readCapture(path)) {
      const { timestampNs, data, originalLength } = orFail(item)
      const [epoch = '', captured, length] = (await theirs.next()).value ?? []
      const sameLengths = captured === `${data.length}` && length === `${originalLength}`
      if (!sameLengths || epochToNs(epoch) !== timestampNs) different += 1
      count += 1
    }
    t.is((await theirs.next()).done, true)
    t.is(different, 0)
    t.true(count > 0)
  })
}

/** An ARP request, so that tshark has something to dissect. */
const arp = Uint8Array.from(
  Buffer.from('ffffffffffff00155d000001080600010800060400010' + '0155d0000010a0000040000000000000a000005', 'hex'),
)

const packets: readonly PacketToWrite[] = Array.from({ length: 50 }, (_, n) => ({
  data: n % 7 === 0 ? arp.subarray(0, 30) : arp,
  timestampNs: 1_700_000_000_123_456_789n + BigInt(n) * 1_000_000_007n,
  originalLength: arp.length + (n % 3),
  interfaceId: n % 3,
  ...(n % 4 === 0 ? {} : { direction: n % 4 === 1 ? ('inbound' as const) : ('outbound' as const) }),
  ...(n % 5 === 0 ? { comment: `packet ${n} → vm` } : {}),
}))

const names = ['vm-1', 'vm-2 é', 'underlay']

const written = async (
  t: ExecutionContext,
  file: string,
  options: WriteOptions,
  input: readonly PacketToWrite[],
  check: (path: string) => Promise<void>,
): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'vfp-capture-'))
  try {
    const path = join(folder, file)
    const out = orFail(await openCaptureWriter(path, options))
    for (const packet of input) orFail(await out.write(packet))
    t.like(await out.close(), { _tag: 'Right', right: { packets: input.length } })
    await check(path)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const rowsOf = async (path: string, fields: readonly string[]): Promise<readonly (readonly string[])[]> => {
  const rows = []
  for await (const row of tsharkFields(path, fields)) rows.push(row)
  return rows
}

for (const byteOrder of ['little', 'big'] as const) {
  for (const file of ['wire.pcapng', 'wire.pcapng.gz']) {
    test.serial(`live: tshark reads our ${byteOrder}-endian ${file} with its interfaces, times, directions and comments`, async (t) => {
      const interfaces = names.map((name) => ({ name }))
      await written(t, file, { byteOrder, interfaces, application: 'vfp-ts' }, packets, async (path) => {
        const rows = await rowsOf(path, [
          'frame.time_epoch',
          'frame.cap_len',
          'frame.len',
          'frame.interface_id',
          'frame.interface_name',
          'frame.packet_flags_direction',
          'frame.comment',
        ])
        t.deepEqual(
          rows.map(([epoch = '', ...rest]) => [epochToNs(epoch), ...rest.slice(0, 4), Number(rest[4]), rest[5]]),
          packets.map(({ timestampNs, data, originalLength, interfaceId = 0, direction, comment = '' }) => [
            timestampNs,
            `${data.length}`,
            `${originalLength}`,
            `${interfaceId}`,
            names[interfaceId],
            direction === undefined ? 0 : direction === 'inbound' ? 1 : 2,
            comment,
          ]),
        )
      })
    })
  }

  for (const resolution of ['micro', 'nano'] as const) {
    test.serial(`live: tshark reads our ${byteOrder}-endian pcap in ${resolution}seconds`, async (t) => {
      const tick = resolution === 'nano' ? 1n : 1000n
      const single = packets.map((packet) => ({ ...packet, interfaceId: 0 }))
      await written(t, 'wire.pcap', { format: 'pcap', byteOrder, resolution }, single, async (path) => {
        const rows = await rowsOf(path, ['frame.time_epoch', 'frame.cap_len', 'frame.len', 'eth.dst'])
        t.deepEqual(
          rows.map(([epoch = '', ...rest]) => [epochToNs(epoch), ...rest]),
          single.map(({ timestampNs, data, originalLength }) => [
            (timestampNs / tick) * tick,
            `${data.length}`,
            `${originalLength}`,
            'ff:ff:ff:ff:ff:ff',
          ]),
        )
      })
    })
  }
}

test.serial('live: tshark reads interfaces of other resolutions and offsets at the times that we read', async (t) => {
  const interfaces = [
    { resolution: { base: 10, exponent: 6 } },
    { resolution: { base: 10, exponent: 3 }, offsetSeconds: 1_600_000_000n },
    { resolution: { base: 2, exponent: 10 } },
  ] as const
  await written(t, 'wire.pcapng', { interfaces }, packets, async (path) => {
    const rows = await rowsOf(path, ['frame.time_epoch'])
    const ours: CapturePacket[] = []
    for await (const item of readCapture(path)) if (E.isRight(item)) ours.push(item.right)
    t.deepEqual(
      rows.map(([epoch = '']) => epochToNs(epoch)),
      ours.map(({ timestampNs }) => timestampNs),
    )
  })
})
