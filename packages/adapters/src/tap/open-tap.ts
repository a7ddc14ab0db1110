/** Opening a TAP device. */
import { type Either, isLeft, right } from 'fp-ts/lib/Either.js'
import type { NicError } from '../nic/nic-error.js'
import type { Nic } from '../nic/nic.js'
import { loadLinux } from '../native/linux.js'
import { makeLiveNic } from '../native/live-nic.js'
import { readOptions, type TapOptions } from './options.js'
import { openTapDevice } from './tap-device.js'

/**
 * Opens a TAP device: a network interface of this system whose other end we are. What the system sends there is received here, and the
 * other way round. It is made in the process's network namespace and may be moved (`ip link set tap0 netns vm1`): it goes on working.
 *
 * Takes Linux on x86_64 or arm64, the package koffi, CAP_NET_ADMIN and `/dev/net/tun`. Fails as `BadOptions`, `NeedsKoffi`, `Unsupported`,
 * `NeedsPrivilege`, `Busy`, `System`.
 *
 * @example
 * ```ts no-run
 * const vm = await openTap({ interface: 'vm1', mtu: 1450, up: true })
 * ```
 */
export const openTap = async (options: TapOptions): Promise<Either<NicError, Nic>> => {
  const settings = readOptions(options)
  if (isLeft(settings)) return settings
  const linux = await loadLinux(settings.right.name)
  if (isLeft(linux)) return linux
  const device = openTapDevice(linux.right, settings.right)
  return isLeft(device) ? device : right(makeLiveNic(linux.right, device.right))
}
