import test from 'ava'
import fc from 'fast-check'
import { FIELDS, type FieldName, isPresent, readMac, readNumber } from '../../src/flow/field.js'
import { entropyHash, extractFlow, hashFlow, makeUfid, reverseFlow, sameFlow } from '../../src/flow/flow-id.js'
import { flowToJson, formatFlow, ipAt } from '../../src/flow/format-flow.js'
import { FIRST_NAMED, FIRST_VOLATILE, Shape, Word, WORDS } from '../../src/flow/layout.js'
import { type Flow, flowArbitrary, makeFlow, quoting } from '../../src/testing/flow-arbitraries.js'
import { bytesOf, frameArbitrary } from '../../src/testing/frame-arbitraries.js'
import { packetArbitrary, tweakArbitrary } from '../../src/testing/traffic-arbitraries.js'
import { again, answer, frameOf } from '../../src/testing/traffic-frames.js'
import { formatIp, ipv4, ipv6 } from '../../src/wire/address.js'
import { dissect } from '../../src/wire/dissect.js'
import { fragmentOf, type Frame, type HeaderGroup } from '../../src/wire/frame.js'
import { makeFrameView, QUOTE, Tunnel } from '../../src/wire/frame-view.js'
import type { Ipv4 } from '../../src/wire/ipv4.js'
import { parseFrame } from '../../src/wire/parse.js'
import { runs } from '../datapath/support.js'
import { right } from '../wire/hex.js'

const extracted = (bytes: Uint8Array): Flow => {
  const view = makeFrameView()
  parseFrame(view, bytes, 0, bytes.length)
  const words = makeUfid()
  extractFlow(view, words)
  return { words, depth: view.depth }
}

/** What a header group says of a field, read from its value; `undefined` where it has none. */
const said = (group: HeaderGroup, name: FieldName): number | string | undefined => {
  const { eth, vlans, net, transport, tunnel } = group
  const ip = net === undefined || net.kind === 'arp' ? undefined : net
  const arp = net?.kind === 'arp' ? net : undefined
  const ends = transport?.kind === 'tcp' || transport?.kind === 'udp' ? transport : undefined
  const tcp = transport?.kind === 'tcp' ? transport : undefined
  const icmp = transport?.kind === 'icmp' || transport?.kind === 'icmpv6' ? transport : undefined
  const isEcho = icmp !== undefined && (icmp.kind === 'icmp' ? [0, 8] : [128, 129]).includes(icmp.type)
  switch (name) {
    case 'dstMac': return eth.destination
    case 'srcMac': return eth.source
    case 'etherType': return eth.etherType
    case 'vlanId': return vlans[0]?.vid
    case 'vlanPriority': return vlans[0]?.pcp
    case 'innerVlanId': return vlans[1]?.vid
    case 'arpOperation': return arp?.operation
    case 'arpSender': return arp && formatIp(arp.senderIp)
    case 'arpTarget': return arp && formatIp(arp.targetIp)
    case 'srcIp': return ip && formatIp(ip.source)
    case 'dstIp': return ip && formatIp(ip.destination)
    case 'proto': return ip?.protocol
    case 'dscp': return ip?.dscp
    case 'ecn': return ip?.ecn
    case 'ttl': return ip && (ip.kind === 'ipv4' ? ip.ttl : ip.hopLimit)
    case 'ipId': return ip?.kind === 'ipv4' ? ip.identification : undefined
    case 'fragment': return ip && ['whole', 'first', 'later'].indexOf(fragmentOf(ip))
    case 'srcPort': return ends?.sourcePort
    case 'dstPort': return ends?.destinationPort
    case 'tcpFlags': return tcp && tcp.flags | ((tcp.reserved & 1) << 8)
    case 'tcpSeq': return tcp?.sequence
    case 'tcpAck': return tcp?.acknowledgment
    case 'tcpWindow': return tcp?.window
    case 'icmpType': return icmp?.type
    case 'icmpCode': return icmp?.code
    case 'icmpId': return isEcho ? (icmp.rest ?? 0) >>> 16 : undefined
    // Read in link-marks.test.ts.
    case 'routerAlert': return ip && 'an option'
    case 'ndpSourceLink': return icmp && 'an option, which the payload carries'
    case 'ndpTarget': return 'a target, which the payload carries'
    case 'tunnel': return tunnel && { vxlan: 1, nvgre: 2, geneve: 3, gre: 4 }[tunnel.kind]
    case 'vni': return tunnel === undefined || tunnel.kind === 'gre' ? undefined : tunnel.vni
    case 'ipLength': return ip && 'a length that a value does not carry'
  }
}

const dissected = (bytes: Uint8Array): Frame => right(dissect(bytes))

/** An ICMPv6 message of a type that has four bytes of header, with this body. */
const ndpFrame = (type: number, payload: Uint8Array): Frame => ({
  groups: [{
    eth: { destination: 1, source: 2, etherType: 0x86dd }, vlans: [],
    net: { kind: 'ipv6', source: ipv6(0xfe800000, 0, 0, 1), destination: ipv6(0xfe800000, 0, 0, 2), protocol: 58, hopLimit: 255, dscp: 0, ecn: 0, flowLabel: 0, extensions: [] },
    transport: { kind: 'icmpv6', type, code: 0 },
  }],
  payload,
})

const read = ({ words, depth }: Flow, name: FieldName, group: number): number | string | undefined => {
  const field = FIELDS[name]
  if (!isPresent(field.presence, words, group, depth)) return undefined
  if (field.kind === 'mac') return readMac(field, words, group)
  return field.kind === 'number' ? readNumber(field, words, group) : formatIp(ipAt(words, group * WORDS + field.word, words[group * WORDS]! & 0xf))
}

const IN_NO_VALUE: readonly FieldName[] = ['ipLength', 'ndpTarget', 'routerAlert', 'ndpSourceLink']
const NAMES = Object.keys(FIELDS) as readonly FieldName[]

test('flow id: every field is what the headers say', (t) => {
  fc.assert(fc.property(frameArbitrary(), (frame: Frame) => {
    const flow = extracted(bytesOf(frame))
    t.is(flow.depth, frame.groups.length)
    frame.groups.forEach((group, g) => {
      for (const name of NAMES) if (!IN_NO_VALUE.includes(name)) t.is(read(flow, name, g), said(group, name), name)
    })
  }), { numRuns: runs(200) })
})

test('flow id: the IP length is the header\'s', (t) => {
  const flow = extracted(frameOf({ kind: 'udp', host: 0, peer: 0, ports: [0, 0], payload: 40, tunnel: undefined, tweak: {} }, 'outbound'))
  t.is(read(flow, 'ipLength', 0), 68)
})

test('flow id: the target of a solicitation, advertisement or redirect is its field, where the message is long enough for one', (t) => {
  const message = (type: number, body: number): Uint8Array => bytesOf(ndpFrame(type, new Uint8Array(body).map((_, i) => i + 1)))
  for (const type of [135, 136, 137]) {
    // four bytes reserved or of flags, and sixteen of target
    t.is(read(extracted(message(type, 20)), 'ndpTarget', 0), '506:708:90a:b0c:d0e:f10:1112:1314')
    t.is(read(extracted(message(type, 19)), 'ndpTarget', 0), undefined)
  }
  for (const type of [133, 134, 138]) t.is(read(extracted(message(type, 20)), 'ndpTarget', 0), undefined)
})

test('flow id: the kinds of tags are said by their own bits', (t) => {
  const shape = (...tpids: readonly number[]): number => {
    const { groups: [group], payload } = ndpFrame(135, new Uint8Array(20))
    const vlans = tpids.map((tpid) => ({ tpid, pcp: 0, dei: false, vid: 7 }))
    return extracted(bytesOf({ groups: [{ ...group, vlans }], payload })).words[Word.SHAPE]! >>> Shape.STAGS_SHIFT
  }
  t.deepEqual([shape(), shape(0x8100), shape(0x88a8), shape(0x88a8, 0x8100), shape(0x8100, 0x88a8), shape(0x88a8, 0x88a8)], [0, 0, 1, 1, 2, 3])
})

const QUOTED = QUOTE * WORDS

test('flow id: the packet that an ICMP error quotes is a group without MACs, tags and tunnel', (t) => {
  const { groups: [quoted] } = dissected(frameOf({ kind: 'tcp', host: 0, peer: 0, ports: [0, 1], payload: 0, tunnel: undefined, tweak: { dscp: 46, flags: 0x12 } }, 'outbound'))
  const whole = bytesOf({ groups: [quoted], payload: new Uint8Array(0) }).subarray(14)
  const error = (quote: Uint8Array): Flow => extracted(bytesOf({ groups: [{ ...quoted, net: { ...quoted.net, protocol: 1 } as Ipv4, transport: { kind: 'icmp', type: 11, code: 0, rest: 0 } }], payload: quote }))
  const direct = extracted(bytesOf({ groups: [quoted], payload: new Uint8Array(0) }))
  const { words } = error(whole)
  for (let w = 0; w < WORDS; w++) {
    const absent = w >= Word.MAC_0 && w <= Word.VLAN
    t.is(words[QUOTED + w], absent ? 0 : direct.words[w]!, `word ${w}`)
  }
  // eight bytes of the segment: ports and sequence number
  const short = error(whole.subarray(0, 28))
  t.deepEqual([short.words[QUOTED + Word.PORTS], short.words[QUOTED + Word.CLASS]], [direct.words[Word.PORTS], 46 << 16])
  t.deepEqual([read(short, 'dstPort', QUOTE), read(short, 'srcMac', QUOTE), read(short, 'vni', QUOTE), read(short, 'etherType', QUOTE)], [443, undefined, undefined, 0x0800])
  t.is(read(direct, 'etherType', QUOTE), undefined)
  t.is(formatFlow(short.words, 1), `icmp 10.0.0.4 > 10.0.1.4 type 11 quoting tcp 10.0.0.4:80 > 10.0.1.4:443`)
})

test('flow id: nothing of an earlier quote stays in a buffer that is used again', (t) => {
  fc.assert(fc.property(frameArbitrary({ network: ['ipv4', 'ipv6'], transport: ['icmp', 'udp'], maxGroups: 1, fragments: false }), frameArbitrary(), (first, second) => {
    const view = makeFrameView()
    const words = makeUfid()
    for (const frame of [first, second]) {
      const bytes = bytesOf(frame)
      parseFrame(view, bytes, 0, bytes.length)
      extractFlow(view, words)
    }
    t.deepEqual(words.subarray(QUOTED), extracted(bytesOf(second)).words.subarray(QUOTED))
  }), { numRuns: runs(200) })
})

test('flow id: nothing of an earlier frame stays in a buffer that is used again', (t) => {
  fc.assert(fc.property(frameArbitrary(), frameArbitrary(), (first, second) => {
    const words = makeUfid()
    const view = makeFrameView()
    for (const frame of [first, second]) {
      const bytes = bytesOf(frame)
      parseFrame(view, bytes, 0, bytes.length)
      extractFlow(view, words)
    }
    const fresh = extracted(bytesOf(second))
    t.deepEqual(words.subarray(0, view.depth * WORDS), fresh.words.subarray(0, view.depth * WORDS))
  }), { numRuns: runs(100) })
})

const traffic = fc.constantFrom<('outbound' | 'inbound')[]>('outbound', 'inbound').chain((d) => packetArbitrary(d).map((p) => frameOf(p, d)))
  .filter((frame) => extracted(frame).depth > 0)

test('flow id: the reverse of a flow is the flow of its answer, but for what an answer decides itself', (t) => {
  fc.assert(fc.property(traffic, (frame) => {
    const { words, depth } = extracted(frame)
    const back = answer(frame, {})
    if (back === undefined) throw new Error('a generated frame cannot be read')
    const real = extracted(back)
    reverseFlow(words, depth)
    for (let i = 0; i < depth * WORDS; i++) {
      const w = i % WORDS
      if (w >= FIRST_VOLATILE) t.is(words[i], 0)
      else if (w === Word.CLASS) t.is(words[i], real.words[i]! & 0xffff0000)
      else if (w !== Word.ICMP || (real.words[i - w]! & 0xf) !== 1) t.is(words[i], real.words[i], `word ${w} of group ${(i - w) / WORDS}`)
    }
  }), { numRuns: runs(200) })
})

test('flow id: reversed twice is the flow again, without flags and what differs from packet to packet', (t) => {
  fc.assert(fc.property(flowArbitrary(), ({ words, depth }) => {
    const twice = words.slice()
    reverseFlow(twice, depth)
    reverseFlow(twice, depth)
    for (let i = 0; i < depth * WORDS; i++) if (i % WORDS < Word.CLASS) t.is(twice[i], words[i])
  }), { numRuns: runs(100) })
})

test('flow id: packets of one connection hash alike and are the same flow, whatever else differs', (t) => {
  fc.assert(fc.property(traffic, tweakArbitrary(), fc.nat(0xffffffff), (frame, tweak, seed) => {
    // A later fragment alone does not say which connection it is of.
    const tweaked = again(frame, { ...tweak, later: false })
    if (tweaked === undefined) throw new Error('a generated frame cannot be read')
    const a = extracted(frame)
    const b = extracted(tweaked)
    t.is(b.depth, a.depth)
    t.true(sameFlow(a.words, b.words, a.depth))
    t.is(hashFlow(b.words, b.depth, seed), hashFlow(a.words, a.depth, seed))
    t.is(entropyHash(b.words, b.depth), entropyHash(a.words, a.depth))
  }), { numRuns: runs(200) })
})

test('flow id: sameFlow is agreement in the always-words of the innermost group, tunnels and tenants', (t) => {
  const inner = { l3: 'ipv4', l4: 'tcp', srcIp: ipv4(1), dstIp: ipv4(2), srcPort: 3, dstPort: 4 } as const
  const outer = { l3: 'ipv4', l4: 'udp', srcIp: ipv4(5), dstIp: ipv4(6), srcPort: 7, dstPort: 4789, vni: 8 } as const
  const flow = makeFlow(outer, inner)
  const same = (o: object, i: object): boolean => sameFlow(flow.words, makeFlow({ ...outer, ...o }, { ...inner, ...i }).words, 2)
  t.true(same({ srcIp: ipv4(50), srcPort: 70, dscp: 1, l3: 'ipv6', etherType: 0x86dd }, { srcMac: 1, ttl: 2, dscp: 3, tcpFlags: 4, vlans: 1, fragment: 1 }))
  for (const i of [{ srcIp: ipv4(9) }, { dstIp: ipv4(9) }, { srcPort: 9 }, { dstPort: 9 }, { l4: 'udp' }, { proto: 9 }]) t.false(same({}, i))
  t.false(same({ vni: 9 }, {}))
  t.false(same({ tunnel: Tunnel.Geneve }, {}))
})

test('flow id: the reverse of a flow quotes nothing', (t) => {
  const { words } = quoting(makeFlow({ l3: 'ipv4', l4: 'icmp', icmpType: 3 }), { l3: 'ipv4', l4: 'udp', srcPort: 1 })
  t.true(words[QUOTED + Word.SHAPE]! > 0)
  reverseFlow(words, 1)
  t.deepEqual(words.subarray(QUOTED), new Uint32Array(WORDS))
})

test('format flow: says tunnels, tags and targets, in words and as data', (t) => {
  const inner = { l3: 'ipv4', l4: 'udp', srcIp: ipv4(0x0a000001), dstIp: ipv4(0x0a000002), srcPort: 1, dstPort: 2 } as const
  const outer = { l3: 'ipv4', srcIp: ipv4(0xc0000201), dstIp: ipv4(0xc0000202), vni: 7 } as const
  const told = (tunnel: number): readonly unknown[] => {
    const { words, depth } = makeFlow({ ...outer, tunnel }, inner)
    return [formatFlow(words, depth), flowToJson(words, depth)[0]?.tunnel]
  }
  const line = (tunnel: string): string => `udp 10.0.0.1:1 > 10.0.0.2:2 in ${tunnel} 192.0.2.1 > 192.0.2.2`
  t.deepEqual(told(Tunnel.Vxlan), [line('vxlan 7'), { kind: 'vxlan', vni: 7 }])
  t.deepEqual(told(Tunnel.Nvgre), [line('nvgre 7'), { kind: 'nvgre', vni: 7 }])
  t.deepEqual(told(Tunnel.Geneve), [line('geneve 7'), { kind: 'geneve', vni: 7 }])
  t.deepEqual(told(Tunnel.Gre), [line('gre'), { kind: 'gre' }])

  const tagged = makeFlow({ ...inner, vlans: 2, vlanId: 100, innerVlanId: 7 })
  t.is(formatFlow(tagged.words, 1), 'udp 10.0.0.1:1 > 10.0.0.2:2 vlan 100.7')
  t.is(flowToJson(tagged.words, 1)[0]?.serviceTags, undefined)
  tagged.words[Word.SHAPE] = tagged.words[Word.SHAPE]! | (1 << Shape.STAGS_SHIFT)
  t.is(formatFlow(tagged.words, 1), 'udp 10.0.0.1:1 > 10.0.0.2:2 vlan s100.7')
  t.like(flowToJson(tagged.words, 1)[0], { vlans: [100, 7], serviceTags: [true, false] })

  const address = ipv6(0xfe800000, 0, 0, 1)
  const solicitation = makeFlow({ l3: 'ipv6', l4: 'icmpv6', icmpType: 135, srcIp: address, dstIp: address, ndpTarget: ipv6(0xfe800000, 0, 0, 9) })
  t.is(formatFlow(solicitation.words, 1), 'icmpv6 fe80::1 > fe80::1 type 135 target fe80::9')
  t.is(flowToJson(solicitation.words, 1)[0]?.ndpTarget, 'fe80::9')

  const error = quoting(makeFlow({ ...inner, l4: 'icmp', icmpType: 3 }), inner)
  t.like(flowToJson(error.words, 1)[0]?.quoted, { proto: 17, srcIp: '10.0.0.1', srcPort: 1 })
})

test('flow id: flows that differ hash differently, nearly always', (t) => {
  const hashes = new Set<number>()
  for (let i = 0; i < 4096; i++) {
    const spec = i % 2 === 0
      ? { l3: 'ipv4', l4: 'tcp', srcIp: ipv4(0x0a000000 + (i >>> 6)), dstIp: ipv4(1), srcPort: i & 63, dstPort: 80 } as const
      : { l3: 'ipv6', l4: 'udp', srcIp: ipv6(1, i, 0, 0), dstIp: ipv6(0, 0, i, 0), srcPort: 1, dstPort: 80 } as const
    hashes.add(hashFlow(makeFlow(spec).words, 1, 7))
  }
  t.true(hashes.size > 4090)
  // The low bits choose the slot: each of 64 has its share.
  const shares = new Map<number, number>()
  for (const h of hashes) shares.set(h & 63, (shares.get(h & 63) ?? 0) + 1)
  t.true(Math.max(...shares.values()) < 128 && Math.min(...shares.values()) > 32)
})

test('flow id: words before the named ones tell connections apart, and no others', (t) => {
  t.is(FIRST_NAMED, Word.ICMP)
  const flow = makeFlow({ l3: 'ipv6', l4: 'tcp' })
  for (let w = 0; w < WORDS; w++) {
    const other = flow.words.slice()
    other[w] = other[w]! ^ 1
    t.is(sameFlow(flow.words, other, 1), w >= Word.VNI, `word ${w}`)
  }
})
