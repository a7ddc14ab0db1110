/** Opening a NIC on an existing interface. */
import { type Either, isLeft, right } from 'fp-ts/lib/Either.js'
import type { NicError } from '../nic/nic-error.js'
import type { Nic } from '../nic/nic.js'
import { loadLinux } from '../native/linux.js'
import { makeLiveNic } from '../native/live-nic.js'
import { type AfPacketOptions, readOptions } from './options.js'
import { openPacketDevice } from './packet-device.js'

/**
 * Opens a NIC on an interface that exists: a physical one as an uplink, or a veth towards a namespace. It receives every frame that comes in
 * there, beside the system's own stack: give the interface no address, or that stack answers as well. The stack does not see what the NIC sends.
 *
 * Frames of local stacks come unfinished, and their `offload` word says so; VLAN tags are in the frame. An interface that goes down
 * is reported as `LinkDown` and comes up again by itself; one that is deleted, as `Gone`.
 *
 * Needs Linux on x86_64 or arm64, the package koffi, CAP_NET_RAW and CAP_NET_ADMIN. Fails as `BadOptions`, `NeedsKoffi`, `Unsupported`, `NeedsPrivilege`,
 * `NotFound`, `System`.
 *
 * Cost: frames are received without a copy and without a system call each, from a ring shared with the kernel; up to 512 leave in one call.
 *
 * @example
 * ```ts compile
 * import { openAfPacket } from '@vfp-ts/adapters/af-packet'
 * import { openHost } from '@vfp-ts/adapters/host'
 * import { orThrow } from '@vfp-ts/core'
 *
 * const host = openHost()
 * orThrow(host.uplink(orThrow(await openAfPacket({ interface: 'eth1' }))))
 * ```
 */
export const openAfPacket = async (options: AfPacketOptions): Promise<Either<NicError, Nic>> => {
  const settings = readOptions(options)
  if (isLeft(settings)) return settings
  const linux = await loadLinux(settings.right.name)
  if (isLeft(linux)) return linux
  const device = openPacketDevice(linux.right, settings.right)
  return isLeft(device) ? device : right(makeLiveNic(linux.right, device.right))
}
