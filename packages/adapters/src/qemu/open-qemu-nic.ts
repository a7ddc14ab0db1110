/** The listening end: QEMU connects to it, and so may anything else that speaks the framing. */
import { type Either, isLeft, right } from 'fp-ts/lib/Either.js'
import type { NicError } from '../nic/nic-error.js'
import { listenTcp, type Listener, listenUnix } from './listener.js'
import { type QemuNic, type QemuOptions, readOptions } from './qemu-options.js'
import { makeStreamNic } from './stream-nic.js'

/**
 * Listens for a guest's NIC: `-netdev stream,id=n0,server=off,addr.type=unix,addr.path=PATH` on QEMU's side, or `addr.type=inet` with
 * host and port. Needs no privileges.
 *
 * The link is up while a guest is connected. A guest may leave and come back; a second one waits until the first is gone. A connection that
 * brings what is no frame is ended (`BadPeer`), and the NIC goes on listening.
 *
 * A unix socket's file on which no process listens is taken over; one on which a process listens is `Busy`. If the file is removed while
 * the NIC is open, a connected guest is not disturbed, and the socket is made again at once. The directory is watched for that, so
 * a busy one such as `/tmp` wakes the process needlessly: give sockets a directory of their own.
 *
 * Fails as `BadOptions`, `Busy`, `NotFound`, `NeedsPrivilege`, `System`.
 *
 * @example
 * ```ts
 * import { connectQemuNic, openQemuNic } from '@vfp-ts/adapters/qemu'
 * import { orThrow } from '@vfp-ts/core'
 *
 * const nic = orThrow(await openQemuNic({ address: { host: '127.0.0.1', port: 0 } }))
 * const came = new Promise((resolve) => nic.start({ frames: ({ length }) => resolve(length[0]) }))
 * const guest = orThrow(await connectQemuNic({ address: nic.address })) // in practice QEMU
 * orThrow(guest.start({ frames: () => undefined }))
 * guest.send(new Uint8Array(60), 0, 60)
 * console.log(await came)
 * await guest.close()
 * await nic.close()
 * ```
 *
 * ```text output
 * 60
 * ```
 */
export const openQemuNic = async (options: QemuOptions): Promise<Either<NicError, QemuNic>> => {
  const settings = readOptions(options)
  if (isLeft(settings)) return settings
  const held: { listener?: Listener } = {}
  const stream = makeStreamNic(settings.right, {
    // It listens all the time.
    lost: () => undefined,
    release: async () => held.listener?.close(),
  })
  const { address } = settings.right
  const made = await ('path' in address
    ? listenUnix(settings.right, address.path, { connection: stream.attach, failed: stream.fail })
    : listenTcp(settings.right, address, { connection: stream.attach, failed: stream.fail }))
  if (isLeft(made)) {
    // A guest may have come before it failed.
    await stream.nic.close()
    return made
  }
  held.listener = made.right
  return right({ ...stream.nic, address: made.right.address })
}
