/** Options of a TAP device, and how they are checked. */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import type { NicError } from '../nic/nic-error.js'
import { isInterfaceName } from '../native/interface-control.js'
import { badOptions } from '../native/system-error.js'

/** Options of {@link openTap}. */
export interface TapOptions {
  /** The device's name, 1–15 bytes; it is made if it does not exist. With one `%d` in it, as `tap%d`, the system puts a free number there. */
  readonly interface: string
  /** Name of the NIC in errors and reports; `interface` unless given. */
  readonly name?: string
  /** The device's MAC, as `02:00:00:00:00:01`, no group address; the system's choice unless given. */
  readonly mac?: string
  /** MTU to set: largest network packet in bytes, 68–65,521. Unless given it stays as it is, 1,500 for a new device. */
  readonly mtu?: number
  /** Whether to set the device up; `false` unless given. */
  readonly up?: boolean
  /** Whether the device stays after it is closed; `false` unless given. To remove one that stayed, open it with `false` and close it. */
  readonly persist?: boolean
  /**
   * Whether frames may be unfinished, both ways; `true` unless given. Then the stack at the device leaves checksums and
   * segmentation to this program, and takes frames without computed checksums. With `false` it finishes all that it sends.
   */
  readonly offloads?: boolean
}

/** Options with everything filled in. */
export interface TapSettings {
  readonly interface: string
  readonly name: string
  readonly mac: string | undefined
  readonly mtu: number | undefined
  readonly up: boolean
  readonly persist: boolean
  readonly offloads: boolean
}

/** Checks the options and fills in what was left out; `BadOptions` says which is wrong. */
export const readOptions = (options: TapOptions): Either<NicError, TapSettings> => {
  const { mac, mtu, up = false, persist = false, offloads = true } = options
  const name = options.name ?? options.interface
  if (!isInterfaceName(options.interface)) return left(badOptions(name, `interface is a name of 1 to 15 bytes, not '${options.interface}'`))
  if (/%(?!d)|%d.*%/.test(options.interface)) return left(badOptions(name, 'interface may have one %d, and no other %'))
  if (mac !== undefined && (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac) || parseInt(mac.slice(0, 2), 16) % 2 === 1)) {
    return left(badOptions(name, `mac is the address of one interface, as 02:00:00:00:00:01, not '${mac}'`))
  }
  if (mtu !== undefined && !(Number.isInteger(mtu) && mtu >= 68 && mtu <= MOST)) return left(badOptions(name, `mtu is a whole number from 68 to ${MOST}`))
  return right({ interface: options.interface, name, mac, mtu, up, persist, offloads })
}

/** What Linux allows a TAP device: 65,535 less an Ethernet header. */
const MOST = 65_521
