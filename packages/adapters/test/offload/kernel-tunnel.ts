/**
 * Runs inside a network namespace at either end of a tunnel: `receive INTERFACE PORT` takes a TCP stream, and meanwhile finishes what
 * passes the interface below the tunnel; `send HOST PORT BYTES` sends one.
 *
 * The receiver writes `listening`, and when the stream has ended one line of JSON, a {@link Seen}.
 */
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { type FrameView, L4, makeFrameView, orThrow, parseFrame, Reason, Slot, Verify, wire } from '@vfp-ts/core'
import { segmentOf } from '../../src/nic/frame-batch.js'
import { AF_PACKET, ETH_P_ALL, PacketOption, SOCK_NONBLOCK, SOCK_RAW, sockaddrLl, SOL_PACKET } from '../../src/native/layout.js'
import { loadLinux } from '../../src/native/linux.js'
import { FinishCode } from '../../src/offload/finish-code.js'
import { Segmenter } from '../../src/offload/segment.js'
import { readVirtioHeader, VIRTIO_NET_HEADER } from '../../src/offload/virtio-net-header.js'

/** What passed below the tunnel. */
export interface Seen {
  /** Bytes of the stream. */
  readonly bytes: number
  /** Headers that were not understood. */
  readonly refused: number
  /** Frames in the tunnel that were unfinished, and those among them to be segmented. */
  readonly unfinished: number
  readonly toSegment: number
  /** Frames made of these, and those of them that have a bad checksum or do not parse. */
  readonly made: number
  readonly bad: number
}

const receive = async (name: string, port: number): Promise<void> => {
  const linux = orThrow(await loadLinux('test'))
  const fd = linux.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0)
  const on = Int32Array.of(1).buffer
  const address = sockaddrLl(Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8')), ETH_P_ALL)
  if (linux.setsockopt(fd, SOL_PACKET, PacketOption.VNET_HDR, linux.addressOf(on), 4) < 0) throw new Error(`PACKET_VNET_HDR: errno ${linux.errno()}`)
  if (linux.bind(fd, linux.addressOf(address), address.byteLength) < 0) throw new Error(`bind: errno ${linux.errno()}`)

  const seen = { bytes: 0, refused: 0, unfinished: 0, toSegment: 0, made: 0, bad: 0 }
  const buffer = new ArrayBuffer(0x1_1000)
  const bytes = new Uint8Array(buffer)
  const view = makeFrameView()
  const segmenter = new Segmenter()
  const take = (): void => {
    for (let length = 0; (length = linux.read(fd, linux.addressOf(buffer), buffer.byteLength)) > 0; ) {
      const offload = readVirtioHeader(bytes, 0, VIRTIO_NET_HEADER, length, view)
      if (offload < 0) seen.refused++
      // its view is that of the frame; answers of the host itself are not tunnelled
      if (offload <= 0 || view.slots[Slot.L4_KIND] !== L4.Udp) continue
      seen.unfinished++
      if (segmentOf(offload) > 0) seen.toSegment++
      const code = segmenter.segment(bytes, VIRTIO_NET_HEADER, length, offload, (room, start, end) => {
        seen.made++
        if (!isWhole(view, room, start, end)) seen.bad++
        return true
      })
      if (code !== FinishCode.Ok) seen.bad++
    }
  }
  const server = createServer((socket) => {
    socket.on('data', (chunk) => {
      seen.bytes += chunk.length
      take()
    })
    socket.on('end', () => {
      take()
      server.close()
      socket.end()
      process.stdout.write(`${JSON.stringify(seen satisfies Seen)}\n`)
    })
  })
  server.listen(port, () => process.stdout.write('listening\n'))
}

/** Whether all checksums of the segment are right. Behind another port than the parser's the frame inside is looked at by itself. */
const isWhole = (view: FrameView, bytes: Uint8Array, start: number, end: number): boolean => {
  if (parseFrame(view, bytes, start, end, undefined, Verify.All) !== Reason.Ok) return false
  const inside = (view.slots[Slot.PAYLOAD] ?? 0) + wire.vxlan.VXLAN_LENGTH
  return view.depth === 2 || parseFrame(view, bytes, inside, end, undefined, Verify.All) === Reason.Ok
}

const [role, where = '', port = '0', bytes = '0'] = process.argv.slice(2)
if (role === 'receive') await receive(where, Number(port))
else if (role === 'send') connect({ host: where, port: Number(port) }).end(Buffer.alloc(Number(bytes), 7)).resume()
