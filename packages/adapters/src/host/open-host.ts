/**
 * Wires a switch to NICs.
 *
 * **Frames.** A NIC's batch goes through its port, or from the uplink to the port it is for, in the NIC's own buffer; what leaves is
 * sent while the batch is under way, and every NIC that got something is flushed once behind it. What leaves at another time
 * (packets that waited for a resource, answers to the clock) is flushed at once. Nothing is allocated per frame.
 *
 * **Fairness.** All NICs share one event loop. A NIC delivers a batch of bounded size and then lets the loop go on, so a VM that
 * floods gets its turn and no more; what it sends beyond that piles up in its own NIC and is dropped there. What
 * leaves for a NIC whose queue is full is dropped there too and delays no other: the host keeps no queue.
 *
 * **Unfinished frames** (checksums and segmentation left to hardware) stay unfinished from one VM to another whose NIC takes them,
 * and are finished for any other NIC. One so long that a tunnel around it would not fit an IP packet is cut before it enters the switch, and so is one that
 * holds several packets of a tunnel.
 * To such a NIC finished TCP segments of one batch that continue each other go joined, as one frame to be segmented (`join.ts`).
 *
 * The one timer is for flows and packets that grew old, no frame waits for it. It does not keep the process alive, and runs as long as the host
 * is open.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { clockFromMs, openSwitch, type PortIdentity, type Switch } from '@vfp-ts/core'
import type { FrameBatch } from '../nic/frame-batch.js'
import type { Nic } from '../nic/nic.js'
import { Finisher, Joiner } from '../offload/index.js'
import { backgroundTimers, type Timers } from '../nic/timers.js'
import { Chopper } from './chopper.js'
import type { Host, HostError, HostOptions, HostReport, NicReport } from './host.js'

/** Flows a port looks at in one round of expiry: some milliseconds' worth, so that a million flows are gone through in sixteen rounds. */
const EXPIRE_BUDGET = 65_536

/** Bounds of an MTU of IP; that of a loopback interface is beyond. */
const LEAST_MTU = 68
const MOST_MTU = 65_535

/**
 * Opens a host without ports or NICs: add ports to its `switch`, and plug NICs into them. Frames of a VM's NIC go through its port; what leaves
 * a port goes to the NIC it is for, finished first if that NIC cannot do it; old flows and packets that waited too long are let go by a timer.
 *
 * - **Time and randomness.** The switch has the system's time unless `clock` or `timers` is given, and a random `hashSeed` unless it is given.
 * - **MTU.** The switch takes the uplink's MTU for the network's, and follows when it changes. It also learns the MTUs of paths from an underlay.
 * - **Failure.** A NIC counts what it cannot send; that it failed goes to `onNic`. It stays plugged in until it is unplugged, and the other ports
 *   go on. A port that is removed from the switch closes its NIC.
 *
 * Cost: nothing is allocated per frame. A frame passes in the buffer of the NIC that delivered it, and is copied once, into the queue of the
 * NIC that sends it.
 *
 * @example
 * ```ts
 * import { openHost } from '@vfp-ts/adapters/host'
 * import { memoryPair } from '@vfp-ts/adapters/memory'
 * import { buildFrame, orThrow } from '@vfp-ts/core'
 *
 * const host = openHost()
 * const vms = ['00:15:5d:00:00:01', '00:15:5d:00:00:02'].map((mac, i) => {
 *   const { a, b } = memoryPair() // on a machine: openTap, openAfPacket, openQemuNic
 *   orThrow(host.switch.addPort({ name: `vm-${i}`, mac }))
 *   orThrow(host.plug(`vm-${i}`, a))
 *   return b
 * })
 * const [from, to] = vms
 * const came = new Promise((resolve) => to?.start({ frames: ({ count }) => resolve(count) }))
 * from?.start({ frames: () => undefined })
 * const ping = orThrow(buildFrame({ proto: 'icmp', srcIp: '10.0.0.1', dstIp: '10.0.0.2', dstMac: '00:15:5d:00:00:02' }))
 * from?.send(ping, 0, ping.length)
 * console.log(await came, host.report().ports.map(({ name, nic }) => `${name}: ${nic?.counters.received} in`).join(', '))
 * await host.close()
 * ```
 *
 * ```text output
 * 1 vm-0: 1 in, vm-1: 0 in
 * ```
 */
export const openHost = (options: HostOptions = {}): Host => new LiveHost(options)

/** A NIC in its place. */
interface Plug {
  /** The port's name; `undefined` for the uplink. */
  readonly port: string | undefined
  readonly nic: Nic
  /** Joins segments on their way to a VM whose NIC takes them joined. */
  readonly joiner: Joiner | undefined
  /** Whether frames were given to it since it was last flushed. */
  touched: boolean
}

class LiveHost implements Host {
  readonly switch: Switch
  readonly #options: HostOptions
  readonly #timers: Timers
  readonly #finisher = new Finisher()
  readonly #fromVm = new Chopper('vm')
  readonly #fromNetwork = new Chopper('network')
  readonly #plugs = new Map<string, Plug>()
  readonly #touched: Plug[] = []
  readonly #leaving = new Set<Promise<void>>()
  #uplink: Plug | undefined
  /** The uplink's MTU as the switch knows it. A NIC need not tell of a change, so it is compared with each batch. */
  #uplinkMtu = 0
  /** Whether a batch is under way; the NICs are flushed behind it. */
  #busy = false
  #noNic = 0
  /** Segments joined for NICs that were unplugged since. */
  #joined = 0
  #cancelExpiry: () => void = () => undefined
  #closed: Promise<void> | undefined

  constructor(options: HostOptions) {
    const { environment = {}, expireEveryMs: _, onNic: __, timers = backgroundTimers, ...ofSwitch } = options
    this.#options = options
    this.#timers = timers
    this.switch = openSwitch({
      clock: clockFromMs(timers.nowMs),
      hashSeed: crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
      ...ofSwitch,
      environment: {
        ...environment,
        deliver: this.#deliver,
        deletePort: (port) => {
          void this.#takeOff(port.name)
          environment.deletePort?.(port)
        },
      },
    })
    this.#expireLater()
  }

  readonly plug = (port: string, nic: Nic): Either<HostError, void> => {
    if (this.#closed !== undefined) return left({ _tag: 'HostClosed' })
    if (this.switch.port(port) === undefined) return left({ _tag: 'NoSuchPort', port })
    const there = this.#plugs.get(port)
    if (there !== undefined) return left({ _tag: 'Plugged', port, nic: there.nic.name })
    const plug: Plug = { port, nic, joiner: nic.offloads.segmentation ? new Joiner(nic) : undefined, touched: false }
    const take = (batch: FrameBatch): void => this.switch.batchFromVm(port, batch)
    const started = this.#start(plug, (batch) => this.#fromVm.chop(batch, take))
    if (isLeft(started)) return started
    this.#plugs.set(port, plug)
    return started
  }

  readonly uplink = (nic: Nic): Either<HostError, void> => {
    if (this.#closed !== undefined) return left({ _tag: 'HostClosed' })
    if (this.#uplink !== undefined) return left({ _tag: 'Plugged', port: undefined, nic: this.#uplink.nic.name })
    const plug: Plug = { port: undefined, nic, joiner: undefined, touched: false }
    const take = (batch: FrameBatch): void => this.switch.batchFromNetwork(batch)
    const started = this.#start(plug, (batch) => this.#fromNetwork.chop(batch, take))
    if (isLeft(started)) return started
    this.#uplink = plug
    this.#followMtu(nic.mtu())
    return started
  }

  readonly unplug = async (port: string | undefined): Promise<Either<HostError, void>> => {
    if (this.#closed !== undefined) return left({ _tag: 'HostClosed' })
    if (port !== undefined && this.switch.port(port) === undefined) return left({ _tag: 'NoSuchPort', port })
    await this.#takeOff(port)
    return right(undefined)
  }

  readonly report = (): HostReport => ({
    ports: this.switch.ports().map((port) => {
      const plug = this.#plugs.get(port.identity.name)
      return { name: port.identity.name, state: port.state(), nic: plug && reportOf(plug.nic), counters: port.counters() }
    }),
    uplink: this.#uplink && reportOf(this.#uplink.nic),
    finished: this.#finisher.counters(),
    joined: [...this.#plugs.values()].reduce((sum, { joiner }) => sum + (joiner?.joined ?? 0), this.#joined),
    drops: this.#noNic === 0 ? this.switch.drops() : { ...this.switch.drops(), NoNic: this.#noNic },
  })

  readonly close = (): Promise<void> => {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#cancelExpiry()
    for (const port of [...this.#plugs.keys(), undefined]) void this.#takeOff(port)
    await Promise.all(this.#leaving)
  }

  #start(plug: Plug, take: (batch: FrameBatch) => void): Either<HostError, void> {
    const tell = this.#options.onNic
    return plug.nic.start({
      frames: (batch) => {
        const uplink = this.#uplink?.nic.mtu()
        if (uplink !== undefined && uplink !== this.#uplinkMtu) this.#followMtu(uplink)
        this.#busy = true
        try {
          take(batch)
        } finally {
          this.#busy = false
          this.#flush()
        }
      },
      link: (state) => tell?.(plug.port, { _tag: 'Link', state }),
      mtu: (bytes) => {
        if (plug.port === undefined) this.#followMtu(bytes)
        tell?.(plug.port, { _tag: 'Mtu', bytes })
      },
      pathMtu: (destination, bytes) => {
        if (plug.port === undefined) this.switch.pathMtu(destination, bytes)
      },
      failed: (error) => tell?.(plug.port, { _tag: 'Failed', error }),
    })
  }

  /** Sets the switch's MTU to the uplink's, within what the options and IP allow. */
  #followMtu(bytes: number): void {
    this.#uplinkMtu = bytes
    this.switch.setMtu(Math.max(LEAST_MTU, Math.min(bytes, this.#options.mtu?.network ?? MOST_MTU)))
  }

  /** Takes the NIC that is there off its place, and closes it. */
  #takeOff(port: string | undefined): Promise<void> {
    const plug = port === undefined ? this.#uplink : this.#plugs.get(port)
    if (plug === undefined) return Promise.resolve()
    if (port === undefined) this.#uplink = undefined
    else this.#plugs.delete(port)
    this.#joined += plug.joiner?.joined ?? 0
    const leaving = plug.nic.close().finally(() => this.#leaving.delete(leaving))
    this.#leaving.add(leaving)
    return leaving
  }

  readonly #deliver = (to: PortIdentity | undefined, bytes: Uint8Array, start: number, end: number, offload: number): void => {
    const plug = to === undefined ? this.#uplink : this.#plugs.get(to.name)
    if (plug === undefined) {
      this.#noNic++
      return
    }
    // What the NIC refuses, it counts.
    if (plug.joiner !== undefined && offload === 0) plug.joiner.send(bytes, start, end)
    else {
      plug.joiner?.flush()
      this.#finisher.send(plug.nic, bytes, start, end, offload)
    }
    if (!plug.touched) {
      plug.touched = true
      this.#touched.push(plug)
    }
    if (!this.#busy) this.#flush()
  }

  #flush(): void {
    for (let plug = this.#touched.pop(); plug !== undefined; plug = this.#touched.pop()) {
      plug.touched = false
      plug.joiner?.flush()
      plug.nic.flush()
    }
  }

  #expireLater(): void {
    this.#cancelExpiry = this.#timers.after(this.#options.expireEveryMs ?? 1_000, () => {
      // What leaves now is flushed once, behind all of it.
      this.#busy = true
      try {
        for (const port of this.switch.ports()) port.expire(EXPIRE_BUDGET)
        this.switch.settle()
      } finally {
        // Hooks of the environment run in there: one may throw, or close the host.
        this.#busy = false
        this.#flush()
        if (this.#closed === undefined) this.#expireLater()
      }
    })
  }
}

const reportOf = (nic: Nic): NicReport => ({ name: nic.name, mac: nic.mac, mtu: nic.mtu(), link: nic.link(), counters: nic.counters() })
