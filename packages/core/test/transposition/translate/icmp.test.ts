import test from 'ava'
import { mtu4, mtu6, translatedIcmp, translatedPointer } from '../../../src/transposition/translate/icmp.js'

const DROP = -1

/** RFC 7915 §4.2: type, codes, what becomes of them. */
const FROM_ICMP: readonly (readonly [type: number, codes: readonly number[], to: readonly [number, number] | typeof DROP])[] = [
  [8, [0], [128, 0]], // echo request
  [0, [0], [129, 0]], // echo reply
  [15, [0], DROP], // information request and reply
  [16, [0], DROP],
  [13, [0], DROP], // timestamp and reply
  [14, [0], DROP],
  [17, [0], DROP], // address mask request and reply
  [18, [0], DROP],
  [9, [0], DROP], // router advertisement and solicitation, of one link
  [10, [0], DROP],
  [3, [0, 1], [1, 0]], // net, host unreachable
  [3, [2], [4, 1]], // protocol unreachable
  [3, [3], [1, 4]], // port unreachable
  [3, [4], [2, 0]], // fragmentation needed
  [3, [5], [1, 0]], // source route failed
  [3, [6, 7, 8], [1, 0]],
  [3, [9, 10], [1, 1]], // prohibited
  [3, [11, 12], [1, 0]],
  [3, [13], [1, 1]], // prohibited
  [3, [14], DROP], // host precedence violation
  [3, [15], [1, 1]], // precedence cutoff
  [3, [16, 255], DROP],
  [5, [0, 1], DROP], // redirect, of one link
  [6, [0], DROP], // alternative host address
  [4, [0], DROP], // source quench
  [11, [0], [3, 0]], // time exceeded
  [11, [1], [3, 1]],
  [12, [0, 2], [4, 0]], // parameter problem: pointer, bad length
  [12, [1], DROP], // missing option
  [12, [3], DROP],
  [42, [0], DROP], // unknown
]

/** RFC 7915 §5.2. */
const FROM_ICMPV6: typeof FROM_ICMP = [
  [128, [0], [8, 0]], // echo request
  [129, [0], [0, 0]], // echo reply
  [130, [0], DROP], // multicast listener query, report, done
  [131, [0], DROP],
  [132, [0], DROP],
  [133, [0], DROP], // neighbour discovery
  [134, [0], DROP],
  [135, [0], DROP],
  [136, [0], DROP],
  [137, [0], DROP],
  [200, [0], DROP], // unknown
  [1, [0], [3, 1]], // no route
  [1, [1], [3, 10]], // prohibited
  [1, [2], [3, 1]], // beyond scope
  [1, [3], [3, 1]], // address unreachable
  [1, [4], [3, 3]], // port unreachable
  [1, [5, 6, 255], DROP],
  [2, [0], [3, 4]], // packet too big
  [3, [0], [11, 0]], // time exceeded
  [3, [1], [11, 1]],
  [4, [0], [12, 0]], // erroneous header field
  [4, [1], [3, 2]], // unrecognized next header
  [4, [2], DROP], // unrecognized option
  [5, [0], DROP],
]

/** RFC 7915 §4.2, figure 3. */
const POINTERS_4: readonly (readonly [from: number, to: number, pointer: number])[] = [
  [0, 0, 0], // version
  [1, 1, 1], // type of service
  [2, 3, 4], // total length
  [4, 5, DROP], // identification
  [6, 7, DROP], // flags, fragment offset
  [8, 8, 7], // time to live
  [9, 9, 6], // protocol
  [10, 11, DROP], // header checksum
  [12, 15, 8], // source
  [16, 19, 24], // destination
  [20, 255, DROP], // not listed
]

/** RFC 7915 §5.2, the pointers. */
const POINTERS_6: typeof POINTERS_4 = [
  [0, 0, 0],
  [1, 1, 1],
  [2, 3, DROP], // flow label
  [4, 5, 2], // payload length
  [6, 6, 9], // next header
  [7, 7, 8], // hop limit
  [8, 23, 12], // source
  [24, 39, 16], // destination
  [40, 60, DROP],
  [0xffffffff, 0xffffffff, DROP],
]

for (const [from, table] of [[4, FROM_ICMP], [6, FROM_ICMPV6]] as const) {
  test(`icmp: types and codes of version ${from} become what the RFC's table says`, (t) => {
    for (const [type, codes, to] of table) {
      for (const code of codes) t.is(translatedIcmp(from, (type << 8) | code), to === DROP ? DROP : (to[0] << 8) | to[1], `${type}/${code}`)
    }
  })

  test(`icmp: translation from version ${from} there, back and there is translation there`, (t) => {
    const to = from === 4 ? 6 : 4
    for (let typeCode = 0; typeCode < 0x10000; typeCode++) {
      const there = translatedIcmp(from, typeCode)
      if (there >= 0) t.is(translatedIcmp(from, translatedIcmp(to, there)), there)
    }
    for (let pointer = 0; pointer < 60; pointer++) {
      const there = translatedPointer(from, pointer)
      if (there >= 0) t.is(translatedPointer(from, translatedPointer(to, there)), there)
    }
  })
}

for (const [from, table] of [[4, POINTERS_4], [6, POINTERS_6]] as const) {
  test(`icmp: pointers of version ${from} become what the RFC's figure says`, (t) => {
    for (const [first, last, to] of table) {
      for (let pointer = first; pointer <= last; pointer++) t.is(translatedPointer(from, pointer), to, String(pointer))
    }
  })
}

test('icmp: the MTU of fragmentation needed grows by the difference of the headers, to 1280 at least', (t) => {
  t.is(mtu6(1480, 1500), 1500)
  t.is(mtu6(1261, 1500), 1281)
  t.is(mtu6(1260, 1500), 1280)
  t.is(mtu6(68, 1500), 1280)
})

test('icmp: a router without RFC 1191 has the greatest plateau below the packet taken for its MTU', (t) => {
  t.is(mtu6(0, 65_535), 32_020)
  t.is(mtu6(0, 2003), 2022)
  t.is(mtu6(0, 2002), 1512)
  t.is(mtu6(0, 1500), 1512)
  t.is(mtu6(0, 1492), 1280)
})

test('icmp: the MTU of packet too big shrinks by the difference of the headers, and one below 1280 counts as 1280', (t) => {
  t.is(mtu4(1500), 1480)
  t.is(mtu4(1280), 1260)
  t.is(mtu4(1279), 1260)
  t.is(mtu4(0), 1260)
  t.is(mtu4(0xffffffff), 0xffff)
})
