/**
 * Forwarding, next to Open vSwitch: 60-byte UDP datagrams in 1,000 flows from one veth to another, through four layers here and
 * through four tables there, counters on in both.
 *
 *   node examples/dist/bench/forwarding.js [--smoke]
 *
 * Both switches stand ready in namespaces of their own, and a generator fills one after the other, round by round, so that
 * a drift of the machine's speed hits both. What arrives at the far veth counts. CPU is that of the switch's process, per
 * packet that arrived: the kernel's work for `send` is in it, up to the far veth; its work for delivery into the switch is the generator's.
 *
 * Open vSwitch has the easier task: its tables match fields and rewrite an address, here one layer also keeps connections.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { command, Laboratory, saying } from '../live/namespaces.js'
import { openVswitch } from '../live/open-vswitch.js'
import { cpuSeconds, median, received } from './figures.js'

const SMOKE = process.argv.includes('--smoke')
const ROUNDS = SMOKE ? 1 : 7
const SECONDS = SMOKE ? 1 : 5
const FLOWS = 1000
const MACS = { vm: '00:15:5d:00:00:01', sink: '00:15:5d:00:00:02' } as const

/** A switch between two veths. */
interface Subject {
  readonly name: string
  readonly generator: string
  readonly sink: string
  readonly pid: number
  readonly figures: { readonly rate: number; readonly cpuUs: number; readonly share: number }[]
}

const between = async (lab: Laboratory, name: string): Promise<{ readonly generator: string; readonly here: string; readonly sink: string }> => {
  const [generator, here, sink] = [await lab.namespace(`${name}-g`), await lab.namespace(`${name}-s`), await lab.namespace(`${name}-k`)]
  await lab.wire({ ns: generator, name: 'eth0', mac: MACS.vm }, { ns: here, name: 'v0' })
  await lab.wire({ ns: sink, name: 'eth0', mac: MACS.sink }, { ns: here, name: 'u0' })
  // An address to be resolved. What arrives is dropped in front of the sink's IP, whose work would be counted as the switch's.
  await command('ip', '-n', sink, 'addr', 'add', '10.2.0.1/24', 'dev', 'eth0')
  await lab.in(sink, 'nft', 'add table netdev sink; add chain netdev sink in { type filter hook ingress device eth0 priority 0; }; add rule netdev sink in udp dport 9 drop')
  return { generator, here, sink }
}

const ours = async (lab: Laboratory, dir: string): Promise<Subject> => {
  const { generator, here, sink } = await between(lab, 'ours')
  const config = join(dir, 'ours.json')
  writeFileSync(config, JSON.stringify({
    name: 'ours',
    underlay: { interface: 'u0', addresses: ['10.2.0.254/24'] },
    ports: {
      guest: {
        mac: MACS.vm, ip: ['10.1.0.1'], nic: { afPacket: { interface: 'v0' } },
        layers: [
          { layer: 'guard', policy: {} },
          { layer: 'meter', policy: { prefixes: ['0.0.0.0/0'] } },
          { layer: 'acl', policy: { outbound: [{ allow: { proto: 'udp', dstPort: 9 }, stateful: true }], otherwise: 'deny' } },
          { layer: 'mac-rewrite', policy: { outbound: [{ dstMac: MACS.sink }] } },
        ],
      },
    },
  }))
  const program = fileURLToPath(new URL('../host-switch/main.js', import.meta.url))
  const child = lab.start(here, process.execPath, [program, config])
  await saying(child, /is ready/)
  return { name: 'vfp-ts, 4 layers', generator, sink, pid: child.pid ?? 0, figures: [] }
}

const theirs = async (lab: Laboratory): Promise<Subject> => {
  const { generator, here, sink } = await between(lab, 'ovs')
  const ovs = await openVswitch(lab, here)
  await ovs.vsctl('add-port', 'br0', 'v0', '--', 'add-port', 'br0', 'u0')
  for (const flow of [
    `table=0,in_port=v0,dl_src=${MACS.vm},actions=goto_table:1`, 'table=1,ip,actions=goto_table:2', 'table=2,udp,tp_dst=9,actions=goto_table:3',
    `table=3,udp,actions=set_field:${MACS.sink}->eth_dst,output:u0`,
  ]) await ovs.ofctl('add-flow', 'br0', flow)
  return { name: 'Open vSwitch, AF_PACKET ports, 4 tables', generator, sink, pid: ovs.pid(), figures: [] }
}

const round = async (lab: Laboratory, subject: Subject): Promise<void> => {
  const program = fileURLToPath(new URL('generate.js', import.meta.url))
  const [before, cpuBefore] = [await received(subject.sink), cpuSeconds(subject.pid)]
  const sent = Number(await lab.in(subject.generator, process.execPath, program, 'eth0', String(FLOWS), String(SECONDS), MACS.sink, MACS.vm))
  const arrived = (await received(subject.sink)) - before
  subject.figures.push({ rate: arrived / SECONDS, cpuUs: ((cpuSeconds(subject.pid) - cpuBefore) * 1e6) / arrived, share: arrived / sent })
}

const lab = new Laboratory()
const dir = mkdtempSync(join(tmpdir(), 'vfp-bench-'))
try {
  const subjects = [await ours(lab, dir), await theirs(lab)]
  for (const subject of subjects) await round(lab, subject)
  for (const { figures } of subjects) figures.length = 0
  for (let i = 0; i < ROUNDS; i++) for (const subject of subjects) await round(lab, subject)
  const rates = subjects.map(({ figures }) => median(figures.map(({ rate }) => rate)))
  subjects.forEach(({ name, figures }, i) => {
    const rate = rates[i] ?? 0
    console.log(`${(rate / 1000).toFixed(0).padStart(6)} k packets/s  ${median(figures.map((f) => f.cpuUs)).toFixed(2).padStart(5)} µs CPU/packet  ${(median(figures.map((f) => f.share)) * 100).toFixed(0).padStart(3)} % of those sent  ${name}`)
  })
  console.log(`${((rates[0] ?? 0) / (rates[1] ?? 1)).toFixed(2)} × Open vSwitch's packets a second`)
} finally {
  await lab.close()
  rmSync(dir, { recursive: true, force: true })
}
