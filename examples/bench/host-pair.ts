/**
 * Two hosts with a VM each, and a VXLAN tunnel over a veth pair between them:
 *
 *   [vm a] eth0 — v0 [host a] u0 — u0 [host b] v0 — eth0 [vm b]
 *
 * Everything but the switches in the hosts is the same for all makes of them: addresses, MTUs (1,500 for VMs, 1,600 between hosts), and
 * that the VMs know each other's MAC, as what a virtual network carries is no ARP.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { command, type Laboratory, saying, until } from '../live/namespaces.js'
import { openVswitch } from '../live/open-vswitch.js'

const VNI = 5001
/** Both on one link, for a mask of 8 bits. They are what `generate.ts` writes into its packets. */
const CAS = { a: '10.1.0.1', b: '10.2.0.1' } as const
const MACS = { a: '00:15:5d:00:00:01', b: '00:15:5d:00:00:02' } as const
const PAS = { a: '192.0.2.1', b: '192.0.2.2' } as const
const SIDES = ['a', 'b'] as const
const other = (side: 'a' | 'b'): 'a' | 'b' => (side === 'a' ? 'b' : 'a')

/** What the VMs run against each other. */
export const PORTS = { iperf3: 5201, datagrams: 9 } as const

/** Two hosts of one make, running. */
export interface HostPair {
  readonly name: string
  /** Whether the VMs leave checksums and segmentation to their NIC. */
  readonly offloads: boolean
  /** Namespaces of the VMs. */
  readonly vms: { readonly a: string; readonly b: string }
  /** Namespaces of the hosts. */
  readonly hosts: { readonly a: string; readonly b: string }
  /** Processes of the switches. */
  readonly pids: { readonly a: number; readonly b: number }
}

/** The one who sends, as the one who receives knows it. */
export const ROUTE = { from: MACS.a, to: MACS.b, address: CAS.b } as const

/** Two host switches of ours. With `VFP_BENCH_PROFILES` set to a folder, each leaves a processor profile there when it ends. */
export const ourPair = async (lab: Laboratory, dir: string, { name, offloads }: { readonly name: string; readonly offloads: boolean }): Promise<HostPair> => {
  const key = offloads ? 'on' : 'off'
  const wires = await wired(lab, key, offloads)
  const started = async (side: 'a' | 'b'): Promise<number> => {
    const config = join(dir, `${key}-${side}.json`)
    writeFileSync(config, JSON.stringify(configOf(side)))
    const child = lab.start(wires.hosts[side], process.execPath, [...profiling(`${key}-${side}`), fileURLToPath(new URL('../host-switch/main.js', import.meta.url)), config])
    await saying(child, /is ready/)
    return child.pid ?? 0
  }
  const pids = { a: await started('a'), b: await started('b') }
  await reaches(lab, wires.vms.a)
  return { name, offloads, ...wires, pids }
}

const profiling = (name: string): readonly string[] => {
  const folder = process.env['VFP_BENCH_PROFILES']
  return folder === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', folder, '--cpu-prof-name', `${name}.cpuprofile`]
}

const configOf = (side: 'a' | 'b'): object => {
  const allow = [{ allow: { proto: 'tcp', dstPort: PORTS.iperf3 }, stateful: true }, { allow: { proto: 'udp', dstPort: PORTS.datagrams }, stateful: true }, { allow: { proto: 'icmp' } }]
  return {
    name: side,
    underlay: { interface: 'u0', addresses: [`${PAS[side]}/24`] },
    mappings: SIDES.map((at) => ({ vni: VNI, ip: CAS[at], at: [{ pa: PAS[at], mac: MACS[at] }] })),
    ports: {
      guest: {
        mac: MACS[side], ip: [CAS[side]], vni: VNI, nic: { afPacket: { interface: 'v0' } },
        layers: [
          { layer: 'guard', policy: {} },
          { layer: 'meter', policy: { prefixes: ['0.0.0.0/0'] } },
          { layer: 'acl', policy: { outbound: allow, inbound: allow, otherwise: 'deny' } },
          { layer: 'vnet', policy: { vni: VNI, underlay: [PAS[side]], routes: ['10.0.0.0/8'], directory: 'mappings', encap: 'vxlan' } },
        ],
      },
    },
  }
}

/** Two Open vSwitches with userspace datapaths and AF_PACKET ports. Its VMs finish their frames: it would not. */
export const theirPair = async (lab: Laboratory): Promise<HostPair> => {
  const wires = await wired(lab, 'ovs', false)
  const started = async (side: 'a' | 'b'): Promise<number> => {
    const host = wires.hosts[side]
    const ovs = await openVswitch(lab, host)
    // It needs its address on a bridge of its own around the interface, and looks it up among the kernel's.
    await ovs.vsctl('add-br', 'br-phy', '--', 'set', 'bridge', 'br-phy', 'datapath_type=netdev', '--', 'add-port', 'br-phy', 'u0')
    await command('ip', '-n', host, 'addr', 'add', `${PAS[side]}/24`, 'dev', 'br-phy')
    await command('ip', '-n', host, 'link', 'set', 'br-phy', 'up')
    const tunnel = ['type=vxlan', `options:remote_ip=${PAS[other(side)]}`, `options:key=${VNI}`]
    await ovs.vsctl('add-port', 'br0', 'v0', '--', 'add-port', 'br0', 'tun', '--', 'set', 'interface', 'tun', ...tunnel)
    for (const [from, to, mac] of [['v0', 'tun', MACS[side]], ['tun', 'v0', MACS[other(side)]]] as const) {
      await ovs.ofctl('add-flow', 'br0', `table=0,in_port=${from},dl_src=${mac},actions=goto_table:1`)
      await ovs.ofctl('add-flow', 'br0', `table=1,in_port=${from},ip,actions=goto_table:2`)
      for (const what of [`tcp,tp_dst=${PORTS.iperf3}`, `tcp,tp_src=${PORTS.iperf3}`, `udp,tp_dst=${PORTS.datagrams}`, 'icmp'])
        await ovs.ofctl('add-flow', 'br0', `table=2,in_port=${from},${what},actions=goto_table:3`)
      await ovs.ofctl('add-flow', 'br0', `table=3,in_port=${from},actions=output:${to}`)
    }
    return ovs.pid()
  }
  const pids = { a: await started('a'), b: await started('b') }
  await reaches(lab, wires.vms.a)
  return { name: 'Open vSwitch, VM offloads off', offloads: false, ...wires, pids }
}

interface Wires {
  readonly vms: { readonly a: string; readonly b: string }
  readonly hosts: { readonly a: string; readonly b: string }
}

const wired = async (lab: Laboratory, key: string, offloads: boolean): Promise<Wires> => {
  const [vms, hosts] = [{ a: await lab.namespace(`${key}-va`), b: await lab.namespace(`${key}-vb`) }, { a: await lab.namespace(`${key}-ha`), b: await lab.namespace(`${key}-hb`) }]
  await lab.wire({ ns: hosts.a, name: 'u0' }, { ns: hosts.b, name: 'u0' })
  for (const side of SIDES) {
    await command('ip', '-n', hosts[side], 'link', 'set', 'u0', 'mtu', '1600')
    const vm = vms[side]
    await lab.wire({ ns: vm, name: 'eth0', mac: MACS[side] }, { ns: hosts[side], name: 'v0' })
    await command('ip', '-n', vm, 'addr', 'add', `${CAS[side]}/8`, 'dev', 'eth0')
    await command('ip', '-n', vm, 'neigh', 'replace', CAS[other(side)], 'lladdr', MACS[other(side)], 'nud', 'permanent', 'dev', 'eth0')
    if (!offloads) await lab.in(vm, 'ethtool', '-K', 'eth0', 'tx', 'off', 'tso', 'off', 'gso', 'off')
  }
  return { vms, hosts }
}

/**
 * Takes datagrams in, and no further: a socket whose few bytes of room are soon full. Without it the VM's stack would look for a way back for each
 * of them, to say that nobody is there, on the account of the switch that delivers it.
 */
export const sink = async (lab: Laboratory, ns: string): Promise<void> => {
  const program = `import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0); s.bind(('', ${PORTS.datagrams}))
print('bound', flush=True)
while True: time.sleep(3600)`
  await saying(lab.start(ns, 'python3', ['-c', program]), /bound/)
}

/** The first packets of a tunnel are lost while its ends look for each other. */
const reaches = (lab: Laboratory, vm: string): Promise<void> =>
  until('a ping between the VMs', () => lab.in(vm, 'ping', '-c', '1', '-W', '1', CAS.b).then(() => true, () => false))
