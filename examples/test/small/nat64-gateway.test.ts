import test from 'ava'
import { below, linesOf } from './run.js'

const lines = linesOf('nat64-gateway')

test('nat64-gateway: what the VM sends leaves as IPv6, one hop older', (t) => {
  t.deepEqual(below(lines, 'on the wire').slice(1, 3), [
    'IPv6 2001:db8:46::a00:4 > 2001:db8:64::c633:6407, TCP, hop limit 63', 'TCP 49152 > 443, SYN, seq 0, ack 0, win 64240',
  ])
})

test('nat64-gateway: the answer comes to the VM as IPv4 from the address it spoke to', (t) => {
  t.regex(below(lines, 'the answer, as the VM gets it')[1] ?? '', /^IPv4 198\.51\.100\.7 > 10\.0\.0\.4, TCP/)
})

test('nat64-gateway: an error about the connection becomes ICMP, and quotes what the VM sent', (t) => {
  const error = below(lines, 'a router\'s Packet Too Big, as the VM gets it')
  t.regex(error[1] ?? '', /^IPv4 198\.51\.100\.7 > 10\.0\.0\.4, ICMP/)
  // RFC 7915 §5.2: an IPv4 header is 20 bytes shorter than an IPv6 one.
  t.true(lines.includes('it quotes 10.0.0.4 > 198.51.100.7, and says MTU 1380'), lines.join('\n'))
})

test('nat64-gateway: an error about a packet the VM did not send stays outside', (t) => {
  t.is(lines.find((line) => line.startsWith('about another')), 'about another packet: dropped as Unsolicited')
})
