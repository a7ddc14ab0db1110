/** Options of a packet socket, and how they are checked. */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import type { NicError } from '../nic/nic-error.js'
import { isInterfaceName } from '../native/interface-control.js'
import { badOptions } from '../native/system-error.js'

/** Options of {@link openAfPacket}. */
export interface AfPacketOptions {
  /** The interface, as `ip link` lists it in this process's network namespace. */
  readonly interface: string
  /** Name of the NIC in errors and reports; `interface` unless given. */
  readonly name?: string
  /** Whether to receive frames for other MACs than the interface's; `true` unless given. A switch needs them. */
  readonly promiscuous?: boolean
  /**
   * Whether `send` takes unfinished frames, for the kernel or the device to finish; `false` unless given. For a veth
   * whose other end is a virtual machine or a namespace. Received frames may be unfinished in any case; their `offload` word says so.
   */
  readonly offloads?: boolean
  /**
   * Whether frames go to the device past its queueing discipline (`PACKET_QDISC_BYPASS`); `false` unless given. Then neither a capture on
   * the interface nor its egress filters see them. It pays on physical devices with a queueing discipline; a veth has none.
   */
  readonly bypassQueueing?: boolean
}

/** Options with everything filled in. */
export type AfPacketSettings = Required<AfPacketOptions>

/** Checks the options and fills in what was left out; `BadOptions` says which is wrong. */
export const readOptions = (options: AfPacketOptions): Either<NicError, AfPacketSettings> => {
  const { promiscuous = true, offloads = false, bypassQueueing = false } = options
  const name = options.name ?? options.interface
  if (!isInterfaceName(options.interface)) return left(badOptions(name, `interface is the name of one, 1 to 15 bytes, not '${options.interface}'`))
  return right({ interface: options.interface, name, promiscuous, offloads, bypassQueueing })
}
