import test from 'ava'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import type { Icmpv6 } from '../../src/wire/icmpv6.js'
import type { Ipv6 } from '../../src/wire/ipv6.js'
import { formatNdp, isNdp, ndpPayload, ndpSize, ndpTargetAt, ndpType, parseNdp, type NdpMessage, type NeighborSolicitation } from '../../src/wire/ndp.js'
import type { NdpOption } from '../../src/wire/ndp-options.js'
import { acceptNdp, ALL_NODES, isFromLink, multicastMac, neighborAdvertisementFor, solicitedNode, UNSPECIFIED } from '../../src/wire/ndp-rules.js'
import { renderWireError } from '../../src/wire/wire-error.js'
import { hex, left, right } from './hex.js'

const mac = 0x00155d000001
const fd5 = ipv6(0xfd000000, 0, 0, 5)
const fe1 = ipv6(0xfe800000, 0, 0, 1)
const FD5 = 'fd000000 00000000 00000000 00000005'
const FE1 = 'fe800000 00000000 00000000 00000001'
const MAC = '00155d000001'

/** Type, what follows the ICMPv6 header, what it says, how it is shown, bytes in front of the options. */
const EXAMPLES: readonly (readonly [number, string, NdpMessage, string, number])[] = [
  [133, `00000000 0101 ${MAC}`, { kind: 'router-solicitation', options: [{ kind: 'source-link-address', mac }] }, 'router solicitation, source 00:15:5d:00:00:01', 4],
  [
    134, `40 88 0708 00007530 000003e8 0501 0000 000005dc 0304 40c0 00278d00 00093a80 00000000 fd000000 00000000 00000000 00000000`,
    {
      kind: 'router-advertisement', hopLimit: 64, managed: true, other: false, otherFlags: 8, lifetimeS: 1800, reachableMs: 30000, retransmitMs: 1000,
      options: [
        { kind: 'mtu', mtu: 1500 },
        { kind: 'prefix', prefix: ipv6(0xfd000000, 0, 0, 0), length: 64, onLink: true, autonomous: true, otherFlags: 0, validS: 2592000, preferredS: 604800 },
      ],
    },
    'router advertisement, lifetime 1800 s, managed, mtu 1500, prefix fd00::/64', 12,
  ],
  [
    135, `00000000 ${FD5} 0101 ${MAC}`, { kind: 'neighbor-solicitation', target: fd5, options: [{ kind: 'source-link-address', mac }] },
    'neighbor solicitation, who has fd00::5, source 00:15:5d:00:00:01', 20,
  ],
  [
    136, `60000000 ${FD5} 0201 ${MAC}`,
    { kind: 'neighbor-advertisement', router: false, solicited: true, override: true, target: fd5, options: [{ kind: 'target-link-address', mac }] },
    'neighbor advertisement, fd00::5, solicited, override, target 00:15:5d:00:00:01', 20,
  ],
  [
    137, `00000000 ${FE1} ${FD5} 0402 000000000000 6000000000003b40 fd01 000000000000`,
    {
      kind: 'redirect', target: fe1, destination: fd5,
      options: [{ kind: 'redirected', packet: hex('6000000000003b40') }, { kind: 'unknown', number: 0xfd, data: hex('000000000000') }],
    },
    'redirect, fd00::5 by fe80::1, redirected packet 8 bytes, option 253 6 bytes', 36,
  ],
]

for (const [type, text, repr, shown, fixed] of EXAMPLES) {
  const bytes = hex(text)

  test(`ndp: reads, shows and writes a known ${repr.kind}`, (t) => {
    const placed = Uint8Array.of(1, 2, 3, ...bytes)
    t.deepEqual(right(parseNdp(type, placed, 3, placed.length)), { repr, next: placed.length, end: placed.length })
    t.is(ndpType(repr), type)
    t.is(formatNdp(repr), shown)
    t.deepEqual(right(ndpPayload(repr)), bytes)
    t.is(ndpSize(repr), bytes.length)
  })

  test(`ndp: a ${repr.kind} is Truncated in front of its options, and BadLength where one is cut`, (t) => {
    for (let end = 0; end < bytes.length; end++) {
      const answer = parseNdp(type, bytes, 0, end)
      if (end < fixed) t.is(left(answer).reason, 'Truncated', `${end} bytes`)
      else if (answer._tag === 'Left') t.is(answer.left.reason, 'BadLength', `${end} bytes`)
      else t.is(ndpSize(answer.right.repr), end)
    }
  })
}

test('ndp: refuses an option of length 0, where it begins', (t) => {
  const error = left(parseNdp(135, hex(`00000000 ${FD5} 0101 ${MAC} 0e00 000000000000`), 0, 36))
  t.is(renderWireError(error), 'ndp at 28: BadLength, an option of length 0, or cut off before its length')
})

test('ndp: lists a link-layer address, prefix or MTU of an unexpected length as unknown', (t) => {
  const { repr } = right(parseNdp(133, hex('00000000 0102 00155d000001 0000000000000000 0301 000000000000 0502 000000000000 0000000000000000'), 0, 44))
  t.deepEqual(repr.options.map((option) => option.kind), ['unknown', 'unknown', 'unknown'])
})

test('ndp: knows its types, and refuses others', (t) => {
  t.deepEqual([132, 133, 137, 138].map(isNdp), [false, true, true, false])
  t.is(left(parseNdp(128, new Uint8Array(40), 0, 40)).reason, 'UnsupportedProtocol')
})

test('ndp: the target lies at one place in three messages, if it is there', (t) => {
  for (const [type, text] of EXAMPLES) {
    const bytes = Uint8Array.of(0xff, type, 0, 0, 0, ...hex(text))
    const has = type >= 135
    t.is(ndpTargetAt(bytes, 1, bytes.length), has ? 9 : -1)
    t.is(ndpTargetAt(bytes, 1, 25), has ? 9 : -1)
    t.is(ndpTargetAt(bytes, 1, 24), -1)
  }
})

test('ndp: refuses to write options of odd sizes and addresses of IPv4', (t) => {
  const solicit = (target = fd5, ...options: readonly NdpOption[]): NdpMessage => ({ kind: 'neighbor-solicitation', target, options })
  t.is(left(ndpPayload(solicit(fd5, { kind: 'unknown', number: 9, data: new Uint8Array(7) }))).reason, 'BadLength')
  t.is(left(ndpPayload(solicit(fd5, { kind: 'redirected', packet: new Uint8Array(2040) }))).reason, 'BadLength')
  t.is(left(ndpPayload(solicit(ipv4(1)))).reason, 'BadHeader')
})

const net = (source = fe1, destination = fd5, hopLimit = 255): Ipv6 => ({
  kind: 'ipv6', source, destination, protocol: 58, hopLimit, dscp: 0, ecn: 0, flowLabel: 0, extensions: [],
})
const header = (message: NdpMessage, code = 0): Icmpv6 => ({ kind: 'icmpv6', type: ndpType(message), code })
const fd1 = ipv6(0xfd000000, 0, 0, 1)
const [rs, ra, ns, na, rd] = EXAMPLES.map(([, , repr]) => repr) as [NdpMessage, NdpMessage, NeighborSolicitation, NdpMessage, NdpMessage]

for (const [name, message, around] of [
  ['a router solicitation', rs, net()],
  ['a router solicitation without address from nowhere', { ...rs, options: [] }, net(UNSPECIFIED)],
  ['a router advertisement from a link-local address', ra, net()],
  ['a neighbor solicitation', ns, net(fd1)],
  ['a probe for a duplicate address', { ...ns, options: [] }, net(UNSPECIFIED, solicitedNode(fd5))],
  ['a neighbor advertisement', na, net(fd5, fd1)],
  ['an unsolicited advertisement to all nodes', { ...na, solicited: false }, net(fd5, ALL_NODES)],
  ['a redirect to a router', rd, net()],
] as readonly (readonly [string, NdpMessage, Ipv6])[]) {
  test(`ndp-rules: ${name} is accepted, but not with another hop limit or code`, (t) => {
    t.deepEqual(right(acceptNdp(around, header(message), message)), message)
    t.regex(left(acceptNdp({ ...around, hopLimit: 254 }, header(message), message)).detail, /hop limit is 254/)
    t.regex(left(acceptNdp(around, header(message, 1), message)).detail, /code is 1/)
    t.is(left(acceptNdp(around, { ...header(message), type: 128 }, message)).reason, 'BadHeader')
  })
}

const oddLink: NdpOption = { kind: 'unknown', number: 1, data: new Uint8Array(14) }
for (const [name, message, around, rule] of [
  ['a router solicitation with address from nowhere', rs, net(UNSPECIFIED), /unspecified/],
  ['a router advertisement from a global address', ra, net(fd1), /not link-local/],
  ['a solicitation of a group', { ...ns, target: ALL_NODES }, net(), /multicast/],
  ['a probe with an address', ns, net(UNSPECIFIED, solicitedNode(fd5)), /unspecified/],
  ['a probe with an address of another size', { ...ns, options: [oddLink] }, net(UNSPECIFIED, solicitedNode(fd5)), /unspecified/],
  ['a probe to one node', { ...ns, options: [] }, net(UNSPECIFIED, fd5), /solicited node/],
  ['an advertisement of a group', { ...na, target: ALL_NODES }, net(), /multicast/],
  ['a solicited advertisement to a group', na, net(fd5, ALL_NODES), /multicast/],
  ['a redirect from a global address', rd, net(fd1), /not link-local/],
  ['a redirect of a group', { ...rd, destination: ALL_NODES }, net(), /multicast/],
  ['a redirect to a global address', { ...rd, target: fd1 }, net(), /neither/],
] as readonly (readonly [string, NdpMessage, Ipv6, RegExp])[]) {
  test(`ndp-rules: ${name} is not accepted`, (t) => {
    const error = left(acceptNdp(around, header(message), message))
    t.deepEqual([error.protocol, error.reason], ['ndp', 'BadHeader'])
    t.regex(error.detail, rule)
  })
}

test('ndp-rules: a packet is from the link only with the full hop limit', (t) => {
  const bytes = new Uint8Array(45)
  bytes[12] = 255
  t.true(isFromLink(bytes, 5))
  bytes[12] = 254
  t.false(isFromLink(bytes, 5))
})

test('ndp-rules: an answer tells the target that was asked for', (t) => {
  const answer = neighborAdvertisementFor(ns, mac, { router: false, solicited: true, override: true })
  t.deepEqual(answer, na as typeof answer)
})

// RFC 4291 §2.7.1 has the example of 4037::01:800:200e:8c6c
test('ndp-rules: addresses of groups follow from those of nodes', (t) => {
  t.deepEqual(solicitedNode(ipv6(0x40370000, 0, 0x00010800, 0x200e8c6c)), ipv6(0xff020000, 0, 1, 0xff0e8c6c))
  t.is(multicastMac(solicitedNode(fd5)), 0x3333ff000005)
})
