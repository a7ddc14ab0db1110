/** What is finished here, as tshark sees it: no bad checksum on any layer, nothing malformed, nothing missing of a TCP stream. */
import { testNeeding } from '@vfp-ts/needs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeFrameView, orThrow } from '@vfp-ts/core'
import type { FrameConstraints } from '@vfp-ts/core/testing'
import type { ExecutionContext } from 'ava'
import fc from 'fast-check'
import { offloadOf } from '../../src/nic/frame-batch.js'
import { completeChecksum } from '../../src/offload/complete-checksum.js'
import { FinishCode } from '../../src/offload/finish-code.js'
import { Segmenter } from '../../src/offload/segment.js'
import { readVirtioHeader, VIRTIO_NET_HEADER, VirtioNetFlag } from '../../src/offload/virtio-net-header.js'
import { openCaptureWriter } from '../../src/pcap/write.js'
import { tsharkFields } from '../pcap/tshark.js'
import { cuttable, sctpFrame, spoilt, type Unfinished, unfinished } from './frames.js'

const test = testNeeding('tshark')

const PREFERENCES = [
  'ip.check_checksum:TRUE', 'tcp.check_checksum:TRUE', 'udp.check_checksum:TRUE', 'udp.ignore_ipv6_zero_checksum:TRUE', 'sctp.checksum:CRC 32c', 'eth.fcs:Never',
]
const CHECKSUMS = ['ip.checksum.status', 'tcp.checksum.status', 'udp.checksum.status', 'sctp.checksum.status'] as const
/** Ports of no protocol, and no payload of a known one. */
const constraints: FrameConstraints = { ...cuttable, ports: [50011, 50012], maxPayload: 600 }

const asked = async (frames: readonly Uint8Array[], fields: readonly string[]): Promise<readonly (readonly string[])[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'vfp-offload-'))
  try {
    const path = join(folder, 'segments.pcapng')
    const out = orThrow(await openCaptureWriter(path))
    for (const data of frames) orThrow(await out.write({ data, timestampNs: 1_700_000_000_000_000_000n }))
    orThrow(await out.close())
    const rows = []
    for await (const row of tsharkFields(path, fields, PREFERENCES)) rows.push(row)
    return rows
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** 0 is a bad checksum, 1 a good one; more mean that there was nothing to verify. */
const allGood = (t: ExecutionContext, rows: readonly (readonly string[])[]): void => {
  let verified = 0
  for (const [n, [malformed, ...statuses]] of rows.entries()) {
    t.is(malformed, '', `frame ${n + 1} is malformed`)
    const each = statuses.slice(0, CHECKSUMS.length).flatMap((status) => status.split(','))
    t.false(each.includes('0'), `frame ${n + 1} has a bad checksum: ${statuses.join(' ')}`)
    verified += each.filter((status) => status === '1').length
  }
  t.true(verified >= rows.length, `${verified} checksums of ${rows.length} frames were verified`)
}

const segmentsOf = (t: ExecutionContext, { bytes, start, end }: Unfinished, size: number): readonly Uint8Array[] => {
  const segments: Uint8Array[] = []
  t.is(new Segmenter().segment(bytes, start, end, offloadOf(true, size), (room, from, to) => segments.push(room.slice(from, to)) > 0), FinishCode.Ok)
  return segments
}

test.serial('live: tshark finds no bad checksum in segments, inside of any tunnels', async (t) => {
  const samples = fc.sample(fc.tuple(unfinished(constraints), fc.integer({ min: 40, max: 400 })), 100)
  const segments = samples.flatMap(([frame, size]) => segmentsOf(t, { ...frame, ...spoilt(lettersOf(frame), 0x1234, 0x5678, 0) }, size))
  t.true(segments.length > 150)
  allGood(t, await asked(segments, ['_ws.malformed', ...CHECKSUMS]))
})

test.serial('live: tshark finds no bad checksum in completed frames, SCTP among them', async (t) => {
  const frames = fc.sample(unfinished(constraints), 100).map((frame) => {
    const { bytes, start, end } = spoilt(lettersOf(frame), 0xffff, 0x5678, 0)
    t.is(completeChecksum(bytes, start, end, makeFrameView()), FinishCode.Ok)
    return bytes
  })
  const sctp = sctpFrame(Uint8Array.from([0x1f, 0x90, 0x1f, 0x91, 1, 2, 3, 4, 0xff, 0xff, 0xff, 0xff, 11, 0, 0, 4]))
  const bytes = Uint8Array.from([VirtioNetFlag.NeedsChecksum, 0, 0, 0, 0, 0, 34, 0, 8, 0, ...sctp])
  t.is(readVirtioHeader(bytes, 0, VIRTIO_NET_HEADER, bytes.length, makeFrameView()), 0)
  const rows = await asked([...frames, bytes.subarray(VIRTIO_NET_HEADER)], ['_ws.malformed', ...CHECKSUMS])
  allGood(t, rows)
  t.is(rows.at(-1)?.[4], '1')
})

test.serial('live: tshark reads the segments of 64 KB of TCP in VXLAN and Geneve as one stream without a gap', async (t) => {
  for (const tunnels of [['vxlan'], ['geneve']] as const) {
    const inside: FrameConstraints = { ...constraints, transport: ['tcp'], tunnels, minGroups: 2, maxGroups: 2, underlay: ['ipv6'], maxPayload: 0 }
    const [frame] = fc.sample(unfinished(inside), { numRuns: 1, seed: 7 })
    const payload = new Uint8Array(64_000).fill(0x78)
    const segments = segmentsOf(t, spoilt({ ...frame!.value, payload }, 0, 1, 0), 1398)
    const rows = await asked(segments, ['_ws.malformed', ...CHECKSUMS, 'tcp.len', 'tcp.seq_raw', 'tcp.nxtseq', 'tcp.analysis.flags'])
    allGood(t, rows)
    t.is(rows.reduce((sum, row) => sum + Number(row[5]), 0), payload.length)
    for (const [i, row] of rows.entries()) {
      t.is(row[8], '', `segment ${i + 1} is out of order or missing something`)
      const before = rows[i - 1]
      if (before !== undefined) t.is((Number(before[6]) + Number(before[5])) % 2 ** 32, Number(row[6]))
    }
  }
})

/** Some protocols are guessed from the payload alone. */
const lettersOf = ({ value }: Unfinished): Unfinished['value'] => ({ ...value, payload: value.payload.map((byte) => 0x78 | (byte & 1)) })
