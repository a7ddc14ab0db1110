/**
 * One VM behind our host switch, and a wire to another host of whatever make:
 *
 *   [vm] eth0 — v0 [ours] u0 — u0 [theirs]
 *
 * Theirs asks for ours by ARP and neighbour discovery through the tunnel; ours is answered by a responder.
 *
 * The VM has 10.1.0.1 and fd00:1::1, the VM of the other host is 10.1.0.2 and fd00:1::2, in network 5001.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { command, ended, Laboratory, saying } from '../../live/namespaces.js'

/** The virtual network. */
export const VNI = 5001
/** MACs of our VM and of theirs. */
export const MACS = { ours: '00:15:5d:00:00:01', theirs: '00:15:5d:00:00:02' } as const
/** Customer addresses of the VM behind our switch and of the one behind theirs. */
export const CAS = { ours: ['10.1.0.1', 'fd00:1::1'], theirs: ['10.1.0.2', 'fd00:1::2'] } as const
/** Physical addresses. */
export const PAS = { 4: { ours: '192.0.2.1', theirs: '192.0.2.2', bits: 24 }, 6: { ours: '2001:db8::1', theirs: '2001:db8::2', bits: 64 } } as const

/** The frames of a test's wire, as tshark saw them. */
export interface Capture {
  /** Ends it, and counts the frames that each display filter lets through. */
  readonly counts: (...filters: readonly string[]) => Promise<readonly number[]>
  /** After that, a line for each of the first frames that no wire should carry. */
  readonly broken: () => Promise<readonly string[]>
}

/** What a test works on. */
export interface PeerBench {
  readonly lab: Laboratory
  /** Namespaces. */
  readonly vm: string
  readonly ours: string
  readonly theirs: string
  /** Records what passes the wire between the hosts. */
  readonly capture: () => Promise<Capture>
}

/** Builds it, the switch running. */
export const peerBench = async (t: ExecutionContext, { version, encap }: { readonly version: 4 | 6; readonly encap: 'vxlan' | 'geneve' }): Promise<PeerBench> => {
  const lab = new Laboratory()
  t.teardown(() => lab.close())
  const [vm, ours, theirs] = [await lab.namespace('vm'), await lab.namespace('ours'), await lab.namespace('theirs')]
  await lab.wire({ ns: vm, name: 'eth0', mac: MACS.ours }, { ns: ours, name: 'v0' })
  await lab.wire({ ns: theirs, name: 'u0' }, { ns: ours, name: 'u0' })
  await addresses(lab, vm, 'eth0', CAS.ours)
  await command('ip', '-n', vm, 'link', 'set', 'eth0', 'mtu', '1430')
  const pa = PAS[version]
  await command('ip', '-n', theirs, 'addr', 'add', `${pa.theirs}/${pa.bits}`, 'dev', 'u0')
  const dir = mkdtempSync(join(tmpdir(), 'vfp-peer-'))
  lab.atEnd(async () => { rmSync(dir, { recursive: true, force: true }) })
  const config = join(dir, 'ours.json')
  writeFileSync(config, JSON.stringify({
    name: 'ours',
    underlay: { interface: 'u0', addresses: [`${pa.ours}/${pa.bits}`] },
    mappings: CAS.theirs.map((ip) => ({ vni: VNI, ip, at: [{ pa: pa.theirs, mac: MACS.theirs }] })),
    ports: {
      guest: {
        mac: MACS.ours, ip: CAS.ours, vni: VNI, nic: { afPacket: { interface: 'v0' } },
        layers: [
          { layer: 'guard', policy: {} },
          { layer: 'responder', policy: { gateways: [], neighbours: { directory: 'mappings', vni: VNI } } },
          { layer: 'vnet', policy: { vni: VNI, underlay: [pa.ours], routes: ['10.1.0.0/16', 'fd00:1::/64'], directory: 'mappings', encap, arp: true } },
        ],
      },
    },
  }))
  const program = fileURLToPath(new URL('../../host-switch/main.js', import.meta.url))
  await saying(lab.start(ours, process.execPath, [program, config]), /is ready/)
  return { lab, vm, ours, theirs, capture: () => startCapture(lab, ours, dir) }
}

/** Gives an interface addresses of the virtual network. */
export const addresses = async (lab: Laboratory, ns: string, name: string, ips: readonly string[]): Promise<void> => {
  for (const ip of ips) await lab.in(ns, 'ip', 'addr', 'add', `${ip}/${ip.includes(':') ? 64 : 24}`, 'dev', name, ...(ip.includes(':') ? ['nodad'] : []))
}

/** That each VM reaches the other, by ping and by TCP, over both IP versions. */
export const talk = async (t: ExecutionContext, { lab, vm }: PeerBench, theirVm: string): Promise<void> => {
  for (const [from, to, peers] of [[vm, theirVm, CAS.theirs], [theirVm, vm, CAS.ours]] as const) {
    for (const ip of peers) t.regex(await lab.in(from, 'ping', '-n', '-c', '3', '-i', '0.2', '-W', '5', ip), / 0% packet loss/, `ping ${ip}`)
    for (const ip of peers) t.is(await fetched(lab, from, to, ip), 1_000_000, `a file from ${ip}`)
  }
}

/** A file of a megabyte, served in one namespace and fetched in another; the bytes that came. */
const fetched = async (lab: Laboratory, from: string, to: string, ip: string): Promise<number> => {
  const serve = `import http.server, sys
class Megabyte(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(bytes(1000000))
import socket
class Server(http.server.HTTPServer): address_family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
server = Server((sys.argv[1], 8000), Megabyte); print('serving', flush=True); server.serve_forever()`
  const server: ChildProcess = lab.start(to, 'python3', ['-c', serve, ip])
  await saying(server, /serving/)
  const url = ip.includes(':') ? `http://[${ip}]:8000/` : `http://${ip}:8000/`
  try {
    return Number(await lab.in(from, 'curl', '-s', '-m', '20', '-o', '/dev/null', '-w', '%{size_download}', url))
  } finally {
    await ended(server)
  }
}

const startCapture = async (lab: Laboratory, ns: string, dir: string): Promise<Capture> => {
  const file = join(dir, 'wire.pcap')
  const dumping = lab.start(ns, 'tcpdump', ['-i', 'u0', '-n', '-U', '-s', '0', '-w', file])
  await saying(dumping, /listening on/)
  const lines = async (...args: readonly string[]): Promise<readonly string[]> => {
    const checks = [...['ip', 'tcp', 'udp'].map((protocol) => `${protocol}.check_checksum:TRUE`), 'tcp.desegment_tcp_streams:FALSE'].flatMap((preference) => ['-o', preference])
    return (await command('tshark', '-n', '-r', file, ...checks, ...args)).split('\n').filter((line) => line !== '')
  }
  return {
    counts: async (...filters) => {
      await ended(dumping)
      const counts: number[] = []
      for (const filter of filters) counts.push((await lines('-Y', filter, '-T', 'fields', '-e', 'frame.number')).length)
      return counts
    },
    broken: async () => (await lines('-Y', BROKEN)).slice(0, 10),
  }
}

/** Frames that no wire should carry. */
const BROKEN = '_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0'
