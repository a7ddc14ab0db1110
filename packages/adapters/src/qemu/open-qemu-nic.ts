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
 * The link is up while a guest is connected. A guest may leave and come back; a second one waits until the first is gone. What
 * is no frame (`BadPeer`) ends the connection, and the NIC listens on.
 *
 * A unix socket's file that nobody listens on is taken over; one that somebody does is `Busy`. Where the file is removed while
 * the NIC is open, a guest that is there is not disturbed, and the socket is made again at once. The directory is watched for that, so
 * a busy one such as `/tmp` wakes the process for nothing: give sockets a directory of their own.
 *
 * @example
 * ```ts no-run
 * const nic = orThrow(await openQemuNic({ address: { path: '/run/vfp/vm-1.sock' } }))
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
