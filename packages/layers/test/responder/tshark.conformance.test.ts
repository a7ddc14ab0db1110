/** Answers as tshark reads them: nothing malformed, no wrong checksum, and what they are meant to say. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSwitch, orThrow } from '@vfp-ts/core'
import { probe, responder } from '@vfp-ts/layers'
import { testNeeding } from '@vfp-ts/needs'
import { frame } from '../frames.js'
import { asked } from '../probe/asked.js'
import { solicitation, VM, whoHas } from './questions.js'

const MAC = '12:34:56:78:9a:bc'

const answers = (): readonly Uint8Array[] => {
  const port = orThrow(openSwitch().addPort({ name: 'vm-1', mac: VM, ip: ['10.0.1.4', 'fd00::4'] }))
  orThrow(orThrow(port.addLayer(probe.layer, { order: 2 })).update(probe.policy({})))
  orThrow(orThrow(port.addLayer(responder.layer, { order: 7 })).update(responder.policy({
    gateways: [{ ip: ['10.0.1.1', 'fd00::1'], mac: MAC }], neighbours: [{ ip: ['10.0.1.5', 'fd00::5'], mac: '00:15:5d:00:00:05' }],
  })))
  const vlans = [{ tpid: 0x8100, pcp: 3, dei: false, vid: 7 }]
  const ping = (from: string, to: string, bytes: number): Uint8Array => frame({ from, to, proto: 'icmp', fromMac: VM, toMac: MAC, bytes, dscp: 46, ecn: 3 })
  const outbound = [
    whoHas('10.0.1.1'), whoHas('10.0.1.5', '10.0.1.4', vlans), solicitation('fd00::1'), solicitation('fd00::5'), solicitation('fd00::1', '::'),
    ping('10.0.1.4:7', '10.0.1.1', 33), ping('10.0.1.4:7', '10.0.1.1', 0), ping('[fd00::4]:7', '[fd00::1]', 1400),
  ].map((bytes) => port.process('outbound', bytes))
  const inbound = [asked({}), asked({ sizeBytes: 1001 }), asked({ from: 'fd00::9', to: 'fd00::4' })].map((bytes) => port.process('inbound', bytes))
  return [...outbound, ...inbound].flatMap(({ outputs }) => outputs.filter((o) => o.why === 'reply').map((o) => o.frame))
}

const FIELDS = ['frame.protocols', 'arp.opcode', 'icmp.type', 'icmpv6.type', 'icmpv6.nd.na.flag.r', 'icmpv6.nd.na.flag.s', 'icmpv6.nd.na.flag.o', 'udp.srcport']
const CHECKS = ['ip.checksum_bad.expert', '_ws.malformed', 'ip.checksum.status', 'icmp.checksum.status', 'icmpv6.checksum.status', 'udp.checksum.status', 'arp.duplicate-address-detected', '_ws.expert.severity']
const OPTIONS = ['-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE']

testNeeding('tshark')('responder: tshark finds nothing wrong with any answer, and reads them as meant', (t) => {
  const frames = answers()
  const directory = mkdtempSync(join(tmpdir(), 'vfp-answers-'))
  t.teardown(() => { rmSync(directory, { recursive: true }) })
  const path = join(directory, 'answers.pcap')
  writeFileSync(path, capture(frames))
  const fields = (names: readonly string[]): readonly (readonly string[])[] =>
    execFileSync('tshark', ['-n', '-r', path, '-T', 'fields', '-E', 'separator=|', ...OPTIONS, ...names.flatMap((name) => ['-e', name])], { encoding: 'utf8' })
      .trimEnd().split('\n').map((line) => line.split('|'))
  t.deepEqual(fields(FIELDS).map((line) => line.join(' ').trim()), [
    'eth:ethertype:arp 2', 'eth:ethertype:vlan:ethertype:arp 2',
    // tshark writes True as 1: router, solicited, override.
    'eth:ethertype:ipv6:icmpv6   136 1 1 1', 'eth:ethertype:ipv6:icmpv6   136 0 1 0', 'eth:ethertype:ipv6:icmpv6   136 1 0 1',
    'eth:ethertype:ip:icmp:data  0', 'eth:ethertype:ip:icmp  0', 'eth:ethertype:ipv6:icmpv6:data   129',
    'eth:ethertype:ip:udp:data       61000', 'eth:ethertype:ip:udp:data       61000', 'eth:ethertype:ipv6:udp:data       61000',
  ])
  for (const [i, line] of fields(CHECKS).entries()) {
    const [bad, malformed, ...statuses] = line
    t.deepEqual([bad, malformed], ['', ''], `answer ${i}`)
    // 1 is good; a severity from 0x600000 on is a warning.
    for (const status of statuses.slice(0, 4).flatMap((s) => s.split(',')).filter((s) => s !== '')) t.is(status, '1', `answer ${i}: ${line.join('|')}`)
    t.true(Number(statuses[5] ?? 0) < 0x60_0000, `answer ${i}: ${line.join('|')}`)
  }
})

/** A capture file of Ethernet frames. */
const capture = (frames: readonly Uint8Array[]): Uint8Array => {
  const head = Uint32Array.of(0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x4_0000, 1)
  const parts = frames.flatMap((one, i) => [new Uint8Array(Uint32Array.of(1, i, one.length, one.length).buffer), one])
  return Buffer.concat([new Uint8Array(head.buffer), ...parts])
}
