/**
 * The kernel as the judge of headers and of segments: what `writeVirtioHeader` says of a frame, it understands, and what it then makes of
 * the frame on an interface that can do nothing by itself, is what is made here.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { makeFrameView } from '@vfp-ts/core'
import type { FrameConstraints } from '@vfp-ts/core/testing'
import type { ExecutionContext } from 'ava'
import { testNeeding } from '@vfp-ts/needs'
import fc from 'fast-check'
import { isPartial, offloadOf, segmentOf } from '../../src/nic/frame-batch.js'
import { readVirtioHeader, VIRTIO_NET_HEADER, writeVirtioHeader } from '../../src/offload/virtio-net-header.js'
import { cutByHand, cuttable, spoilt, type Unfinished, unfinished, withTransport } from './frames.js'

const test = testNeeding('network namespaces', 'packet sockets', 'koffi', 'ip', 'ethtool')

const MAC = 0x02_00_00_00_00_07

/** Frames through a veth pair in a namespace of its own, which can do nothing by itself, or leaves them `unfinished`, with headers that say so. */
const throughKernel = (
  t: ExecutionContext,
  frames: readonly Uint8Array[],
  expected: number,
  how: 'finished' | 'unfinished',
): readonly string[] => {
  const namespace = `vfp-${process.pid}-${how}`
  const offload = how === 'finished' ? 'off' : 'on'
  const ip = (...args: readonly string[]): void => void execFileSync('ip', [...args], { stdio: 'pipe' })
  ip('netns', 'add', namespace)
  t.teardown(() => ip('netns', 'delete', namespace))
  ip('-n', namespace, 'link', 'add', 'near', 'mtu', '9000', 'type', 'veth', 'peer', 'name', 'far', 'mtu', '9000')
  for (const name of ['near', 'far']) {
    execFileSync('ip', ['netns', 'exec', namespace, 'ethtool', '-K', name, 'tx', offload, 'tso', offload, 'gso', offload, 'gro', 'off'], { stdio: 'pipe' })
    ip('-n', namespace, 'link', 'set', name, 'up', 'promisc', 'on')
  }
  const script = fileURLToPath(new URL('kernel-line.js', import.meta.url))
  const source = MAC.toString(16).padStart(12, '0')
  const ran = spawnSync('ip', ['netns', 'exec', namespace, process.execPath, script, 'near', 'far', String(expected), source, ...(how === 'finished' ? [] : ['headers'])], {
    input: JSON.stringify(frames.map((frame) => Buffer.from(frame).toString('hex'))), encoding: 'utf8', maxBuffer: 1 << 26, timeout: 60_000,
  })
  t.is(ran.stderr, '')
  return JSON.parse(ran.stdout) as string[]
}

/** No urgent data, whose pointer the kernel leaves as it is; and no extension headers, some of which it cuts at no price. */
const constraints = (network: 'ipv4' | 'ipv6'): FrameConstraints => ({
  ...cuttable, maxGroups: 1, network: [network], options: network === 'ipv4', padding: false, macs: [MAC], maxPayload: 3000,
})

interface Sample extends Unfinished {
  readonly size: number
  /** With our header in front. */
  readonly handed: Uint8Array
}

const samplesOf = (t: ExecutionContext, more: FrameConstraints): readonly Sample[] =>
  fc
    .sample(
      fc.tuple(fc.constantFrom('ipv4', 'ipv6').chain((network) => unfinished({ ...constraints(network), ...more })), fc.integer({ min: 88, max: 1400 }), fc.boolean()), 60)
    .map(([frame, most, cut]) => {
      const value = withTransport(frame.value, (header) => (header.kind === 'tcp' ? { ...header, flags: header.flags & ~0x20, urgent: 0 } : header))
      const sample = spoilt(value, 0x1234, 0, 0)
      const size = cut ? most : 0
      const handed = new Uint8Array(VIRTIO_NET_HEADER + sample.bytes.length)
      t.true(writeVirtioHeader(handed, 0, sample.bytes, 0, sample.bytes.length, offloadOf(true, size), makeFrameView()))
      handed.set(sample.bytes, VIRTIO_NET_HEADER)
      return { ...sample, size, handed }
    })

test('live: the kernel understands the headers, and makes the same segments', (t) => {
  const samples = samplesOf(t, {})
  const ours = samples.flatMap(({ value, size }) => cutByHand(value, size === 0 ? 0xffff : size))
  t.true(ours.length > samples.length)
  t.deepEqual(throughKernel(t, samples.map(({ handed }) => handed), ours.length, 'finished'), ours.map(withoutTag))
})

test('live: the headers that the kernel writes tell the same as ours', (t) => {
  const samples = samplesOf(t, { maxVlans: 0 })
  const arrived = throughKernel(t, samples.map(({ handed }) => handed), samples.length, 'unfinished')
  t.is(arrived.length, samples.length)
  for (const [i, text] of arrived.entries()) {
    const bytes = Uint8Array.from(Buffer.from(text, 'hex'))
    const { value, size, handed } = samples[i]!
    const word = readVirtioHeader(bytes, 0, VIRTIO_NET_HEADER, bytes.length, makeFrameView())
    t.deepEqual([isPartial(word), segmentOf(word)], [true, value.payload.length > size ? size : 0])
    t.deepEqual(bytes.subarray(VIRTIO_NET_HEADER), handed.subarray(VIRTIO_NET_HEADER))
  }
})

/** As a packet socket reads it: the outermost tag goes another way. */
const withoutTag = (frame: Uint8Array): string => {
  const text = Buffer.from(frame).toString('hex')
  return text.slice(0, 24) + (/^(8100|88a8)/.test(text.slice(24)) ? text.slice(32) : text.slice(24))
}
