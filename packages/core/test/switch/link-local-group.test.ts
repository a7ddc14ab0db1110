import test from 'ava'
import { type Environment, orThrow, parseIp, type RuleJson } from '../../src/index.js'
import { builtIn, frame, groupOf, hostOf, macOf, type Said } from './support.js'

/** A switch with ports of one network, that tells where frames end. */
const network = (outbound: readonly RuleJson[] = []) => {
  const log: string[] = []
  const environment: Environment = { toVm: (p) => { log.push(p.name) }, toNetwork: () => { log.push('network') } }
  const { host, ports } = hostOf(3, { environment, tunnelEnds: [{ ip: orThrow(parseIp('192.0.2.1')) }] }, () => ({ vni: 7 }))
  if (outbound.length > 0) orThrow(orThrow(ports[0]!.addLayer(builtIn, { order: 1 })).updateJson({ outbound: [groupOf('g', outbound)] }))
  const went = (): readonly string[] => log.splice(0).sort()
  return {
    host,
    fromVm: (bytes: Uint8Array): readonly string[] => {
      host.fromVm('vm-1', bytes)
      return went()
    },
    fromNetwork: (bytes: Uint8Array): readonly string[] => {
      host.fromNetwork(bytes)
      return went()
    },
  }
}

const group = (last: number): string => `01:80:c2:00:00:${last.toString(16).padStart(2, '0')}`
const to = (last: number, said: Said = {}): Uint8Array => frame({ ...said, toMac: group(last) })

/** A frame with an EtherType, or a length, that is not IP's, as these protocols have it. */
const control = (last: number, type: number): Uint8Array => {
  const bytes = new Uint8Array(60)
  bytes.set([0x01, 0x80, 0xc2, 0, 0, last, 0x00, 0x15, 0x5d, 0, 0, 1, type >>> 8, type & 0xff])
  return bytes
}

const tagged = (bytes: Uint8Array, tci: number): Uint8Array => Uint8Array.of(...bytes.subarray(0, 12), 0x81, 0, tci >>> 8, tci & 0xff, ...bytes.subarray(12))

const EVERYWHERE = ['network', 'vm-2', 'vm-3']

for (const [protocol, bytes] of [
  ['spanning tree', control(0x00, 0x0026)], ['PAUSE', control(0x01, 0x8808)], ['LACP', control(0x02, 0x8809)], ['802.1X', control(0x03, 0x888e)],
  ['LLDP', control(0x0e, 0x88cc)], ['LLDP of a VLAN', tagged(control(0x0e, 0x88cc), 5)], ['LLDP with a priority tag', tagged(control(0x0e, 0x88cc), 0xe000)],
] as const) {
  test(`link-local group: ${protocol} goes nowhere, from a VM or the network, and is counted`, (t) => {
    const { fromVm, fromNetwork, host } = network()
    t.deepEqual(fromVm(bytes), [])
    t.deepEqual(fromNetwork(bytes), [])
    t.deepEqual(host.drops(), { LinkLocalGroup: 2 })
  })
}

test('link-local group: the sixteen addresses go nowhere, and their neighbours are ordinary groups', (t) => {
  const { fromVm, host } = network()
  for (let last = 0; last < 16; last++) t.deepEqual(fromVm(to(last)), [], group(last))
  t.deepEqual(host.drops(), { LinkLocalGroup: 16 })
  for (const last of [0x10, 0x20, 0x21, 0xff]) t.deepEqual(fromVm(to(last)), EVERYWHERE, group(last))
  for (const toMac of ['01:80:c1:ff:ff:ff', '01:80:c2:00:01:00', '03:80:c2:00:00:00', '01:00:0c:cc:cc:cc']) t.deepEqual(fromVm(frame({ toMac })), EVERYWHERE, toMac)
})

test('link-local group: one that came in a tunnel of the switch goes to no VM, and a group beside it does', (t) => {
  const { fromNetwork, host } = network()
  t.deepEqual(fromNetwork(to(2, { tunnel: { vni: 7 } })), [])
  t.deepEqual(host.drops(), { LinkLocalGroup: 1 })
  t.deepEqual(fromNetwork(to(0x10, { tunnel: { vni: 7 } })), ['vm-1', 'vm-2', 'vm-3'])
})

test('link-local group: one around which policy put a tunnel does not leave', (t) => {
  const { fromVm, host } = network([{ do: 'encap', with: { vni: 7, srcIp: '192.0.2.1', dstIp: '192.0.2.2' } }])
  t.deepEqual(fromVm(to(2)), [])
  t.deepEqual(host.drops(), { LinkLocalGroup: 1 })
  t.deepEqual(fromVm(to(0x10)), ['network'], 'to the host that the tunnel is addressed to')
})

for (const target of ['network', 'vm-2']) {
  test(`link-local group: a rule that mirrors to ${target} takes a copy there`, (t) => {
    const { fromVm, host } = network([{ do: 'mirror', when: { dstMac: group(2) }, with: { port: target } }])
    t.deepEqual(fromVm(to(2)), target === 'network' ? EVERYWHERE : [target])
    t.deepEqual(fromVm(to(3)), [])
    t.deepEqual(host.drops(), { LinkLocalGroup: 2 })
  })
}

test('link-local group: a batch counts each', (t) => {
  const { host } = network()
  const frames = [to(0), frame({ toMac: macOf(2) }), to(15)]
  const bytes = new Uint8Array(2048)
  const start = new Uint32Array(3)
  const length = new Uint32Array(3)
  frames.forEach((each, i) => {
    start[i] = 256 + i * 512
    length[i] = each.length
    bytes.set(each, start[i])
  })
  const verdict = new Uint8Array(3)
  host.batchFromNetwork({ bytes, start, length, verdict, reason: new Uint16Array(3), count: 3 })
  t.deepEqual([...verdict], [1, 0, 1])
  t.deepEqual(host.drops(), { LinkLocalGroup: 2 })
})
