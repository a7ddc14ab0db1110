/**
 * A NIC that outlives the port it is plugged into.
 *
 * A host closes a NIC that it is to unplug, and a NIC starts once. But when a configuration is read again, a port may change its
 * address, or its name, and the virtual machine behind it is still the same: its interface should not go away and come back.
 * So the NIC is started here, at once, and the host gets a loan, whose end closes nothing. What comes while nobody has it is lost.
 */
import * as E from 'fp-ts/lib/Either.js'
import { type Nic, type NicError, type Receiver, SendCode } from '@vfp-ts/adapters/nic'

/** A started NIC. */
export interface KeptNic {
  readonly nic: Nic
  /** Whether it is open and may come back by itself: not after a failure that closed it. */
  readonly usable: () => boolean
  /** The NIC as somebody's own, until he closes it; a loan before that one hears nothing any more. */
  readonly lend: () => Nic
  /** Closes it for good. */
  readonly close: () => Promise<void>
}

/** Starts a NIC; closes it if it refuses. */
export const keepNic = async (nic: Nic): Promise<E.Either<NicError, KeptNic>> => {
  let usable = true
  let holder: Receiver | undefined
  const started = nic.start({
    frames: (batch) => { holder?.frames(batch) },
    drained: () => { holder?.drained?.() },
    link: (state) => { holder?.link?.(state) },
    mtu: (bytes) => { holder?.mtu?.(bytes) },
    pathMtu: (destination, bytes) => { holder?.pathMtu?.(destination, bytes) },
    failed: (error) => {
      if (!error.retryable) usable = false
      holder?.failed?.(error)
    },
  })
  if (E.isLeft(started)) {
    await nic.close()
    return started
  }
  const lend = (): Nic => {
    let own: Receiver | undefined
    let closed = false
    return {
      name: nic.name, mac: nic.mac, offloads: nic.offloads,
      mtu: () => nic.mtu(),
      link: () => nic.link(),
      start: (receiver) => {
        if (own !== undefined || closed) {
          const reason = closed ? 'it was closed' : 'it was started already'
          return E.left({ _tag: 'NicError', nic: nic.name, operation: 'start', code: 'BadState', reason, retryable: false })
        }
        own = holder = receiver
        return E.right(undefined)
      },
      send: (bytes, start, end, offload) => (closed || own === undefined ? SendCode.Closed : nic.send(bytes, start, end, offload)),
      flush: () => { nic.flush() },
      counters: () => nic.counters(),
      close: async () => {
        nic.flush()
        closed = true
        if (holder === own) holder = undefined
      },
    }
  }
  return E.right({
    nic,
    usable: () => usable,
    lend,
    close: async () => {
      usable = false
      await nic.close()
    },
  })
}
