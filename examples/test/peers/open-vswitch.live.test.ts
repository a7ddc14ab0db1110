/** Open vSwitch with its userspace datapath as the other host. */
import { testNeeding } from '@vfp-ts/needs'
import { addresses, CAS, MACS, PAS, peerBench, talk, VNI } from './bench.js'
import { command, until } from '../../live/namespaces.js'
import { openVswitch } from '../../live/open-vswitch.js'

const test = testNeeding('network namespaces', 'packet sockets', 'koffi', 'ip', 'sh', 'ovs-vswitchd', 'env', 'ping', 'python3', 'tcpdump', 'tshark')

for (const encap of ['vxlan', 'geneve'] as const) {
  test.serial(`open vswitch: VMs of both hosts reach each other over ${encap}, by ping and TCP, both ways`, async (t) => {
    const bench = await peerBench(t, { version: 4, encap })
    const { lab, theirs } = bench
    const guest = await lab.namespace('guest')
    await lab.wire({ ns: guest, name: 'eth0', mac: MACS.theirs }, { ns: theirs, name: 'g0' })
    await addresses(lab, guest, 'eth0', CAS.theirs)
    await command('ip', '-n', guest, 'link', 'set', 'eth0', 'mtu', '1430')
    // It neither finishes checksums nor cuts segments of a local stack.
    await lab.in(guest, 'ethtool', '-K', 'eth0', 'tx', 'off', 'tso', 'off', 'gso', 'off')
    await command('ip', '-n', theirs, 'addr', 'flush', 'dev', 'u0')
    const ovs = await openVswitch(lab, theirs)
    await ovs.vsctl('add-br', 'br-phy', '--', 'set', 'bridge', 'br-phy', 'datapath_type=netdev', '--', 'add-port', 'br-phy', 'u0')
    await command('ip', '-n', theirs, 'addr', 'add', `${PAS[4].theirs}/24`, 'dev', 'br-phy')
    await command('ip', '-n', theirs, 'link', 'set', 'br-phy', 'up')
    await ovs.vsctl('add-port', 'br0', 'g0', '--', 'add-port', 'br0', 'tun', '--', 'set', 'interface', 'tun', `type=${encap}`, `options:remote_ip=${PAS[4].ours}`, `options:key=${VNI}`)
    await ovs.ofctl('add-flow', 'br0', 'in_port=g0,actions=output:tun')
    await ovs.ofctl('add-flow', 'br0', 'in_port=tun,actions=output:g0')
    // Its first packet into a tunnel is lost while it learns where to.
    await until('Open vSwitch passes a packet', () => lab.in(bench.vm, 'ping', '-c', '1', '-W', '1', CAS.theirs[0]).then(() => true, () => false))
    const capture = await bench.capture()
    await talk(t, bench, guest)
    const key = encap === 'vxlan' ? 'vxlan.vni' : 'geneve.vni'
    const [tunnelled, other] = await capture.counts(`${key} == ${VNI}`, `${encap} && !(${key} == ${VNI})`)
    t.true((tunnelled ?? 0) > 1000, 'the file went through the tunnel')
    t.is(other, 0)
    t.deepEqual(await capture.broken(), [])
  })
}
