import test from 'ava'
import { decap, encap, modify, nat, quoted, translate } from '../../src/transposition/construct.js'
import type { HeaderTransposition } from '../../src/transposition/header-transposition.js'
import { ipv4, ipv6 } from '../../src/wire/address.js'
import { putU16, u16 } from '../../src/wire/bytes.js'
import { checksum, pseudoSum4, pseudoSum6 } from '../../src/wire/checksum.js'
import { bytesOf, ethernet, hex, packet4, packet6, run, spec, spec6 } from '../transposition/hand-made.js'
import { type Frame, inBuffer } from '../transposition/frames.js'

const AWAY4 = ipv4(0xc6336409)
const AWAY6 = ipv6(0x20010db8, 0, 0, 0x99)
const TO6 = translate({ from: 4, to: 6 }, { srcIp: AWAY6, dstIp: ipv6(0x20010db8, 0, 0, 0x98) })
const TO4 = translate({ from: 6, to: 4 }, { srcIp: AWAY4, dstIp: ipv4(0xc6336408) })

test('opaque-checksum: DCCP follows an address, as a packet that was captured shows', (t) => {
  const sent = '02000000000202000000000108004500002800014000402126b20a0000010a0000029c4113890500eaf901000007b8bb924000000000'
  const { name, bytes } = run(nat({ srcIp: AWAY4 }), inBuffer(bytesOf(sent)))
  t.is(name, 'Ok')
  t.is(hex(bytes.subarray(40, 42)), 'cabd')
})

interface Message {
  readonly protocol: number
  readonly message: string
  readonly field: number
  /** Bytes that the checksum covers beside the pseudo header; all unless given. */
  readonly covered?: number
}

const MESSAGES: Readonly<Record<string, Message>> = {
  DCCP: { protocol: 33, message: '9c4113890500000001000007b8bb924000000000', field: 6 },
  'DCCP whose data are not covered': { protocol: 33, message: '9c411389050100000100000700000000abcdef01', field: 6, covered: 16 },
  'UDP-Lite': { protocol: 136, message: '04d200350000' + '0000' + 'abcdef', field: 6 },
  'UDP-Lite of its header alone': { protocol: 136, message: '04d200350008' + '0000' + 'abcdef', field: 6, covered: 8 },
  HIP: { protocol: 139, message: '3b04011100000000' + '00'.repeat(32), field: 4 },
}
const OF_IPV6: Readonly<Record<string, Message>> = {
  OSPF: { protocol: 89, message: '03010024010101010000000000000000' + '00000001', field: 12 },
  PIM: { protocol: 103, message: '20000000000100020069', field: 2 },
  'PIM Register': { protocol: 103, message: '2100000000000000' + '4500001400000000', field: 2, covered: 8 },
  VRRP: { protocol: 112, message: '3101640100640000' + 'fe80000000000000' + '0000000000000001', field: 6 },
  Mobility: { protocol: 135, message: '3b01050000000000' + '0000000000000000', field: 4 },
}

/** The message in a packet of the version, with the checksum of a full computation. */
const packetOf = ({ protocol, message, field, covered = message.length / 2 }: Message, version: 4 | 6): Uint8Array => {
  const packet = version === 4 ? packet4(protocol, message) : packet6(protocol, message)
  const at = version === 4 ? 20 : 40
  putU16(packet, at + field, full(packet, at, protocol, field, covered))
  return packet
}

const full = (packet: Uint8Array, at: number, protocol: number, field: number, covered: number): number => {
  const bare = packet.slice()
  putU16(bare, at + field, 0)
  const length = bare.length - at
  const sum = checksum(bare, at, at + covered, at === 20 ? pseudoSum4(bare, 0, protocol, length) : pseudoSum6(bare, 0, protocol, length))
  return protocol === 136 && sum === 0 ? 0xffff : sum
}

/** Whether the checksum of the one packet in a frame is that of a full computation. */
const isRight = (frame: Uint8Array, { protocol, message, field, covered = message.length / 2 }: Message): boolean => {
  const at = frame[14]! >>> 4 === 4 ? 20 : 40
  const packet = frame.slice(14)
  return u16(packet, at + field) === full(packet, at, protocol, field, covered)
}

const check = (name: string, message: Message, version: 4 | 6): void => {
  test(`opaque-checksum: ${name} over IPv${version} follows addresses, in a tunnel too`, (t) => {
    const away = version === 4 ? AWAY4 : AWAY6
    const frame = (): Frame => ethernet(packetOf(message, version))
    for (const t1 of [nat({ srcIp: away }), nat({ dstIp: away }), modify({ srcIp: away, dstIp: away, ttl: 7 })]) {
      const done = run(t1, frame())
      t.is(done.name, 'Ok')
      t.true(isRight(done.bytes, message))
    }
    for (const outer of [spec, spec6]) {
      const inside = run(modify({ srcIp: away }, 1), run(encap(outer), frame()).frame).frame
      t.true(isRight(run(decap(), inside).bytes, message))
    }
    const wrong = frame()
    wrong.bytes[wrong.end - 1]! ^= 1
    if (message.covered === undefined) t.false(isRight(run(nat({ srcIp: away }), wrong).bytes, message), 'a wrong one stays wrong')
  })
}
for (const [name, message] of Object.entries(MESSAGES)) {
  check(name, message, 4)
  check(name, message, 6)
  test(`opaque-checksum: ${name} follows a translation both ways`, (t) => {
    const there = run(TO6, ethernet(packetOf(message, 4)))
    t.is(there.name, 'Ok')
    t.true(isRight(there.bytes, message))
    const back = run(TO4, ethernet(packetOf(message, 6)))
    t.is(back.name, 'Ok')
    t.true(isRight(back.bytes, message))
  })
}
for (const [name, message] of Object.entries(OF_IPV6)) {
  check(name, message, 6)
  test(`opaque-checksum: ${name} is not translated`, (t) => {
    t.is(run(TO4, ethernet(packetOf(message, 6))).name, 'Untranslatable')
    t.is(run(TO6, ethernet(packet4(message.protocol, message.message))).name, 'Untranslatable')
  })
}

const untouched = (t: HeaderTransposition, protocol: number, message: string): string => {
  const { name, bytes } = run(t, ethernet(packet4(protocol, message)))
  return name === 'Ok' && hex(bytes).endsWith(message) ? 'untouched' : name
}

test('opaque-checksum: what has no pseudo header passes as it is, and what cannot be told is refused where an address changes', (t) => {
  t.is(untouched(nat({ srcIp: AWAY4 }), 132, '0b5913890000000012345678'), 'untouched')
  t.is(untouched(nat({ srcIp: AWAY4 }), 89, '0201002c01010101000000000000abcd'), 'untouched')
  t.is(untouched(nat({ srcIp: AWAY4 }), 103, '2000abcd00010002'), 'untouched')
  t.is(untouched(nat({ srcIp: AWAY4 }), 112, '210164010001abcd0a000001'), 'untouched')
  t.is(untouched(nat({ dstIp: AWAY4 }), 112, '310164010064abcd0a000001'), 'UnknownChecksum')
  t.is(untouched(modify({ ttl: 9, dscp: 4 }), 112, '310164010064abcd0a000001'), 'untouched')
  t.is(untouched(nat({ srcIp: AWAY4 }), 33, '9c4113890500ea'), 'untouched', 'too short to have one')
})

test('opaque-checksum: a first fragment follows and a later one has none', (t) => {
  const whole = packetOf(MESSAGES['UDP-Lite']!, 4)
  const part = (field: number): Frame => {
    const packet = whole.slice(0, 28)
    putU16(packet, 2, 28)
    putU16(packet, 6, field)
    putU16(packet, 10, 0)
    putU16(packet, 10, checksum(packet, 0, 20))
    return ethernet(packet)
  }
  const right = u16(run(nat({ srcIp: AWAY4 }), ethernet(whole)).bytes, 14 + 26)
  t.is(u16(run(nat({ srcIp: AWAY4 }), part(0x2000)).bytes, 14 + 26), right)
  t.is(u16(run(nat({ srcIp: AWAY4 }), part(0x2005)).bytes, 14 + 26), u16(whole, 26))
  // In IPv6 a fragment with more to come is a whole number of words.
  const odd = packetOf(MESSAGES['UDP-Lite']!, 4)
  putU16(odd, 6, 0x2000)
  putU16(odd, 10, 0)
  putU16(odd, 10, checksum(odd, 0, 20))
  t.is(run(TO6, ethernet(odd)).name, 'Untranslatable')
})

test('opaque-checksum: what an error quotes follows, too', (t) => {
  const inner = packetOf(MESSAGES['UDP-Lite']!, 4)
  const error = ethernet(packet4(1, `0300000000000000${hex(inner)}`, 2))
  const { name, bytes } = run(quoted({ srcIp: AWAY4 }), error)
  t.is(name, 'Ok')
  const packet = bytes.slice(14 + 28)
  t.is(u16(packet, 26), full(packet, 20, 136, 6, packet.length - 20))
  t.is(checksum(bytes, 34, bytes.length), 0)
})
