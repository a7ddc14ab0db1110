/** The part that TAP and AF_PACKET share, over a medium that does fill up: a pair of sockets that keep packets apart. */
import { testNeeding } from '@vfp-ts/needs'
import { isRight, right } from 'fp-ts/lib/Either.js'
import { Errno } from '../../src/native/layout.js'
import { type Linux, loadLinux } from '../../src/native/linux.js'
import type { Device } from '../../src/native/device.js'
import { makeLiveNic } from '../../src/native/live-nic.js'
import { makeFrameBatch, type Nic, SendCode, slotStart } from '../../src/nic/index.js'
import { type ComplianceBench, complianceCases } from '../../src/testing/index.js'
import { orThrow } from './or-throw.js'

const SLOTS = 8
const FRAME_BYTES = 2_048
const HEADER = 10

const test = testNeeding('koffi')
let linux: Linux
let socketpair: (...args: unknown[]) => number
test.before(async () => {
  linux = orThrow(await loadLinux('test'))
  const { default: koffi } = await import('koffi')
  socketpair = koffi.load(null).func('int socketpair(int family, int type, int protocol, void *fds)') as typeof socketpair
})

/** Both ends of a pair of AF_UNIX, SOCK_SEQPACKET, non-blocking sockets. */
const pair = (): readonly [number, number] => {
  const fds = new Int32Array(2)
  socketpair(1, 5 | 0x800 | 0x8_0000, 0, fds)
  return [fds[0] ?? -1, fds[1] ?? -1]
}

const device = (calls: Linux, name: string, fd: number, over: Partial<Device> = {}): Device => {
  const batch = makeFrameBatch(SLOTS, FRAME_BYTES)
  const address = calls.addressOf(batch.bytes.buffer as ArrayBuffer)
  return {
    name,
    fd,
    mac: undefined,
    offloads: { checksum: false, segmentation: false },
    start: () => right(undefined),
    state: () => ({ up: true, mtu: 1500 }),
    receive: () => {
      batch.count = 0
      while (batch.count < SLOTS) {
        const at = slotStart(batch.count, FRAME_BYTES)
        const got = calls.read(fd, address + at - HEADER, FRAME_BYTES)
        if (got <= HEADER) break
        batch.start[batch.count] = at
        batch.length[batch.count] = got - HEADER
        batch.offload[batch.count] = 0
        batch.count++
      }
      return batch.count === 0 ? undefined : batch
    },
    release: () => undefined,
    transmit: (queue) => {
      while (queue.count > 0) {
        if (calls.write(fd, queue.address, queue.length) < 0) return calls.errno()
        queue.took(1)
      }
      return 0
    },
    addDrops: () => undefined,
    clearError: () => undefined,
    close: () => void calls.close(fd),
    ...over,
  }
}

const bench: ComplianceBench = {
  frames: 200_000,
  open: async () => {
    const [a, b] = pair()
    return { nic: makeLiveNic(linux, device(linux, 'a', a)), peer: makeLiveNic(linux, device(linux, 'b', b)) }
  },
}

for (const { title, run } of complianceCases) {
  test.serial(`live NIC: ${title}`, async (t) => {
    await run(bench)
    t.pass()
  })
}

const FRAME = new Uint8Array(60)

const started = (nic: Nic): Nic => {
  orThrow(nic.start({ frames: () => undefined }))
  return nic
}

test.serial('live NIC: a frame that the system refuses is counted, and those behind it leave', async (t) => {
  const [a, b] = pair()
  let calls = 0
  const nic = started(
    makeLiveNic(linux, device(linux, 'a', a, {
      transmit: (queue) => {
        if (++calls === 1) return Errno.EMSGSIZE
        if (calls === 2) return Errno.EINVAL
        queue.took(queue.count)
        return 0
      },
    })),
  )
  for (let i = 0; i < 5; i++) nic.send(FRAME, 0, 60)
  nic.flush()
  t.is(nic.counters().sent, 3)
  t.deepEqual(nic.counters().sendDrops, { TooLong: 1, System: 1 })
  await nic.close()
  linux.close(b)
})

test.serial('live NIC: a device without room is tried again, in order, and drained is told after Full', async (t) => {
  const [a, b] = pair()
  let room = false
  const nic = makeLiveNic(linux, device(linux, 'a', a, {
    transmit: (queue) => {
      if (!room) return Errno.ENOBUFS
      queue.took(queue.count)
      return 0
    },
  }))
  const drained = new Promise<void>((resolve) => orThrow(nic.start({ frames: () => undefined, drained: resolve })))
  let taken = 0
  let code: SendCode = SendCode.Ok
  for (; code === SendCode.Ok; taken++) code = nic.send(FRAME, 0, 60)
  t.is(code, SendCode.Full)
  room = true
  await drained
  t.is(nic.counters().sent, taken - 1)
  await nic.close()
  linux.close(b)
})

test.serial('live NIC: a link that a send finds down is told, loses the queue, and comes up again', async (t) => {
  const [a, b] = pair()
  let up = true
  const told: string[] = []
  const nic = makeLiveNic(linux, device(linux, 'a', a, {
    state: () => ({ up, mtu: 1500, writableWhenUp: true }),
    transmit: (queue) => {
      if (!up) return Errno.EIO
      queue.took(queue.count)
      return 0
    },
  }))
  const failed = new Promise<void>((resolve) => {
    orThrow(nic.start({
      frames: () => undefined,
      link: (state) => void told.push(state),
      failed: ({ code, retryable }) => {
        told.push(`${code} ${retryable}`)
        resolve()
      },
    }))
  })
  up = false
  t.is(nic.send(FRAME, 0, 60), SendCode.Ok)
  t.deepEqual(told, [])
  await failed
  t.deepEqual(told, ['down', 'LinkDown true'])
  t.is(nic.send(FRAME, 0, 60), SendCode.LinkDown)
  t.deepEqual(nic.counters().sendDrops, { LinkDown: 2 })
  up = true
  while (nic.link() !== 'up') await new Promise((resolve) => setImmediate(resolve))
  t.is(nic.send(FRAME, 0, 60), SendCode.Ok)
  await nic.close()
  linux.close(b)
})

test.serial('linux: is loaded once', async (t) => {
  const again = await loadLinux('test')
  t.true(isRight(again) && again.right === linux)
})
