/** The connecting end: for a QEMU that listens (`server=on`), or for another NIC of this library. */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { createConnection, type Socket } from 'node:net'
import type { NicError } from '../nic/nic-error.js'
import { type QemuAddress, type QemuNic, type QemuOptions, type QemuSettings, readOptions, systemError } from './qemu-options.js'
import { makeStreamNic } from './stream-nic.js'

/**
 * Connects to a listening end: a QEMU with `server=on`, or {@link openQemuNic}. If nothing listens there, it fails as `NotFound` or `PeerGone`;
 * wrong options are `BadOptions`. A connection that is lost later is reported as `PeerGone`, and tried again every `retryMs` until it succeeds.
 *
 * @example
 * ```ts compile
 * import { connectQemuNic } from '@vfp-ts/adapters/qemu'
 * import { orThrow } from '@vfp-ts/core'
 *
 * const nic = orThrow(await connectQemuNic({ address: { path: '/run/vm-1.sock' } }))
 * orThrow(nic.start({ frames: ({ count }) => console.log(`${count} frames of the guest`) }))
 * ```
 */
export const connectQemuNic = async (options: QemuOptions): Promise<Either<NicError, QemuNic>> => {
  const settings = readOptions(options)
  if (isLeft(settings)) return settings
  const { address, name, retryMs } = settings.right
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let dialled: Socket | undefined

  const retry = (): void => {
    timer = setTimeout(() => {
      timer = undefined
      dialled = dial(address, (result) => {
        dialled = undefined
        if (result instanceof Error) {
          if (!closed) retry()
        } else stream.attach(result)
      })
    }, retryMs)
  }
  const stream = makeStreamNic(settings.right, {
    lost: retry,
    release: async () => {
      closed = true
      clearTimeout(timer)
      dialled?.destroy()
    },
  })
  const first = await firstConnection(settings.right)
  if (first instanceof Error) return left(systemError(name, 'open', first))
  stream.attach(first)
  return right({ ...stream.nic, address })
}

const firstConnection = ({ address }: QemuSettings): Promise<Socket | Error> => new Promise((resolve) => dial(address, resolve))

/** Connects; calls `done` once with the socket, without listeners, or the error. Does not call it if the socket is destroyed before. */
const dial = (address: QemuAddress, done: (result: Socket | Error) => void): Socket => {
  const socket = createConnection(address)
  const failed = (error: Error): void => done(error)
  socket.once('error', failed)
  socket.once('connect', () => {
    socket.off('error', failed)
    done(socket)
  })
  return socket
}
