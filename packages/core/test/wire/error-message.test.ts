import test from 'ava'
import { mayComplain, MAX_ERROR_FRAME, packetTooBig, writeErrorMessage } from '../../src/wire/error-message.js'
import { u16, u32 } from '../../src/wire/bytes.js'
import { QUOTE, Slot, SLOTS } from '../../src/wire/frame-view.js'
import { read, type Sent, sent } from '../switch/mtu-support.js'

const about = (said: Sent, mtu = 1400): Uint8Array => {
  const out = new Uint8Array(MAX_ERROR_FRAME + 4)
  const view = read(sent(said))
  return out.slice(3, writeErrorMessage(view, packetTooBig(view, mtu), out, 3))
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('error message: over IPv4 it is type 3, code 4 with the MTU, from the destination, and 576 bytes long', (t) => {
  const frame = sent({ length: 1500, dontFragment: true })
  const message = about({ length: 1500, dontFragment: true })
  const { slots } = read(message)
  const ip = slots[Slot.L3]!
  const icmp = slots[Slot.L4]!
  t.is(hex(message.subarray(0, 12)), hex(frame.subarray(6, 12)) + hex(frame.subarray(0, 6)))
  t.is(hex(message.subarray(ip + 12, ip + 20)), hex(frame.subarray(30, 34)) + hex(frame.subarray(26, 30)))
  t.deepEqual([message[icmp], message[icmp + 1], u32(message, icmp + 4)], [3, 4, 1400])
  t.is(u16(message, ip + 2), 576)
  t.is(hex(message.subarray(icmp + 8)), hex(frame.subarray(14, 14 + 548)))
})

test('error message: over IPv6 it is type 2 with the MTU, from the destination, and 1280 bytes long', (t) => {
  const frame = sent({ six: true, length: 1500 })
  const message = about({ six: true, length: 1500 })
  const { slots } = read(message)
  const ip = slots[Slot.L3]!
  const icmp = slots[Slot.L4]!
  t.is(hex(message.subarray(ip + 8, ip + 40)), hex(frame.subarray(38, 54)) + hex(frame.subarray(22, 38)))
  t.deepEqual([message[icmp], message[icmp + 1], u32(message, icmp + 4)], [2, 0, 1400])
  t.is(slots[Slot.END]! - ip, 1280)
})

test('error message: a short packet is quoted whole, and without its padding', (t) => {
  const { slots, quoted } = read(about({ length: 60, padding: 30 }))
  t.true(quoted)
  t.is(slots[QUOTE * SLOTS + Slot.END]! - slots[QUOTE * SLOTS + Slot.L3]!, 60)
})

test('error message: VLAN tags are those of the frame', (t) => {
  const message = about({ length: 1500, vlans: [7, 8] })
  t.is(hex(message.subarray(12, 22)), '81000007810000080800')
  t.true(message.length <= MAX_ERROR_FRAME)
})

test('error message: none is sent about errors, later fragments, what is for many, and what comes from no host', (t) => {
  const allowed = (said: Sent): boolean => mayComplain(read(sent(said)))
  t.true(allowed({}))
  t.true(allowed({ six: true }))
  t.true(allowed({ proto: 'icmp' }))
  t.true(allowed({ moreFragments: true }))
  for (const said of [
    { proto: 'icmp', icmpType: 3 }, { proto: 'icmp', icmpType: 5 }, { proto: 'icmp', six: true, icmpType: 1 }, { proto: 'icmp', six: true, icmpType: 137 },
    { fragmentOffset: 800 },
    { toMac: 'ff:ff:ff:ff:ff:ff' }, { to: '255.255.255.255' }, { to: '224.0.0.1' }, { six: true, to: 'ff02::1' },
    { from: '0.0.0.0' }, { from: '127.0.0.1' }, { from: '224.0.0.1' }, { six: true, from: '::' }, { six: true, from: '::1' }, { six: true, from: 'ff02::1' },
  ] as const satisfies readonly Sent[]) t.false(allowed(said), JSON.stringify(said))
})
