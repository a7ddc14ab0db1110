/**
 * A TAP device: how it is made, read, written, and given up.
 *
 * The system reads and writes one frame a call here: there is no `recvmmsg` for `/dev/net/tun`. So a frame costs a call of koffi
 * and one of the system each way: 2.9 µs of processor time from a TAP device to a packet socket, 1.5 the other way, 2.0 between two packet sockets (60
 * bytes, no engine, `bench/live-nic-rates.ts`). A veth and a packet socket are the faster way into a namespace.
 *
 * Frames are read one behind the other into a buffer with room for the longest, and a batch ends where that might not fit any more: short frames lie close together, and long ones need no memory of their own.
 *
 * The device may be moved to another network namespace after it was made. Its file goes on working; the interface's state cannot be asked
 * for by name any more, but the file tells by being writable whether the interface is up, and by an error that it was deleted. The MTU is then
 * the last one that was known, and going down shows when something is sent.
 */
import { type FrameView, makeFrameView } from '@vfp-ts/core'
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import { FRAME_HEADROOM, type FrameBatch, makeFrameBatch } from '../nic/frame-batch.js'
import type { NicError } from '../nic/nic-error.js'
import { InterfaceControl } from '../native/interface-control.js'
import {
  Errno, IFF_NO_PI, IFF_TAP, IFF_VNET_HDR, IFNAMSIZ, IFREQ_BYTES, O_CLOEXEC, O_NONBLOCK, O_RDWR, POLLERR, POLLOUT, TUN_F_CHECKSUM_AND_TCP,
  TUN_F_UDP_SEGMENTS, TUNSETIFF, TUNSETOFFLOAD, TUNSETPERSIST, TUNSETVNETHDRSZ,
} from '../native/layout.js'
import type { Linux } from '../native/linux.js'
import { type Device, type DeviceState, type Drops, drop } from '../native/device.js'
import { badOptions, systemError } from '../native/system-error.js'
import { readVirtioHeader, REFUSED, VIRTIO_NET_HEADER, virtioHeaderRefusal } from '../offload/virtio-net-header.js'
import type { SendQueue } from '../native/send-queue.js'
import type { TapSettings } from './options.js'

/** Frames of a batch. */
const BATCH_FRAMES = 64
/** The longest packet with its headers. */
const LONGEST = 65_535 + 64
const BUFFER_BYTES = 8 * (FRAME_HEADROOM + LONGEST)

const HINTS = {
  NeedsPrivilege: 'a TAP device takes CAP_NET_ADMIN and /dev/net/tun: run as root, or setcap cap_net_admin+ep on the node binary',
  Unsupported: 'there is no /dev/net/tun: modprobe tun; in a container, give it the device',
  Busy: 'another program has the device',
}

/** Makes the device, or opens one that exists. If anything fails, nothing stays open. */
export const openTapDevice = (linux: Linux, settings: TapSettings): Either<NicError, Device> => {
  const { name } = settings
  const fd = linux.open('/dev/net/tun', O_RDWR | O_NONBLOCK | O_CLOEXEC)
  if (fd < 0) return left(systemError(name, 'open', linux.errno(), '/dev/net/tun', HINTS))
  const control = new InterfaceControl(linux)
  const close = (): void => {
    control.close()
    linux.close(fd)
  }
  const request = Buffer.from(new ArrayBuffer(IFREQ_BYTES))
  request.write(settings.interface, 0, IFNAMSIZ - 1)
  request.writeUInt16LE(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, IFNAMSIZ)
  if (linux.ioctl(fd, TUNSETIFF, linux.addressOf(request.buffer)) < 0) {
    const errno = linux.errno()
    close()
    const reason = `interface ${settings.interface} is there, and no TAP device`
    return left(errno === Errno.EINVAL ? badOptions(name, reason) : systemError(name, 'open', errno, `TUNSETIFF ${settings.interface}`, HINTS))
  }
  const device = request.toString('utf8', 0, request.indexOf(0))
  const refused = setUp(linux, fd, control, device, settings)
  if (refused !== undefined) {
    close()
    return left(refused)
  }
  return right(makeDevice(linux, fd, control, device, settings, close))
}

const setUp = (linux: Linux, fd: number, control: InterfaceControl, device: string, settings: TapSettings): NicError | undefined => {
  const failed = (errno: number, what: string): NicError => systemError(settings.name, 'open', errno, `${what} of ${device}`, HINTS)
  const headerSize = Int32Array.of(VIRTIO_NET_HEADER)
  if (linux.ioctl(fd, TUNSETVNETHDRSZ, linux.addressOf(headerSize.buffer)) < 0) return failed(linux.errno(), 'TUNSETVNETHDRSZ')
  // UDP segments are younger than the others.
  const offered = settings.offloads ? [TUN_F_CHECKSUM_AND_TCP | TUN_F_UDP_SEGMENTS, TUN_F_CHECKSUM_AND_TCP] : [0]
  if (!offered.some((bits) => linux.ioctl(fd, TUNSETOFFLOAD, bits) === 0)) return failed(linux.errno(), 'TUNSETOFFLOAD')
  const { mac, mtu, up, persist } = settings
  const errno = mac === undefined ? 0 : control.setMac(device, mac)
  if (errno !== 0) return failed(errno, 'the address')
  const mtuErrno = mtu === undefined ? 0 : control.setMtu(device, mtu)
  if (mtuErrno !== 0) return failed(mtuErrno, 'the MTU')
  const upErrno = up ? control.setUp(device) : 0
  if (upErrno !== 0) return failed(upErrno, 'setting up')
  // Last, so that a device that was refused does not stay.
  return linux.ioctl(fd, TUNSETPERSIST, persist ? 1 : 0) < 0 ? failed(linux.errno(), 'TUNSETPERSIST') : undefined
}

const makeDevice = (linux: Linux, fd: number, control: InterfaceControl, device: string, settings: TapSettings, close: () => void): Device => {
  const index = control.index(device)
  const reader = new FrameReader(linux, fd)
  const pollfd = new Int16Array(4)
  new DataView(pollfd.buffer).setInt32(0, fd, true)
  pollfd[2] = POLLOUT
  let mtu = settings.mtu ?? 1500
  return {
    name: settings.name,
    fd,
    mac: control.mac(device) ?? settings.mac,
    offloads: { checksum: settings.offloads, segmentation: settings.offloads },
    start: () => right(undefined),
    state: (): DeviceState | undefined => {
      const here = control.state(index)
      if (here !== undefined) {
        mtu = here.mtu
        return { ...here, writableWhenUp: true }
      }
      pollfd[3] = 0
      linux.poll(linux.addressOf(pollfd.buffer), 1, 0)
      const events = pollfd[3]
      return (events & POLLERR) !== 0 ? undefined : { up: (events & POLLOUT) !== 0, mtu, writableWhenUp: true }
    },
    receive: (drops) => reader.read(drops),
    release: () => undefined,
    transmit: (queue) => write(linux, fd, queue),
    addDrops: () => undefined,
    clearError: () => undefined,
    close,
  }
}

const write = (linux: Linux, fd: number, queue: SendQueue): number => {
  while (queue.count > 0) {
    if (linux.write(fd, queue.address, queue.length) < 0) return linux.errno()
    queue.took(1)
  }
  return 0
}

class FrameReader {
  readonly #linux: Linux
  readonly #fd: number
  readonly #memory = new ArrayBuffer(BUFFER_BYTES)
  readonly #address: number
  readonly #batch: FrameBatch = makeFrameBatch(BATCH_FRAMES, 0, new Uint8Array(this.#memory))
  readonly #view: FrameView = makeFrameView()

  constructor(linux: Linux, fd: number) {
    this.#linux = linux
    this.#fd = fd
    this.#address = linux.addressOf(this.#memory)
  }

  /** Reads the frames that wait, as many as the batch has room for; returns `undefined` if there are none. */
  read(drops: Drops): FrameBatch | undefined {
    const { bytes, start, length, offload } = this.#batch
    let count = 0
    let refused = 0
    let at = FRAME_HEADROOM
    while (count < BATCH_FRAMES && at + LONGEST <= BUFFER_BYTES) {
      const got = this.#linux.read(this.#fd, this.#address + at - VIRTIO_NET_HEADER, VIRTIO_NET_HEADER + LONGEST)
      if (got < 0) break
      const end = at + got - VIRTIO_NET_HEADER
      const word = readVirtioHeader(bytes, at - VIRTIO_NET_HEADER, at, end, this.#view)
      if (word === REFUSED) {
        drop(drops, virtioHeaderRefusal(bytes, at - VIRTIO_NET_HEADER, at, end, this.#view) ?? 'Malformed')
        refused++
        if (refused === BATCH_FRAMES) break
        continue
      }
      start[count] = at
      length[count] = end - at
      offload[count] = word
      count++
      at = (end + 63 + FRAME_HEADROOM) & ~63
    }
    if (count === 0 && refused === 0) return undefined
    this.#batch.count = count
    return this.#batch
  }
}
