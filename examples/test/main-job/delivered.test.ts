/** What arrives, compared with what was sent: byte for byte, by readers and writers that no port uses. */
import test from 'ava'
import { emitFrame, type Frame, type IpAddress, manualClock, orThrow } from '@vfp-ts/core'
import { DEFAULT_MAX_PACKET_BYTES, readWholeCapture } from '@vfp-ts/adapters/pcap'
import { openHosts } from '../../main-job/hosts.js'
import { readInventory } from '../../main-job/inventory.js'
import { Replay } from '../../main-job/replay.js'
import { endsOf, ip, quoteOf, read, TENANT, TENANT_POLICY } from './tenant.js'

interface Delivery {
  readonly to: string
  readonly sent: Uint8Array
  readonly arrived: Uint8Array
}

const deliveries = (async (): Promise<readonly Delivery[]> => {
  const clock = manualClock()
  const hosts = openHosts({
    vms: orThrow(readInventory(TENANT_POLICY)) ?? [], policy: TENANT_POLICY, clock, everywhere: false, found: false, warn: (text) => { throw new Error(text) },
  })
  const all: Delivery[] = []
  const replay = new Replay(hosts, clock, DEFAULT_MAX_PACKET_BYTES, {
    vm: ({ vm }, bytes, { data }) => { all.push({ to: vm.name, sent: data, arrived: bytes.slice() }) },
  })
  for (const packet of (await readWholeCapture(TENANT)).packets) await replay.frame(packet)
  return all
})()

const VIPS = ['10.0.9.80', '10.0.9.53', 'fd00:10:0:9::80']
const MACS: Readonly<Record<string, string>> = {
  'client-1': '00155d000004', 'client-2': '00155d000005', 'stranger': '00155d000206', 'web-1': '00155d000104', 'web-2': '00155d000105', 'dns': '00155d000153',
}

/** Whether a frame was sent to a VIP, or arrived from one: only those may differ in more than MACs. */
const isBalanced = ({ sent, arrived }: Delivery): boolean =>
  VIPS.includes(endsOf(read(sent))?.dst ?? '') || VIPS.includes(endsOf(read(arrived))?.src ?? '')

test('main job: what no load balancer touches arrives as it was sent, but for the destination MAC', async (t) => {
  const plain = (await deliveries).filter((d) => !isBalanced(d))
  t.true(plain.length > 700)
  for (const { to, sent, arrived } of plain) {
    const expected = Buffer.concat([Buffer.from(MACS[to] ?? '', 'hex'), sent.subarray(6)])
    if (!expected.equals(arrived)) t.deepEqual(Buffer.from(arrived).toString('hex'), expected.toString('hex'))
  }
})

test('main job: what a load balancer translates arrives as if the sender had written the other address', async (t) => {
  const balanced = (await deliveries).filter(isBalanced)
  t.true(balanced.length > 1000)
  let errors = 0
  for (const { to, sent, arrived } of balanced) {
    const before = read(sent)
    const after = endsOf(read(arrived))
    if (after === undefined || after.fragment) continue
    const toServer = VIPS.includes(endsOf(before)?.dst ?? '')
    const quote = quoteOf(before)
    if (quote !== undefined) errors++
    // A server gets its own address, a client the VIP, also in what a server's error quotes; the ports are those of captures/README.md.
    const expected = emitFrame(readdressed(quote === undefined ? before : { ...before, payload: quotedAt(ip(after.src), quote) }, MACS[to] ?? '', toServer
      ? { destination: ip(after.dst), destinationPort: serverPort(endsOf(before)?.dstPort) }
      : { source: ip(after.src), sourcePort: clientPort(endsOf(before)?.srcPort) }))
    if (!Buffer.from(orThrow(expected)).equals(arrived)) t.deepEqual(Buffer.from(arrived).toString('hex'), Buffer.from(orThrow(expected)).toString('hex'))
    t.true(toServer ? after.dst === serverFor(endsOf(before)?.src, endsOf(before)?.dst) : VIPS.includes(after.src))
  }
  t.is(errors, 1, 'web-1 refuses one datagram to port 443')
})

test('main job: what a client gets from a VIP answers what it sent to that VIP', async (t) => {
  const packets = (await readWholeCapture(TENANT)).packets
  const sentTo = new Set(packets.flatMap(({ data }) => {
    const e = endsOf(read(data))
    return e === undefined ? [] : [`${e.src} ${e.srcPort} ${e.dst} ${e.dstPort}`]
  }))
  const fromVips = (await deliveries).map(({ arrived }) => read(arrived)).filter((frame) => {
    const e = endsOf(frame)
    return e !== undefined && VIPS.includes(e.src) && !e.fragment
  })
  t.true(fromVips.length > 500)
  for (const frame of fromVips) {
    // An error answers the packet it quotes, which must be the one that the client knows.
    const quote = quoteOf(frame)
    const q = quote === undefined ? undefined : endsOf(quote)
    const e = endsOf(frame)
    const answered = q === undefined ? `${e?.dst} ${e?.dstPort} ${e?.src} ${e?.srcPort}` : `${q.src} ${q.srcPort} ${q.dst} ${q.dstPort}`
    if (!sentTo.has(answered)) t.fail(answered)
  }
})

test('main job: fragments arrive with the addresses of their first one', async (t) => {
  const answers = (await deliveries).filter(({ sent, arrived }) => {
    const before = endsOf(read(sent))
    return before?.fragment === true && before.src === '10.0.1.53' && endsOf(read(arrived))?.dst === '10.0.0.4'
  })
  t.true(answers.length >= 2)
  t.deepEqual([...new Set(answers.map(({ arrived }) => endsOf(read(arrived))?.src))], ['10.0.9.53'])
})

const serverPort = (port: number | undefined): number => (port === 80 ? 8080 : port === 443 ? 8443 : port ?? 0)
const clientPort = (port: number | undefined): number => (port === 8080 ? 80 : port === 8443 ? 443 : port ?? 0)

/** The server that the recorded network chose, by the client's address. */
const serverFor = (client: string | undefined, vip: string | undefined): string => {
  const second = client === '10.0.0.5' || client === 'fd00:10::5'
  if (vip === '10.0.9.53') return '10.0.1.53'
  if (vip === 'fd00:10:0:9::80') return second ? 'fd00:10:0:1::5' : 'fd00:10:0:1::4'
  return second ? '10.0.1.5' : '10.0.1.4'
}

/** The quote as bytes, with a VIP and its port where the quoted packet went to a server. */
const quotedAt = (vip: IpAddress, quote: Frame): Uint8Array =>
  orThrow(emitFrame(readdressed(quote, '000000000000', { destination: vip, destinationPort: clientPort(endsOf(quote)?.dstPort) }))).subarray(14)

interface Readdressing {
  readonly source?: IpAddress
  readonly destination?: IpAddress
  readonly sourcePort?: number
  readonly destinationPort?: number
}

/** The frame with another destination MAC and other ends; checksums are computed when it is emitted. */
const readdressed = (frame: Frame, mac: string, { source, destination, ...ports }: Readdressing): Frame => {
  const [group] = frame.groups
  const { net, transport } = group
  if (net === undefined || net.kind === 'arp') throw new Error('not IP')
  const addresses = { ...(source === undefined ? {} : { source }), ...(destination === undefined ? {} : { destination }) }
  return {
    ...frame,
    groups: [{
      ...group,
      eth: { ...group.eth, destination: Number.parseInt(mac, 16) },
      net: { ...net, ...addresses },
      ...(transport?.kind === 'tcp' || transport?.kind === 'udp' ? { transport: { ...transport, ...ports } } : transport === undefined ? {} : { transport }),
    }],
  }
}
