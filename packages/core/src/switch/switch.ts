/**
 * The switch: ports, and the simple bridge between them.
 *
 * A frame from a VM goes outbound through its port. What comes out is forwarded by destination MAC: to the port that
 * has it, else to the network; a frame in a tunnel of the switch counts by the tunnel's network identifier and the MAC inside. A frame from the
 * network goes the same way, to the port, inbound. A frame for a group address (broadcast, multicast) goes to the
 * network and to every other port of its network, as a bridge does; policy on the ports decides what of it they see.
 *
 * Hairpins can make a frame go round or multiply; two bounds hold them (see `forwarding.ts`), and what is beyond either is
 * dropped as `HairpinLimit`.
 *
 * @see VFP §4.1, §7.1, §7.2
 */
import * as E from 'fp-ts/lib/Either.js'
import type { Decoder } from 'io-ts'
import { type BadOptions, checked } from '../check/checked.js'
import type { Clock } from '../clock.js'
import { type ForeignCore, foreignCore } from '../copies.js'
import type { DropCounts } from '../drop-reason.js'
import { orThrow } from '../errors.js'
import type { DatapathOptions } from '../datapath/datapath-options.js'
import { isMtu, type MtuOptions, mtuReason } from '../datapath/mtu-options.js'
import { NetworkMtu } from '../datapath/network-mtu.js'
import { DEFAULT_PENDING, type PendingOptions } from '../datapath/waiting-room.js'
import type { PortIdentity } from '../policy/flow-context.js'
import type { AnyResource } from '../policy/resource.js'
import { formatMac, parseIp } from '../wire/address.js'
import type { TunnelEnd } from '../wire/tunnel-ends.js'
import { DEFAULT_MAX_CONNECTIONS } from '../tables/layer-flow-table.js'
import { Bridge } from './bridge.js'
import type { Environment } from './environment.js'
import { Forwarding } from './forwarding.js'
import { type Batch, type FrameOutcome, requireFrame, requireLengths } from './output.js'
import type { Port, PortSpec } from './port.js'
import type { PortError } from './port-error.js'
import { PortSpecCodec, type ReadPort, SwitchOptionsCodec } from './switch-options.js'
import { SwitchPort } from './switch-port.js'
import { TunnelRegistry } from './tunnel-registry.js'
import { Turn } from './turn.js'

/** What a switch is opened with; everything has a default. */
export interface SwitchOptions {
  /** Time; stands still at 0 unless given, so that nothing ever idles out. */
  readonly clock?: Clock
  /** Hooks by which ports are connected to NICs and frames leave; none unless given. */
  readonly environment?: Environment
  /** Resources that policies given as JSON may name. */
  readonly resources?: Readonly<Record<string, AnyResource>>
  /** Most unified flows a port holds, 1,000,000 unless given. */
  readonly maxFlows?: number
  /**
   * Most connections each layer of a port keeps, 500,000 unless given; a packet that would begin one more is dropped as
   * `ConnectionLimit`.
   */
  readonly maxConnections?: number
  /** Microseconds without a packet after which a unified flow is forgotten, 60,000,000 unless given. */
  readonly flowIdleUs?: number
  /** Datagrams of each direction whose first fragment a port remembers, 4,096 unless given. */
  readonly maxFragments?: number
  /**
   * Header groups parsed of frames from the VM (1 unless given: a tunnel that a VM makes itself is its own business)
   * and from the network (2 unless given), the latter as far as each tunnel ends at this switch (see `tunnelEnds`). `outbound` above 1 is for
   * an appliance: its ports look into whatever tunnels its VMs say and hear, whoever they are addressed to.
   */
  readonly parseDepth?: {
    /** Header groups parsed of frames from the VM. */
    readonly outbound: 1 | 2 | 3
    /** Header groups parsed of frames from the network. */
    readonly inbound: 1 | 2 | 3
  }
  /**
   * Where tunnels end at this switch, beside where the ports' rules say that they do. A frame from the network is taken for a tunnel of the
   * switch only if its outer header is addressed to one of them; any other is payload of the VM that it is addressed to. Needed
   * where no rule removes the tunnels: where they are only counted, mirrored or given to a VM as they are.
   */
  readonly tunnelEnds?: readonly TunnelEnd[]
  /**
   * Geneve options that the policy here can live with, as `class << 8 | type` with the critical bit in the type; none unless given. A
   * tunnel that would be looked into and has another critical one is dropped as `UnknownCriticalOption` (RFC 8926).
   */
  readonly geneveOptions?: readonly number[]
  /** 32 bits mixed into flow hashes; give random ones where strangers choose the packets. 0 unless given. */
  readonly hashSeed?: number
  /**
   * Bounds of what a port lets wait for resources that do not know about a key yet: by default 64 packets a key, 1,024 packets
   * and 2 MiB a port, each for a second; a packet may miss 4 keys one after the other, and 4,096 keys may be in question. What
   * is beyond is dropped as `PendingOverflow`, `PendingTimeout` or `PendingLoops`.
   */
  readonly pending?: Partial<PendingOptions>
  /**
   * What the physical network takes, and what becomes of longer packets; unless given, or told by `setMtu`, everything is sent. What a port sends to another port
   * of the switch has no such bound.
   */
  readonly mtu?: MtuOptions
}

/** An MTU or address that is none; nothing has changed. */
export interface MtuError {
  readonly _tag: 'BadMtu'
  /** `/network`, `/destination` or `/mtu`. */
  readonly path: string
  /** What is wrong with it, as a sentence. */
  readonly reason: string
}

/** A switch. */
export interface Switch {
  /** Adds a port and connects it. */
  readonly addPort: (spec: PortSpec) => E.Either<PortError, Port>
  /** The port of a name. */
  readonly port: (name: string) => Port | undefined
  /** All ports, in the order they were added. */
  readonly ports: () => readonly Port[]
  /**
   * Takes a frame from a port's VM, through the port and to wherever it belongs. The answer is that port's own: what the
   * policy of a receiver on the same switch then drops, the receiver counts, and what the bridge drops, the switch.
   */
  readonly fromVm: (port: string, frame: Uint8Array) => FrameOutcome
  /** Takes a frame from the physical network to the port it is for. */
  readonly fromNetwork: (frame: Uint8Array) => FrameOutcome
  /**
   * As {@link fromVm}, for many frames: the way for traffic. They are rewritten in place, in the next port, too, where one port's VM
   * sends to another's, and leave by `Environment.deliver`; nothing is allocated for frames of known flows. The batch's verdicts and
   * reasons are the port's, as with `port.processBatch`; its bytes, starts and lengths are of no meaning afterwards.
   *
   * @throws RangeError if an array of the batch has fewer than `count` elements; no frame has been touched then
   */
  readonly batchFromVm: (port: string, batch: Batch) => void
  /**
   * As {@link fromNetwork}, for many frames, as `batchFromVm` does it. Frames that no port gets have verdict 1 and reason 0: they are of no port,
   * and `drops` counts them.
   *
   * @throws RangeError if an array of the batch has fewer than `count` elements; no frame has been touched then
   */
  readonly batchFromNetwork: (batch: Batch) => void
  /**
   * The physical network takes packets of so many bytes from now on, 68–65,535: the uplink's MTU has changed. It takes the place of
   * `network` in {@link SwitchOptions.mtu}, and bounds ports that have an MTU of their own. The next packet that is longer is told of, cut
   * or dropped, as the port has it.
   */
  readonly setMtu: (network: number) => E.Either<MtuError, void>
  /**
   * A router on the path to an underlay address said that it takes no more than `mtu` bytes, 68–65,535. The next longer packet to
   * that address is treated as one too long for the link; so its VM learns of the path, if it is one to be told. `Right` says whether anything
   * changed: an MTU is never raised by this, holds for ten minutes by the clock, and is not believed below 1280 bytes of IPv6 (then it is
   * ignored) and 552 of IPv4 (then it is taken for 552). At most 1,024 addresses are kept. Call it only for errors that quote what was really sent.
   *
   * @see RFC 1191 §3, §6.3; RFC 8201 §4
   */
  readonly pathMtu: (destination: string, mtu: number) => E.Either<MtuError, boolean>
  /** `settle` of every port; how many packets that waited were let through. */
  readonly settle: () => number
  /**
   * Frames the switch dropped itself, by reason; ports count their own. `NoPortForMac`: from the network, for nobody;
   * `OwnMac`: from a port, for that very port; `LinkLocalGroup`: for one of the groups 01:80:c2:00:00:00 to :0f, which are about
   * one link (spanning tree, PAUSE, LACP, 802.1X, LLDP), and which only a mirror takes elsewhere; `HairpinLimit`: looping or
   * multiplying; `NoSuchPort` and `PortDisconnected`: of mirrors and calls for such a port.
   */
  readonly drops: () => DropCounts
}

/**
 * Opens a switch without ports: the first call of every program.
 *
 * Nothing is ambient: time is `options.clock`, randomness `options.hashSeed`, and frames leave through
 * `options.environment`. Everything that is given is checked when it is given: ports and policy are refused as an `Either`, options by
 * an exception, as wrong ones are a bug of the program; {@link tryOpenSwitch} is for those that are not its own.
 *
 * @example
 * ```ts no-run
 * const host = openSwitch({ clock: clockFromMs(() => performance.now()) })
 * const vm = orThrow(host.addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01', ip: ['10.0.0.4'] }))
 * const { outcome, outputs } = vm.process('outbound', frame)
 * ```
 *
 * @throws VfpError whose `cause` is a {@link BadOptions}, if an option is unknown or out of its range, or a {@link ForeignCore}, if a resource was made
 *   with another copy of this package
 * @see VFP §4.1
 */
export const openSwitch = (options: SwitchOptions = {}): Switch => orThrow(E.flatMap(open)(checked(Options, options, 'openSwitch')))

/** As {@link openSwitch}, but what is wrong with the options is the answer: for options that come from a file or a person. */
export const tryOpenSwitch = (options: SwitchOptions = {}): E.Either<BadOptions | ForeignCore, Switch> =>
  E.flatMap(open)(checked(Options, options, 'tryOpenSwitch'))

/** An option that is `undefined` is read as one that is not there. */
const Options = SwitchOptionsCodec as Decoder<unknown, SwitchOptions>

const open = (options: SwitchOptions): E.Either<BadOptions | ForeignCore, Switch> => {
  const environment = options.environment ?? {}
  const resources = new Map<string, AnyResource>(Object.entries(options.resources ?? {}))
  for (const [name, resource] of resources) {
    const foreign = foreignCore(`the resource ${name}`, resource)
    if (foreign !== undefined) return E.left(foreign)
  }
  const datapath: DatapathOptions = {
    maxFlows: options.maxFlows ?? 1_000_000,
    flowIdleUs: options.flowIdleUs ?? 60_000_000,
    parseDepth: options.parseDepth ?? { outbound: 1, inbound: 2 },
    maxFragments: options.maxFragments ?? 4096,
    geneveOptions: options.geneveOptions ?? [],
    hashSeed: options.hashSeed ?? 0,
    // Without any time at all, a key would be asked for again before it could be answered.
    pending: { ...DEFAULT_PENDING, ...options.pending, timeoutUs: Math.max(1, options.pending?.timeoutUs ?? DEFAULT_PENDING.timeoutUs) },
  }
  const ports = new Map<string, SwitchPort>()
  const ends = new TunnelRegistry<SwitchPort>(options.tunnelEnds ?? [])
  const bridge = new Bridge(ends, datapath.geneveOptions)
  const clock = options.clock ?? { nowUs: () => 0 }
  const turn = new Turn()
  const network = new NetworkMtu(clock, options.mtu?.network)
  // What a port of its own has to say of the network; the switch's word may change.
  const { network: _, ...usual } = options.mtu ?? {}

  const forwarding = new Forwarding({ environment, bridge, networkDepth: datapath.parseDepth.inbound, find: (name) => ports.get(name) })

  return E.right({
    addPort: (spec) => {
      const read = readSpec(spec)
      if (E.isLeft(read)) return read
      const { name, vni, mtu = usual } = read.right
      const identity: PortIdentity = { name, mac: read.right.mac, ips: read.right.ip ?? [] }
      if (ports.has(name)) return E.left({ _tag: 'NameTaken', port: name })
      const holder = bridge.holder(identity.mac, vni)
      if (holder !== undefined) return E.left({ _tag: 'MacTaken', mac: formatMac(identity.mac), port: holder.identity.name })
      const agreed = environment.createPort?.(identity) ?? E.right(undefined)
      if (E.isLeft(agreed)) return E.left({ _tag: 'EnvironmentRefused', port: name, reason: agreed.left })
      const port = new SwitchPort(identity, vni, {
        clock, options: { ...datapath, network, mtu }, environment, maxConnections: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
        turn,
        later: (self) => forwarding.sinkOf(self),
        resource: (name) => resources.get(name),
        resourceNames: [...resources.keys()],
        find: (name) => ports.get(name),
        declareEnds: (self, declared) => { ends.declare(self, declared) },
        leaves: (from, bytes, start, end, tunnels) => {
          const target = bridge.find(bytes, start, end, Math.min(datapath.parseDepth.inbound, 1 + tunnels), from)
          return target === undefined || target === 'group' || target === 'link' || target === from
        },
        forget: (gone) => {
          ports.delete(gone.identity.name)
          bridge.remove(gone)
          ends.forget(gone)
        },
      })
      ends.declare(port, [])
      const connected = port.connect()
      if (E.isLeft(connected)) {
        ends.forget(port)
        environment.deletePort?.(identity)
        return connected
      }
      ports.set(name, port)
      bridge.add(port)
      return E.right(port)
    },
    port: (name) => ports.get(name),
    ports: () => [...ports.values()],
    fromVm: (name, frame) => {
      requireFrame(frame, 'fromVm')
      const port = ports.get(name)
      if (port !== undefined) return turn.call(() => forwarding.fromVm(port, frame))
      forwarding.drop('NoSuchPort')
      return { _tag: 'Dropped', reason: 'NoSuchPort' }
    },
    fromNetwork: (frame) => {
      requireFrame(frame, 'fromNetwork')
      return turn.call(() => forwarding.fromNetwork(frame))
    },
    batchFromVm: (name, batch) => {
      requireLengths(batch)
      const port = ports.get(name)
      if (port !== undefined) turn.call(() => { forwarding.batchFromVm(port, batch) })
      else for (let i = 0; i < batch.count; i++) {
        forwarding.drop('NoSuchPort')
        batch.verdict[i] = 1
        batch.reason[i] = 0
      }
    },
    batchFromNetwork: (batch) => turn.call(() => { forwarding.batchFromNetwork(batch) }),
    settle: () => [...ports.values()].reduce((sum, port) => sum + port.settle(), 0),
    setMtu: (mtu) => {
      if (!isMtu(mtu)) return E.left({ _tag: 'BadMtu', path: '/network', reason: mtuReason(mtu) })
      network.setLink(mtu)
      return E.right(undefined)
    },
    pathMtu: (destination, mtu) => {
      const ip = parseIp(destination)
      if (E.isLeft(ip)) return E.left({ _tag: 'BadMtu', path: '/destination', reason: ip.left.reason })
      return isMtu(mtu) ? E.right(network.learn(ip.right, mtu)) : E.left({ _tag: 'BadMtu', path: '/mtu', reason: mtuReason(mtu) })
    },
    drops: () => Object.fromEntries(forwarding.drops),
  })
}

const readSpec = (spec: PortSpec): E.Either<PortError, ReadPort> => {
  const read = checked(PortSpecCodec, spec, 'addPort')
  if (E.isRight(read)) return read
  const { _tag: _, of: __, ...told } = read.left
  const given: unknown = spec
  const port = typeof given === 'object' && given !== null && 'name' in given && typeof given.name === 'string' ? given.name : ''
  return E.left({ _tag: 'BadPort', port, path: '', reason: '', ...told.problems[0], ...told })
}
