/**
 * Two host switches with two VMs each, to have faults while traffic runs:
 *
 *   [a1] eth0 — a1 ┐                       ┌ b1 — eth0 [b1]
 *                  [host a] u0 — u0 [host b]
 *   [a2] eth0 — a2 ┘                       └ b2 — eth0 [b2]
 *
 * All VMs are of one virtual network, over VXLAN. The kernels' own IPv6 is off, so that counters count the test's frames.
 */
import { readFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { command, Laboratory } from '../../live/namespaces.js'
import { folderOf, type Program, ready } from '../host-switch/program.js'

/** A host. */
export type HostName = 'a' | 'b'
/** A VM, its port, and the port's interface on the host. */
export type VmName = 'a1' | 'a2' | 'b1' | 'b2'

/** Where the VMs are. */
export const VMS = {
  a1: { host: 'a', ip: '10.1.0.1', mac: '02:00:0a:01:00:01' },
  a2: { host: 'a', ip: '10.1.0.2', mac: '02:00:0a:01:00:02' },
  b1: { host: 'b', ip: '10.1.0.3', mac: '02:00:0a:01:00:03' },
  b2: { host: 'b', ip: '10.1.0.4', mac: '02:00:0a:01:00:04' },
} as const satisfies Readonly<Record<VmName, { readonly host: HostName; readonly ip: string; readonly mac: string }>>

/** Where the hosts are on the physical network. */
export const PAS: Readonly<Record<HostName, string>> = { a: '192.0.2.1', b: '192.0.2.2' }
const VNI = 5001

/** What a test wants otherwise than usual. */
export interface Wishes {
  /** The underlay's addresses; `[192.0.2.1/24]` of host a unless given. */
  readonly addresses?: readonly string[]
  /** The underlay's routes; none unless given. */
  readonly routes?: readonly { readonly prefix: string; readonly via: string }[]
  /** Mappings that count before the usual ones. */
  readonly mappings?: readonly { readonly ip: string; readonly pa: string; readonly mac: string }[]
  /** NICs of ports; the veth of its name unless given. */
  readonly nics?: Partial<Record<VmName, object>>
}

/** What a test works on. */
export interface TwoHosts {
  readonly lab: Laboratory
  /** Namespace of a VM or host. */
  readonly ns: Readonly<Record<VmName | HostName, string>>
  /** Of each host: its JSON file and its sockets. */
  readonly folder: Readonly<Record<HostName, string>>
  /** Starts a host's switch, and waits until it is ready. */
  readonly start: (host: HostName, wishes?: Wishes) => Promise<Program>
  /** Connects a VM's interface, which is done in the beginning, anew. */
  readonly connect: (vm: VmName) => Promise<void>
}

/** Builds it, with both switches still to be started. It goes with the test. */
export const twoHosts = async (t: ExecutionContext): Promise<TwoHosts> => {
  const lab = new Laboratory()
  t.teardown(() => lab.close())
  const namespace = async (name: string): Promise<string> => {
    const ns = await lab.namespace(name)
    await lab.in(ns, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6')
    return ns
  }
  const ns = {
    a: await namespace('a'), a1: await namespace('a1'), a2: await namespace('a2'),
    b: await namespace('b'), b1: await namespace('b1'), b2: await namespace('b2'),
  }
  await lab.wire({ ns: ns.a, name: 'u0', mac: '02:00:c0:00:02:01' }, { ns: ns.b, name: 'u0', mac: '02:00:c0:00:02:02' })
  // Room for the VMs' 1,500 bytes and the tunnel around them.
  for (const host of [ns.a, ns.b]) await command('ip', '-n', host, 'link', 'set', 'u0', 'mtu', '1600')
  const connect = async (vm: VmName): Promise<void> => {
    const { host, ip, mac } = VMS[vm]
    await lab.wire({ ns: ns[vm], name: 'eth0', mac }, { ns: ns[host], name: vm })
    await command('ip', '-n', ns[vm], 'addr', 'add', `${ip}/24`, 'dev', 'eth0')
  }
  for (const vm of ['a1', 'a2', 'b1', 'b2'] as const) await connect(vm)
  const folder = { a: folderOf(t), b: folderOf(t) }
  return { lab, ns, folder, connect, start: (host, wishes = {}) => ready(t, folder[host], configOf(host, folder[host], wishes), ns[host]) }
}

/** The configuration of a host. */
export const configOf = (host: HostName, folder: string, { addresses = [`${PAS[host]}/24`], routes = [], mappings = [], nics = {} }: Wishes = {}): object => ({
  name: `host-${host}`,
  status: `${folder}/status.sock`,
  underlay: { interface: 'u0', addresses, routes },
  mappings: [
    ...mappings,
    ...Object.values(VMS).filter(({ ip }) => mappings.every((other) => other.ip !== ip)).map((vm) => ({ ...vm, pa: PAS[vm.host] })),
  ].map(({ ip, pa, mac }) => ({ vni: VNI, ip, at: [{ pa, mac }] })),
  ports: Object.fromEntries((['1', '2'] as const).map((n): [VmName, object] => {
    const name: VmName = `${host}${n}`
    return [name, {
      mac: VMS[name].mac, ip: [VMS[name].ip], vni: VNI, nic: nics[name] ?? { afPacket: { interface: name } },
      layers: [
        // A VM may have addresses beside its own: those that mappings send to it.
        { layer: 'guard', policy: { ips: mappings.filter(({ mac }) => mac === VMS[name].mac).map(({ ip }) => ip) } },
        { layer: 'responder', policy: { gateways: [], neighbours: {} } },
        { layer: 'vnet', policy: { routes: ['10.0.0.0/8'] } },
      ],
    }]
  })),
})

/** Resident memory of a program, in MiB. */
export const residentMiB = ({ process: { pid } }: Program): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'utf8'))?.[1]) / 1024

/** What a program says of an interface that went down or up. */
export const LINK = /: (the link is (up|down)|\w+: link: LinkDown: the interface went down)$/

/** What a program said on standard error beside what was to be expected. */
export const surprises = (program: Program, ...expected: readonly RegExp[]): readonly string[] =>
  program.errors().split('\n').filter((line) => line !== '' && expected.every((pattern) => !pattern.test(line)))

/** That hosts end on SIGTERM as they should, having said nothing beside what was to be expected. */
export const endWell = async (t: ExecutionContext, programs: readonly Program[], ...expected: readonly RegExp[]): Promise<void> => {
  for (const program of programs) {
    t.deepEqual(surprises(program, ...expected), [])
    t.true(residentMiB(program) < 400, `${residentMiB(program)} MiB`)
    program.signal('SIGTERM')
    t.is(await program.ended, 0)
  }
}
