import test from 'ava'
import { FIELDS, isPresent, readNumber } from '../../src/flow/field.js'
import { extractFlow, makeUfid } from '../../src/flow/flow-id.js'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { emitFrame } from '../../src/wire/emit-frame.js'
import type { HeaderGroup } from '../../src/wire/frame.js'
import { makeFrameView } from '../../src/wire/frame-view.js'
import type { Ipv6Extension } from '../../src/wire/ipv6-extension.js'
import { parseFrame } from '../../src/wire/parse.js'
import { right } from '../wire/hex.js'

const marks = (bytes: Uint8Array): readonly (number | undefined)[] => {
  const view = makeFrameView()
  parseFrame(view, bytes, 0, bytes.length)
  const words = makeUfid()
  extractFlow(view, words)
  return [FIELDS.routerAlert, FIELDS.ndpSourceLink].map((field) => (isPresent(field.presence, words, 0, view.depth) ? readNumber(field, words, 0) : undefined))
}

const eth = { destination: 1, source: 2, etherType: 0x0800 }

const igmp = (options: readonly number[]): Uint8Array => {
  const net: HeaderGroup['net'] = {
    kind: 'ipv4', source: ipv4(0), destination: ipv4(0xe000_0016), protocol: 2, ttl: 1, dscp: 48, ecn: 3, identification: 0, dontFragment: true, moreFragments: false,
    reservedFlag: false, fragmentOffset: 0, options: Uint8Array.from(options),
  }
  return right(emitFrame({ groups: [{ eth, vlans: [], net }], payload: new Uint8Array(8) }))
}

const icmp6 = (type: number, payload: readonly number[], extensions: readonly Ipv6Extension[] = []): Uint8Array => {
  const net: HeaderGroup['net'] = { kind: 'ipv6', source: ipv6(0, 0, 0, 0), destination: ipv6(0xff020000, 0, 0, 2), protocol: 58, hopLimit: 255, dscp: 0, ecn: 3, flowLabel: 0, extensions }
  return right(emitFrame({ groups: [{ eth: { ...eth, etherType: 0x86dd }, vlans: [], net, transport: { kind: 'icmpv6', type, code: 0 } }], payload: Uint8Array.from(payload) }))
}

for (const [name, options, expected] of [
  ['none', [], 0],
  ['a router alert', [0x94, 4, 0, 0], 1],
  ['a router alert behind others', [1, 7, 3, 0, 0x94, 4, 0, 0], 1],
  ['another', [7, 3, 4, 0], 0],
  ['one in the data of another', [7, 7, 4, 0x94, 4, 0, 0, 0], 0],
  ['one behind the end of options', [0, 0x94, 4, 0], 0],
  ['one that is cut off', [7, 0, 0x94, 4], 0],
  ['one whose length is missing', [1, 1, 1, 7], 0],
] as const) {
  test(`link marks: an IPv4 router alert, of ${name}`, (t) => { t.deepEqual(marks(igmp(options)), [expected, undefined]) })
}

const hopByHop = (...options: readonly number[]): readonly Ipv6Extension[] => [{ kind: 'hop-by-hop', options: Uint8Array.from(options) }]
const report = new Array<number>(20).fill(0)

for (const [name, extensions, expected] of [
  ['none', [], 0],
  ['a router alert', hopByHop(5, 2, 0, 0, 1, 0), 1],
  ['a router alert behind padding', hopByHop(0, 0, 5, 2, 0, 0), 1],
  ['padding that looks like it', hopByHop(1, 4, 5, 2, 0, 0), 0],
  ['a router alert for the destination', [{ kind: 'destination', options: Uint8Array.from([5, 2, 0, 0, 1, 0]) }], 0],
] satisfies readonly (readonly [string, readonly Ipv6Extension[], number])[]) {
  test(`link marks: an IPv6 router alert, of ${name}`, (t) => { t.deepEqual(marks(icmp6(131, report, extensions)), [expected, 0]) })
}

const target = new Array<number>(20).fill(7)
const nonce = [14, 1, 1, 1, 1, 1, 1, 1]
const source = [1, 1, 0, 21, 93, 0, 0, 4]

for (const [name, type, payload, expected] of [
  ['a neighbour solicitation without options', 135, target, 0],
  ['a neighbour solicitation', 135, [...target, ...source], 1],
  ['a neighbour solicitation with a nonce', 135, [...target, ...nonce], 0],
  ['a neighbour solicitation with a nonce and it', 135, [...target, ...nonce, ...source], 1],
  ['a neighbour solicitation whose options have no length', 135, [...target, 14, 0, ...source], 0],
  ['a router solicitation', 133, [0, 0, 0, 0, ...source], 1],
  ['a router solicitation without options', 133, [0, 0, 0, 0], 0],
  ['a neighbour advertisement, which has no such option', 136, [...target, ...source], 0],
  ['an echo whose payload looks like it', 128, [...target, ...source], 0],
] as const) {
  test(`link marks: a source link-layer address, of ${name}`, (t) => { t.deepEqual(marks(icmp6(type, payload)), [0, expected]) })
}
