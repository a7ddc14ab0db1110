/** A packet socket on one interface: how it is set up, read, written, and taken down. */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import type { NicError } from '../nic/nic-error.js'
import { InterfaceControl } from '../native/interface-control.js'
import {
  AF_PACKET, Errno, ETH_P_ALL, MSG_DONTWAIT, PacketOption, promiscuous, SO_ERROR, SO_RCVBUFFORCE, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_RAW, sockaddrLl,
  SOL_PACKET, SOL_SOCKET, TPACKET_V2,
} from '../native/layout.js'
import type { Linux } from '../native/linux.js'
import { type Device, drop } from '../native/device.js'
import { systemError } from '../native/system-error.js'
import { FRAME_HEADROOM } from '../nic/frame-batch.js'
import { LongFrames } from './long-frames.js'
import type { AfPacketSettings } from './options.js'
import { ReceiveRing, ringShape } from './receive-ring.js'

/** Bytes of long frames that may wait in the socket's queue. */
const LONG_BYTES = 8 << 20

const HINTS = {
  NeedsPrivilege: 'a packet socket takes CAP_NET_RAW, and CAP_NET_ADMIN for its buffers: run as root, or setcap cap_net_raw,cap_net_admin+ep on the node binary',
  NotFound: 'ip link lists the interfaces of this network namespace',
}

/** Opens the socket and sets it up; it receives frames once it is started. If anything fails, nothing stays open. */
export const openPacketDevice = (linux: Linux, settings: AfPacketSettings): Either<NicError, Device> => {
  const { name } = settings
  const control = new InterfaceControl(linux)
  const undo: (() => void)[] = [() => control.close()]
  const fail = (errno: number, what: string): Either<NicError, never> => {
    for (const step of undo.reverse()) step()
    return left(systemError(name, 'open', errno, what, HINTS))
  }
  const index = control.index(settings.interface)
  if (index < 0) return fail(-index, `interface ${settings.interface}`)
  const mac = control.mac(settings.interface)
  if (mac === undefined) return fail(Errno.EOPNOTSUPP, `interface ${settings.interface} is no Ethernet`)
  const fd = linux.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  if (fd < 0) return fail(linux.errno(), 'a packet socket')
  undo.push(() => linux.close(fd))
  const option = (level: number, which: number, value: ArrayBuffer): boolean => linux.setsockopt(fd, level, which, linux.addressOf(value), value.byteLength) === 0
  const packet = (which: keyof typeof PacketOption, ...value: number[]): boolean => option(SOL_PACKET, PacketOption[which], Int32Array.from(value).buffer)
  const bind = (protocol: number): number => {
    const address = sockaddrLl(index, protocol)
    return linux.bind(fd, linux.addressOf(address), address.byteLength) === 0 ? 0 : linux.errno()
  }
  const shape = ringShape(control.state(index)?.mtu ?? 0, linux.getpagesize())
  const refused =
    !packet('IGNORE_OUTGOING', 1) ? 'PACKET_IGNORE_OUTGOING'
    : !packet('VERSION', TPACKET_V2) ? 'PACKET_VERSION'
    : !packet('VNET_HDR', 1) ? 'PACKET_VNET_HDR'
    : !packet('RESERVE', FRAME_HEADROOM) ? 'PACKET_RESERVE'
    : !packet('COPY_THRESH', 1) ? 'PACKET_COPY_THRESH'
    : settings.bypassQueueing && !packet('QDISC_BYPASS', 1) ? 'PACKET_QDISC_BYPASS'
    : !option(SOL_SOCKET, SO_RCVBUFFORCE, Int32Array.of(LONG_BYTES).buffer) ? 'SO_RCVBUFFORCE'
    : !packet('RX_RING', shape.blockBytes, (shape.slots * shape.slotBytes) / shape.blockBytes, shape.slotBytes, shape.slots) ? 'PACKET_RX_RING'
    : undefined
  if (refused !== undefined) return fail(linux.errno(), refused)
  const ring = ReceiveRing.map(linux, fd, shape)
  if (ring === undefined) return fail(linux.errno(), 'mapping the ring')
  undo.push(() => ring.close())
  const bound = bind(0)
  if (bound !== 0) return fail(bound, `bind to ${settings.interface}`)
  if (settings.promiscuous && !option(SOL_PACKET, PacketOption.ADD_MEMBERSHIP, promiscuous(index))) return fail(linux.errno(), 'promiscuous mode')

  const answer = new Uint32Array(3)
  const ask = (level: number, which: number, bytes: number): boolean => {
    answer[2] = bytes
    const at = linux.addressOf(answer.buffer)
    return linux.getsockopt(fd, level, which, at, at + 8) === 0
  }
  let long: LongFrames | undefined
  return right({
    name,
    fd,
    mac: mac === '' ? undefined : mac,
    offloads: { checksum: settings.offloads, segmentation: settings.offloads },
    start: () => {
      const errno = bind(ETH_P_ALL)
      // One that is down is bound all the same, and gets its frames when it comes up.
      return errno === 0 || errno === Errno.ENETDOWN ? right(undefined) : left(systemError(name, 'start', errno, `bind to ${settings.interface}`, HINTS))
    },
    state: () => control.state(index),
    receive: (drops) => {
      const batch = ring.take(drops)
      if (batch !== undefined) return batch
      if (long === undefined) {
        if (ring.takeLong(1, () => undefined) === 0) return undefined
        long = new LongFrames(linux, fd)
      }
      return long.take(ring, drops)
    },
    release: () => ring.release(),
    transmit: (queue) => {
      while (queue.count > 0) {
        const took = linux.sendmmsg(fd, queue.messages, queue.count, MSG_DONTWAIT)
        if (took < 0) return linux.errno()
        queue.took(took)
      }
      return 0
    },
    addDrops: (drops) => {
      if (ask(SOL_PACKET, PacketOption.STATISTICS, 8)) drop(drops, 'Overrun', answer[1] ?? 0)
    },
    clearError: () => {
      ask(SOL_SOCKET, SO_ERROR, 4)
    },
    close: () => {
      ring.close()
      linux.close(fd)
      control.close()
    },
  })
}
