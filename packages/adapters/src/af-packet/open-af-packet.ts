/** Opening a NIC on an existing interface. */
import { type Either, isLeft, right } from 'fp-ts/lib/Either.js'
import type { NicError } from '../nic/nic-error.js'
import type { Nic } from '../nic/nic.js'
import { loadLinux } from '../native/linux.js'
import { makeLiveNic } from '../native/live-nic.js'
import { type AfPacketOptions, readOptions } from './options.js'
import { openPacketDevice } from './packet-device.js'

/**
 * Opens a NIC on an interface that exists: a physical one as an uplink, a veth towards a namespace. It sees every frame that comes in
 * there, next to the system's own stack, which should have no address on it; what it sends, the stack does not see.
 *
 * Frames of local stacks come unfinished, and their `offload` word says so; those with VLAN tags come with them. An interface that goes down
 * is told as `LinkDown` and comes up again by itself; one that is deleted, as `Gone`.
 *
 * Takes Linux on x86_64 or arm64, the package koffi, CAP_NET_RAW and CAP_NET_ADMIN. Fails as `BadOptions`, `NeedsKoffi`, `Unsupported`, `NeedsPrivilege`,
 * `NotFound`, `System`.
 *
 * @example
 * ```ts no-run
 * const uplink = await openAfPacket({ interface: 'eth1' })
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
