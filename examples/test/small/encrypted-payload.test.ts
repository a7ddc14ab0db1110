import test from 'ava'
import { linesOf } from './run.js'

const lines = linesOf('encrypted-payload')
const after = (title: string): string => lines.find((line) => line.startsWith(`${title}: `))?.slice(title.length + 2) ?? 'no such line'

test('encrypted-payload: the wire does not show the words, the other VM gets them', (t) => {
  t.false(after('on the wire').includes('nobody'))
  t.is(String(JSON.parse(after('on the wire'))).length, 29 + 8 + 16)
  t.is(after('delivered'), '131 bytes of IP, vm-b gets 29 bytes: "nobody on the wire reads this"')
  t.is(after('a TCP segment'), '128 bytes of IP, vm-b gets 14 bytes: "GET / HTTP/1.1"')
})

test('encrypted-payload: the same words are never the same bytes', (t) => {
  t.not(after('the same words again'), after('on the wire'))
})

test('encrypted-payload: what was changed on the way is dropped and counted', (t) => {
  t.is(after('one bit changed'), '131 bytes of IP, dropped: PayloadRefused')
  t.true(lines.some((line) => line.startsWith('vm-b {"PayloadRefused":1}')))
})

test('encrypted-payload: the MTU of the VMs is exactly what fits', (t) => {
  t.is(after('MTU of the VMs'), '1500 - 50 (tunnel) - 24 (counter and tag) = 1426')
  t.is(after('a packet of 1426 bytes'), '1500 bytes of IP, vm-b gets 1398 bytes')
  t.is(after('a packet of 1427 bytes'), '1501 bytes of IP, too long for the underlay by 1')
})
