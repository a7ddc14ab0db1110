import test from 'ava'
import * as E from 'fp-ts/lib/Either.js'
import { pcapEncoder } from '../../src/pcap/pcap-encoder.js'
import { pcapngEncoder } from '../../src/pcap/pcapng-encoder.js'
import type { ByteOrder, CapturePacket } from '../../src/pcap/packet.js'
import { concat, decodeAll, orFail } from './captures.js'

const ORDERS: readonly ByteOrder[] = ['little', 'big']

/** An encoder of one interface, behind what opens its file. */
const encoderOf = (format: 'pcap' | 'pcapng', byteOrder: ByteOrder, linkType: number) => {
  if (format === 'pcap') {
    const encoder = orFail(pcapEncoder({ byteOrder, linkType }))
    return { encoder, opening: encoder.start }
  }
  const encoder = orFail(pcapngEncoder({ byteOrder }))
  return { encoder, opening: concat([encoder.start, orFail(encoder.addInterface({ linkType })).bytes]) }
}

const read = (format: 'pcap' | 'pcapng', byteOrder: ByteOrder, linkType: number, data: Uint8Array): CapturePacket => {
  const { encoder, opening } = encoderOf(format, byteOrder, linkType)
  return decodeAll([opening, orFail(encoder.packet({ data, timestampNs: 0n }))]).packets[0]!
}

const cooked = (hardware: number, protocol: number): Uint8Array => Uint8Array.of(0, 0, hardware >>> 8, hardware, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, protocol >>> 8, protocol, 1, 2, 3, 4)
const cooked2 = (hardware: number, protocol: number): Uint8Array => Uint8Array.of(protocol >>> 8, protocol, 0, 0, 0, 0, 0, 1, hardware >>> 8, hardware, 0, 0, 1, 2, 3, 4)
const any = Uint8Array.of(2, 0, 0, 0, 0x45, 0, 0, 20)

const HOST: readonly (readonly [string, number, Uint8Array])[] = [
  ['Null', 0, any], ['ENC', 109, any], ['PFLOG', 117, any], ['Prism', 119, any], ['USB', 189, any], ['USB of mmap', 220, any], ['SocketCAN', 227, any],
  ['NFLOG', 239, any], ['netlink', 253, any], ['PKTAP', 258, any], ['cooked CAN', 113, cooked(280, 0x0c)], ['cooked CAN FD', 113, cooked(280, 0x0d)],
  ['cooked CAN XL, version 2', 276, cooked2(280, 0x0e)], ['cooked netlink', 113, cooked(824, 0)], ['cooked netlink, version 2', 276, cooked2(824, 0)],
]
const NETWORK: readonly (readonly [string, number, Uint8Array])[] = [
  ['Ethernet', 1, any], ['Raw', 101, any], ['loopback', 108, any], ['cooked IPv4', 113, cooked(1, 0x0800)], ['cooked IPv6, version 2', 276, cooked2(1, 0x86dd)],
  ['a short cooked packet', 113, Uint8Array.of(0, 0)],
]

for (const format of ['pcap', 'pcapng'] as const) {
  test(`host order: a packet of ${format} says the byte order of its source`, (t) => {
    for (const order of ORDERS) for (const [name, type, data] of [...HOST, ...NETWORK]) t.is(read(format, order, type, data).byteOrder, order, name)
  })

  test(`host order: ${format} of the other byte order refuses packets with headers in their source's, and takes all others`, (t) => {
    for (const from of ORDERS) {
      for (const to of ORDERS) {
        for (const [name, type, data] of [...HOST, ...NETWORK]) {
          const written = encoderOf(format, to, type).encoder.packet(read('pcapng', from, type, data))
          t.is(E.isRight(written), from === to || NETWORK.some(([taken]) => taken === name), `${name}, ${from} to ${to}`)
          if (E.isLeft(written)) t.like(written.left, { _tag: 'Unwritable', packet: 1 })
        }
      }
    }
  })
}

test('host order: a packet of which no order is said is taken for the file\'s', (t) => {
  for (const order of ORDERS) t.true(E.isRight(encoderOf('pcapng', order, 239).encoder.packet({ data: any, timestampNs: 0n })))
})

test('host order: sections of both orders each tell their own', (t) => {
  const file = ORDERS.flatMap((order) => {
    const { encoder, opening } = encoderOf('pcapng', order, 239)
    return [opening, orFail(encoder.packet({ data: any, timestampNs: 0n }))]
  })
  t.deepEqual(decodeAll(file).packets.map(({ byteOrder }) => byteOrder), ORDERS)
})
