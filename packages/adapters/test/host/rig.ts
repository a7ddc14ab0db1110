/** Hosts whose VMs and wires are in memory, where nothing happens until a test lets it. */
import { type Directory, directory, orThrow, parseIp, parseMac, type Port } from '@vfp-ts/core'
import { vnet, type VnetDirectory } from '@vfp-ts/layers'
import { type Host, type HostOptions, openHost } from '../../src/host/index.js'
import { memoryPair, type MemoryPairOptions } from '../../src/memory/index.js'
import { isPartial, type Nic, segmentOf, type SendCode } from '../../src/nic/index.js'
import { openUnderlay } from '../../src/underlay/index.js'
import { manualTimers, type ManualTimers } from '../../src/nic/index.js'

/** A frame as it came to somebody, and what was left to do to it. */
export interface Came {
  readonly frame: Uint8Array
  readonly partial: boolean
  readonly segment: number
}

/** The far end of a NIC: a VM, or a hand on the wire. */
export interface Far {
  readonly nic: Nic
  /** What came since the last call. */
  readonly came: () => readonly Came[]
  readonly send: (frame: Uint8Array, offload?: number) => SendCode
}

/** A link with its near end still to be plugged in. */
export interface Link {
  readonly near: Nic
  readonly far: Far
  readonly setLink: (state: 'up' | 'down') => void
}

/** A place where hosts are. */
export interface Rig {
  readonly timers: ManualTimers
  /** Lets all that is on its way arrive; turns of the event loop that took. */
  readonly run: (turns?: number) => number
  readonly host: (options?: HostOptions) => Host
  readonly link: (name: string, options?: MemoryPairOptions) => Link
  /** Joins two uplinks by a wire that remembers what passes. */
  readonly wire: () => Wire
}

/** A wire between two hosts. */
export interface Wire {
  readonly ends: readonly [Nic, Nic]
  /** What passed, either way, since the last call. */
  readonly passed: () => readonly Uint8Array[]
}

/** An empty place. */
export const openRig = (): Rig => {
  const tasks: (() => void)[] = []
  const schedule = (task: () => void): void => void tasks.push(task)
  const timers = manualTimers()
  const link = (name: string, options: MemoryPairOptions = {}): Link => {
    const { a, b, setLink } = memoryPair({ names: [name, `${name}-far`], schedule, ...options })
    let came: Came[] = []
    orThrow(b.start({
      frames: ({ bytes, start, length, offload, count }) => {
        for (let i = 0; i < count; i++) {
          came.push({ frame: bytes.slice(start[i], start[i]! + length[i]!), partial: isPartial(offload[i]!), segment: segmentOf(offload[i]!) })
        }
      },
    }))
    const take = (): readonly Came[] => {
      const taken = came
      came = []
      return taken
    }
    return { near: a, setLink, far: { nic: b, came: take, send: (frame, offload = 0) => b.send(frame, 0, frame.length, offload) } }
  }
  return {
    timers,
    run: (turns = Number.POSITIVE_INFINITY) => {
      let done = 0
      for (; done < turns; done++) {
        const task = tasks.shift()
        if (task === undefined) break
        task()
      }
      return done
    },
    host: (options = {}) => openHost({ timers, hashSeed: 1, ...options }),
    link,
    wire: () => {
      let passed: Uint8Array[] = []
      const left = memoryPair({ names: ['uplink-1', 'wire-1'], macs: ['02:00:00:00:0a:01', '02:00:00:00:0b:01'], schedule })
      const right = memoryPair({ names: ['uplink-2', 'wire-2'], macs: ['02:00:00:00:0a:02', '02:00:00:00:0b:02'], schedule })
      const carry = (to: Nic) => ({
        frames: ({ bytes, start, length, count }: { bytes: Uint8Array; start: Uint32Array; length: Uint32Array; count: number }) => {
          for (let i = 0; i < count; i++) {
            const frame = bytes.slice(start[i], start[i]! + length[i]!)
            passed.push(frame)
            to.send(frame, 0, frame.length)
          }
        },
      })
      orThrow(left.b.start(carry(right.b)))
      orThrow(right.b.start(carry(left.b)))
      return {
        ends: [left.a, right.a],
        passed: () => {
          const taken = passed
          passed = []
          return taken
        },
      }
    },
  }
}

/** Network 5001 with 10.0.1.4 and .6 on the first host, .5 on the second. */
export const tenants = (): Directory => {
  const ca = directory('ca')
  for (const [vm, host] of [[4, 1], [5, 2], [6, 1]] as const) {
    ca.set({ vni: 5001, ip: orThrow(parseIp(`10.0.1.${vm}`)) }, { endpoints: [{ pa: orThrow(parseIp(`192.0.2.${host}`)), mac: orThrow(parseMac(macOf(vm))) }] })
  }
  return ca
}

/** The MAC of a VM. */
export const macOf = (vm: number): string => `00:15:5d:00:00:0${vm}`

/** A port of the tenant for the VM 10.0.1.`vm`, on the host 192.0.2.`host`. */
export const tenantPort = ({ switch: onSwitch }: Host, vm: number, host: number, ca: VnetDirectory): Port => {
  const port = orThrow(onSwitch.addPort({ name: `vm-${vm}`, mac: macOf(vm), ip: [`10.0.1.${vm}`], vni: 5001 }))
  const layer = orThrow(port.addLayer(vnet.layer, { order: 40 }))
  orThrow(layer.update(vnet.policy({ vni: 5001, underlay: [`192.0.2.${host}`], routes: ['10.0.0.0/16'], directory: ca })))
  return port
}

/** Two hosts on one wire, which resolve each other, with a VM on each: `vm-4` and `vm-5`. */
export const twoHosts = (vmOptions: MemoryPairOptions = {}, ca: VnetDirectory = tenants()): {
  readonly rig: Rig
  readonly hosts: readonly [Host, Host]
  readonly vms: readonly [Far, Far]
  readonly wire: Wire
} => {
  const rig = openRig()
  const wire = rig.wire()
  const make = (index: 0 | 1): readonly [Host, Far] => {
    const host = rig.host()
    orThrow(host.uplink(orThrow(openUnderlay(wire.ends[index], { addresses: [`192.0.2.${index + 1}/24`], announce: false, timers: rig.timers }))))
    const vm = 4 + index
    tenantPort(host, vm, index + 1, ca)
    const link = rig.link(`tap-${vm}`, vmOptions)
    orThrow(host.plug(`vm-${vm}`, link.near))
    return [host, link.far]
  }
  const [one, vm4] = make(0)
  const [two, vm5] = make(1)
  return { rig, wire, hosts: [one, two], vms: [vm4, vm5] }
}
