/**
 * Law 8 for what layers put on the wire: tshark finds nothing malformed, no wrong checksum, and the tunnels and networks we say
 * are there. The frames go through a capture file whose few bytes are written here.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { directory, openSwitch, orThrow, type Port } from '@vfp-ts/core'
import { privateLink, serviceChain, vnet, type VnetJson } from '@vfp-ts/layers'
import { testNeeding } from '@vfp-ts/needs'
import { frame, type Said } from '../frames.js'
import { passed } from '../host.js'

const test = testNeeding('tshark')
const UNDERLAY = ['192.0.2.1', '2001:db8::1']

/** A frame that left a host, and what tshark must say of it. */
interface Left {
  readonly bytes: Uint8Array
  /** Its tunnels, outermost first, as `vxlan 5001`. */
  readonly tunnels: readonly string[]
}

const networked = (change: Partial<VnetJson> = {}): Port => {
  const ca = directory()
  orThrow(ca.add({ vni: 5001, ip: '10.0.1.5', at: [{ pa: '192.0.2.5', mac: '00:15:5d:00:00:05' }] }))
  orThrow(ca.add({ vni: 5001, ip: '10.0.1.6', at: [{ pa: '2001:db8::5', mac: '00:15:5d:00:00:05' }] }))
  orThrow(ca.add({ vni: 5001, ip: 'fd00::5', at: [{ pa: '192.0.2.5', mac: '00:15:5d:00:00:05' }] }))
  orThrow(ca.add({ vni: 5001, ip: 'fd00::6', at: [{ pa: '2001:db8::5', mac: '00:15:5d:00:00:05' }] }))
  const port = orThrow(openSwitch({ parseDepth: { outbound: 1, inbound: 3 } }).addPort({ name: 'vm-1', mac: '00:15:5d:00:00:04' }))
  const routes: VnetJson['routes'] = ['10.0.0.0/16', 'fd00::/8', { prefix: '10.2.0.0/16', to: 'service' }]
  orThrow(orThrow(port.addLayer(vnet.layer, { order: 40 })).update(vnet.policy({ vni: 5001, underlay: UNDERLAY, routes, directory: ca, ...change })))
  return port
}

/** The same packets to each destination: each transport, marked and of odd length. */
const packetsTo = (port: Port, to: string): readonly Uint8Array[] =>
  (['tcp', 'udp', 'icmp'] as const).map((proto) => {
    const six = to.includes(':')
    const said: Said = { from: six ? '[fd00::4]:50011' : '10.0.1.4:50011', to: six ? `[${to}]:50012` : `${to}:50012`, proto, dscp: 46, ecn: 2, bytes: 33 }
    return passed(port.process('outbound', frame(said)))
  })

const left = (port: Port, tunnels: readonly string[], ...destinations: readonly string[]): readonly Left[] =>
  destinations.flatMap((to) => packetsTo(port, to)).map((bytes) => ({ bytes, tunnels }))

const EVERYWHERE = ['10.0.1.5', '10.0.1.6', 'fd00::5', 'fd00::6']
const KINDS = ['vxlan', 'nvgre', 'geneve'] as const

const tunnelled = (): readonly Left[] => KINDS.flatMap((encap) => left(networked({ encap }), [`${encap} 5001`], ...EVERYWHERE))

const chained = (): readonly Left[] =>
  KINDS.flatMap((inner) => KINDS.flatMap((encap) => ['192.0.2.50', '2001:db8::50'].flatMap((through) => {
    const port = networked({ encap: inner })
    const chains = orThrow(port.addLayer(serviceChain.layer, { order: 48 }))
    orThrow(chains.update(serviceChain.policy({ underlay: UNDERLAY, chains: [{ when: {}, through, vni: 9000, encap }] })))
    return left(port, [`${encap} 9000`, `${inner} 5001`], '10.0.1.5', 'fd00::6')
  })))

const linked = (): readonly Left[] =>
  KINDS.flatMap((encap) => {
    const port = networked()
    const service = { source: '2001:db8:20:abc:abc::/96', destination: '2001:db8:100::203', key: 100, encap }
    orThrow(orThrow(port.addLayer(privateLink.layer, { order: 45 })).update(privateLink.policy({
      underlay: UNDERLAY, services: [{ ...service, ca: '10.2.0.100', pa: '198.51.100.3' }, { ...service, ca: '10.2.0.101', pa: '2001:db8::3' }],
    })))
    return left(port, [`${encap} 100`], '10.2.0.100', '10.2.0.101')
  })

const CHECKSUMS = ['ip.checksum.status', 'tcp.checksum.status', 'udp.checksum.status', 'icmp.checksum.status', 'icmpv6.checksum.status'] as const
const FIELDS = ['frame.protocols', '_ws.malformed', '_ws.expert.severity', 'vxlan.vni', 'geneve.vni', 'gre.key', 'ip.dsfield.ecn', ...CHECKSUMS] as const
/** All values that tshark has of a field in one frame. */
type Told = (field: (typeof FIELDS)[number]) => readonly string[]

const askTshark = (frames: readonly Uint8Array[]): readonly Told[] => {
  const folder = mkdtempSync(join(tmpdir(), 'vfp-layers-'))
  try {
    const file = join(folder, 'frames.pcap')
    writeFileSync(file, Buffer.concat([pcapHeader(), ...frames.flatMap((bytes) => [pcapRecord(bytes), bytes])]))
    const preferences = [
      'ip.check_checksum:TRUE', 'tcp.check_checksum:TRUE', 'udp.check_checksum:TRUE', 'udp.ignore_ipv6_zero_checksum:FALSE',
      'tcp.analyze_sequence_numbers:FALSE', 'eth.fcs:Never',
    ]
    const text = execFileSync(
      'tshark', ['-n', '-r', file, '-T', 'fields', ...FIELDS.flatMap((f) => ['-e', f]), ...preferences.flatMap((p) => ['-o', p])],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 26 },
    )
    return text.split('\n').filter((line) => line !== '').map((line) => {
      const values = line.split('\t')
      return (field: (typeof FIELDS)[number]) => (values[FIELDS.indexOf(field)] ?? '').split(',').filter((one) => one !== '')
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The tunnels of a frame in tshark's words, outermost first. */
const tunnelsOf = (told: Told): readonly string[] => {
  const queues = { vxlan: [...told('vxlan.vni')], geneve: [...told('geneve.vni')], gre: [...told('gre.key')] }
  return (told('frame.protocols')[0] ?? '').split(':').flatMap((name) => {
    if (name !== 'vxlan' && name !== 'geneve' && name !== 'gre') return []
    const number = Number(queues[name].shift())
    return [name === 'gre' ? `nvgre ${Math.floor(number / 256)}` : `${name} ${number}`]
  })
}

/** Little-endian, microseconds, Ethernet. @see libpcap, pcap-savefile(5) */
const pcapHeader = (): Buffer => {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(0xffff, 16)
  header.writeUInt32LE(1, 20)
  return header
}

const pcapRecord = (bytes: Uint8Array): Buffer => {
  const record = Buffer.alloc(16)
  record.writeUInt32LE(bytes.length, 8)
  record.writeUInt32LE(bytes.length, 12)
  return record
}

const BAD = '0'
const GOOD = '1'
const PI_ERROR = 0x0080_0000

for (const { name, frames } of [
  { name: 'every tunnel of VNET over either version', frames: tunnelled },
  { name: 'two tunnels, of any two kinds,', frames: chained },
  { name: 'translated packets in tunnels of a private link', frames: linked },
]) {
  test(`layers on the wire: tshark reads ${name} as meant`, (t) => {
    const sent = frames()
    const told = askTshark(sent.map(({ bytes }) => bytes))
    t.is(told.length, sent.length)
    told.forEach((one, i) => {
      t.deepEqual(tunnelsOf(one), sent[i]?.tunnels)
      t.deepEqual(one('_ws.malformed'), [])
      t.deepEqual(one('_ws.expert.severity').filter((severity) => Number(severity) >= PI_ERROR), [])
      const statuses = CHECKSUMS.flatMap(one)
      t.false(statuses.includes(BAD), `${statuses.join(' ')} of ${JSON.stringify(sent[i]?.tunnels)}`)
      t.true(statuses.includes(GOOD))
      // RFC 6040: every header in IPv4 has the mark of the packet.
      t.true(one('ip.dsfield.ecn').every((ecn) => ecn === '2'))
    })
  })
}
