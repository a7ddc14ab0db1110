/** Opening a TAP device. */
import { type Either, isLeft, right } from 'fp-ts/lib/Either.js'
import type { NicError } from '../nic/nic-error.js'
import type { Nic } from '../nic/nic.js'
import { loadLinux } from '../native/linux.js'
import { makeLiveNic } from '../native/live-nic.js'
import { readOptions, type TapOptions } from './options.js'
import { openTapDevice } from './tap-device.js'

/**
 * Opens a TAP device: a network interface of this system whose other end is the NIC. What the system sends there, the NIC delivers, and the
 * other way round. The device is made in the process's network namespace and may be moved (`ip link set tap0 netns vm1`): it goes on working. It is
 * removed when the NIC is closed, unless `persist`. A device that goes down is reported as `LinkDown` and comes up again by itself; one that is
 * deleted, as `Gone`.
 *
 * Needs Linux on x86_64 or arm64, the package koffi, CAP_NET_ADMIN and `/dev/net/tun`. Fails as `BadOptions`, `NeedsKoffi`, `Unsupported`,
 * `NeedsPrivilege`, `Busy`, `System`.
 *
 * Cost: one system call a frame, either way.
 *
 * @example
 * ```ts compile
 * import { renderNicError } from '@vfp-ts/adapters/nic'
 * import { openTap } from '@vfp-ts/adapters/tap'
 * import { isLeft } from 'fp-ts/lib/Either.js'
 *
 * const vm = await openTap({ interface: 'vm1', mac: '02:00:0a:00:00:01', mtu: 1450, up: true })
 * if (isLeft(vm)) console.error(renderNicError(vm.left)) // as `vm1: open: NeedsPrivilege: …`
 * else vm.right.start({ frames: ({ count }) => console.log(`${count} frames`) })
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
