/** Captures of others: who is a VM, what is not understood, what is damaged. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'ava'
import { buildFrame, type FrameSpec, orThrow } from '@vfp-ts/core'
import { openCaptureWriter, readWholeCapture, type PacketToWrite } from '@vfp-ts/adapters/pcap'
import { run } from '../../main-job/job.js'
import { reportOf, TENANT } from './tenant.js'

type Said = Omit<FrameSpec, 'proto'> & Partial<Pick<FrameSpec, 'proto'>>

const frame = (said: Said): Uint8Array => orThrow(buildFrame({ proto: 'tcp', ...said }))

/** Runs `then` on a pcapng of these frames, one a millisecond; a number before a frame is its link type. */
const captured = async <A>(frames: readonly (Uint8Array | readonly [number, Uint8Array])[], then: (file: string) => Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), 'vfp-stranger-'))
  try {
    const file = join(folder, 'in.pcapng')
    const linkTypes = [1, ...new Set(frames.flatMap((f) => (f instanceof Uint8Array ? [] : [f[0]])))]
    const out = orThrow(await openCaptureWriter(file, { interfaces: linkTypes.map((linkType) => ({ linkType })) }))
    for (const [i, f] of frames.entries()) {
      const [linkType, data] = f instanceof Uint8Array ? [1, f] as const : f
      const packet: PacketToWrite = { data, timestampNs: 1_700_000_000_000_000_000n + BigInt(i) * 1_000_000n, interfaceId: linkTypes.indexOf(linkType) }
      orThrow(await out.write(packet))
    }
    orThrow(await out.close())
    return await then(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const names = (report: Awaited<ReturnType<typeof reportOf>>): readonly string[] => report.vms.map((vm) => vm.name)

const A = '192.168.0.10'
const B = '203.0.113.80'
const C = '192.168.0.11'
const syn = frame({ srcIp: A, dstIp: B, srcPort: 40_000, dstPort: 80, srcMac: '00:15:5d:00:00:0a' })
const synAck = frame({ srcIp: B, dstIp: A, srcPort: 80, dstPort: 40_000, flags: ['Syn', 'Ack'], srcMac: '00:15:5d:00:00:0b' })
const ack = frame({ srcIp: A, dstIp: B, srcPort: 40_000, dstPort: 80, flags: ['Ack'], srcMac: '00:15:5d:00:00:0a' })

test('stranger: the sender of the SYN is the VM, also when the SYN comes late', async (t) => {
  const report = await captured([syn, synAck, ack], (file) => reportOf('--in', file))
  t.deepEqual(names(report), [A])
  t.deepEqual({ ...report.frames }, { delivered: 1, leftToOutside: 2, dropped: 0, malformed: 0, nobodys: 0, notEthernet: 0 })
})

test('stranger: a SYN-ACK tells the initiator of a connection whose SYN was missed', async (t) => {
  t.deepEqual(names(await captured([synAck, ack], (file) => reportOf('--in', file))), [A])
})

test('stranger: failing that, whoever was heard first is', async (t) => {
  const udp = (srcIp: string, dstIp: string): Uint8Array => frame({ proto: 'udp', srcIp, dstIp, srcPort: 53, dstPort: 53 })
  t.deepEqual(names(await captured([udp(B, A), udp(A, B), udp(B, A)], (file) => reportOf('--in', file))), [B])
})

test('stranger: VMs among each other speak through a tunnel', async (t) => {
  const other = frame({ srcIp: C, dstIp: B, srcMac: '00:15:5d:00:00:0c' })
  const between = frame({ srcIp: A, dstIp: C, dstPort: 22, srcMac: '00:15:5d:00:00:0a' })
  const report = await captured([syn, other, between], (file) => reportOf('--in', file))
  t.deepEqual(names(report), [A, C])
  t.deepEqual(report.tunnels.map((l) => [l.host, l.frames]), [[C, 1]])
  t.is(report.frames.delivered, 1)
})

test('stranger: --vm names the VMs, or takes all', async (t) => {
  await captured([syn, synAck, ack], async (file) => {
    t.deepEqual(names(await reportOf('--in', file, '--vm', B)), [B])
    t.is((await reportOf('--in', file, '--vm', B)).frames.delivered, 2)
    const all = await reportOf('--in', file, '--vm', 'all')
    t.deepEqual(names(all), [A, B])
    t.is(all.frames.delivered, 3)
    t.is(all.tunnels.reduce((n, l) => n + l.frames, 0), 3)
    t.is((await reportOf('--in', file, '--vm', C)).frames.nobodys, 3)
  })
})

test('stranger: what is not understood is counted by name, and every frame still has one fate', async (t) => {
  const lldp = Uint8Array.from([1, 0x80, 0xc2, 0, 0, 0x0e, 0, 0x15, 0x5d, 0, 0, 0x0a, 0x88, 0xcc, 2, 7, 4, 0])
  const gre = syn.slice()
  gre.set([47], 23)
  const sum = gre.subarray(14, 34).reduce((n, byte, i) => (i === 10 || i === 11 ? n : n + (i % 2 === 0 ? byte << 8 : byte)), 0)
  const folded = (sum & 0xffff) + (sum >>> 16)
  gre.set([(~folded >>> 8) & 0xff, ~folded & 0xff], 24)
  const cut = syn.subarray(0, 40)
  const report = await captured([syn, gre, lldp, cut, [113, new Uint8Array(32)], [147, new Uint8Array(8)]], (file) => reportOf('--in', file))
  t.deepEqual(Object.fromEntries(report.strange.map((s) => [s.what, s.frames])), {
    'IP protocol 47 (GRE)': 1, 'EtherType 0x88cc (LLDP)': 1,
  })
  t.deepEqual(Object.fromEntries(report.unseen.map((s) => [s.what, s.frames])), { 'Truncated': 1, 'link type 113 (LinuxSll)': 1, 'link type 147': 1 })
  t.deepEqual({ ...report.frames }, { delivered: 0, leftToOutside: 2, dropped: 1, malformed: 1, nobodys: 0, notEthernet: 2 })
})

test('stranger: a damaged capture is taken as far as it is whole, and the damage is said in one line', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'vfp-damaged-'))
  try {
    const file = join(folder, 'damaged.pcapng')
    writeFileSync(file, readFileSync(TENANT).subarray(0, 100_001))
    const { packets } = await readWholeCapture(file)
    const { stdout, stderr, code } = await run(['--in', file, '--json'])
    t.is(code, 1)
    t.regex(stderr, /^main-job: .*damaged\.pcapng: Truncated at byte \d+ after \d+ packets: .+\n$/)
    const report = JSON.parse(stdout) as Awaited<ReturnType<typeof reportOf>>
    t.is(report.capture.frames, packets.length)
    t.true(packets.length > 50)
    t.truthy(report.capture.damage)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('stranger: what is no capture, not there or not writable ends with exit code 1 and one line', async (t) => {
  const noCapture = await run(['--in', new URL(import.meta.url).pathname])
  t.is(noCapture.code, 1)
  t.regex(noCapture.stderr, /BadMagic/)
  const notThere = await run(['--in', '/nowhere/at-all.pcap'])
  t.is(notThere.code, 1)
  t.is(notThere.stderr, 'main-job: /nowhere/at-all.pcap: no such file\n')
  const notWritable = await run(['--out', '/nowhere/out.pcapng'])
  t.is(notWritable.code, 1)
  t.is(notWritable.stderr, 'main-job: /nowhere/out.pcapng: no such folder\n')
  const folder = await run(['--in', dirname(TENANT)])
  t.is(folder.code, 1)
  t.regex(folder.stderr, /captures: this is a folder, not a capture\n$/)
})

test('stranger: when every frame is nobody\'s, a hint says what to try, and no table speaks of forwarding', async (t) => {
  const lldp = Uint8Array.from([1, 0x80, 0xc2, 0, 0, 0x0e, 0, 0x15, 0x5d, 0, 0, 0x0f, 0x88, 0xcc, 2, 7, 4, 0])
  await captured([syn, synAck, lldp], async (file) => {
    const { stdout, code } = await run(['--in', file, '--vm', C])
    t.is(code, 0)
    t.regex(stdout, /Hint: .*--vm all/)
    t.false(stdout.includes('== Not understood'))
    t.regex(stdout, /== Seen by no port: by reason\nwhy +frames\n.*between others +2\n.*not IP +1\n/)
    t.false(stdout.includes('NaN'))
    const report = await reportOf('--in', file, '--vm', C)
    t.regex(report.hint ?? '', /--vm all/)
    t.deepEqual(report.strange, [])
    t.deepEqual(report.paths.slow, { packets: 0, meanNs: null, medianNs: null, p99Ns: null })
    t.is(report.paths.fastShare, null)
    t.regex(stdout, /^fast: one lookup +0 +– +– +– +–$/m)
    t.is((await reportOf('--in', file)).hint, null)
  })
})

test('stranger: one of anything is said in the singular, and hosts with one address need no ECMP', async (t) => {
  const between = frame({ srcIp: A, dstIp: C, dstPort: 22, srcMac: '00:15:5d:00:00:0a' })
  await captured([between], async (file) => {
    const { stdout } = await run(['--in', file, '--vm', `${A},${C}`])
    t.regex(stdout, /: 1 frame in 0\.0 s$/m)
    t.regex(stdout, /== Tunnels: /)
    t.false(stdout.includes('ECMP'))
    t.notRegex(stdout, /\b1 (frames|bytes|ports|places|rules|lines)\b/)
  })
})
