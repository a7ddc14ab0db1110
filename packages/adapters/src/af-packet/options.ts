/** What a packet socket is opened with. */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import type { NicError } from '../nic/nic-error.js'
import { isInterfaceName } from '../native/interface-control.js'
import { badOptions } from '../native/system-error.js'

/** What {@link openAfPacket} takes. */
export interface AfPacketOptions {
  /** The interface, as `ip link` lists it in this process's network namespace. */
  readonly interface: string
  /** Name of the NIC in errors; the interface's unless given. */
  readonly name?: string
  /** Whether to see frames for other addresses than the interface's; `true` unless given. A switch needs them. */
  readonly promiscuous?: boolean
  /**
   * Whether unfinished frames may be given to `send`, for the kernel or the device to finish; `false` unless given. For a veth
   * whose other end is a virtual machine or a namespace. Frames that come may be unfinished either way, and say so.
   */
  readonly offloads?: boolean
  /**
   * Whether frames go to the device past its queueing discipline (`PACKET_QDISC_BYPASS`); `false` unless given. Then neither a capture on
   * the interface nor its egress filters see them. Worth it on physical devices with a queueing discipline; a veth has none.
   */
  readonly bypassQueueing?: boolean
}

/** Options with everything filled in. */
export type AfPacketSettings = Required<AfPacketOptions>

/** The options, checked. */
export const readOptions = (options: AfPacketOptions): Either<NicError, AfPacketSettings> => {
  const { promiscuous = true, offloads = false, bypassQueueing = false } = options
  const name = options.name ?? options.interface
  if (!isInterfaceName(options.interface)) return left(badOptions(name, `interface is the name of one, 1 to 15 bytes, not '${options.interface}'`))
  return right({ interface: options.interface, name, promiscuous, offloads, bypassQueueing })
}
