/** A Linux VXLAN device as the other host. */
import { testNeeding } from '@vfp-ts/needs'
import { addresses, CAS, MACS, PAS, peerBench, talk, VNI } from './bench.js'
import { command } from '../../live/namespaces.js'

const test = testNeeding('network namespaces', 'packet sockets', 'koffi', 'ip', 'sh', 'VXLAN devices', 'ping', 'python3', 'tcpdump', 'tshark')

for (const version of [4, 6] as const) {
  test.serial(`kernel vxlan: VMs of both hosts reach each other over IPv${version}, by ping and TCP, both ways`, async (t) => {
    const bench = await peerBench(t, { version, encap: 'vxlan' })
    const { lab, theirs } = bench
    const pa = PAS[version]
    await command('ip', '-n', theirs, 'link', 'add', 'vx0', 'address', MACS.theirs, 'mtu', '1430', 'type', 'vxlan', 'id', String(VNI), 'local', pa.theirs, 'remote', pa.ours, 'dstport', '4789',
      'dev', 'u0', ...(version === 6 ? ['udp6zerocsumtx', 'udp6zerocsumrx'] : []))
    await addresses(lab, theirs, 'vx0', CAS.theirs)
    await command('ip', '-n', theirs, 'link', 'set', 'vx0', 'up')
    // The wire is recorded where our switch sends, so the other end finishes what it sends, too.
    await lab.in(theirs, 'ethtool', '-K', 'u0', 'tx', 'off', 'tso', 'off', 'gso', 'off')
    const capture = await bench.capture()
    await talk(t, bench, theirs)
    const [vxlan, other] = await capture.counts(`vxlan.vni == ${VNI}`, `vxlan && !(vxlan.vni == ${VNI})`)
    t.true((vxlan ?? 0) > 1000, 'the file went through the tunnel')
    t.is(other, 0)
    t.deepEqual(await capture.broken(), [])
  })
}
