import test from 'ava'
import { below, linesOf } from './run.js'

const lines = linesOf('gateway-without-vm')
const VXLAN = 'on the wire: IPv4 192.0.2.1 > 192.0.2.254 | VXLAN vni 5001'
const VXLAN_BACK = 'on the wire: IPv4 192.0.2.254 > 192.0.2.1 | VXLAN vni 5001'
const GENEVE = 'on the wire: IPv4 192.0.2.254 > 192.0.2.2 | Geneve vni 7001'
const GENEVE_BACK = 'on the wire: IPv4 192.0.2.2 > 192.0.2.254 | Geneve vni 7001'

test('gateway-without-vm: answers for who is on the other side, in the tunnel that the question came by', (t) => {
  t.deepEqual(below(lines, 'the red VM asks who has the blue one\'s address'), [
    `${VXLAN} | ARP who-has 10.1.2.5 tell 10.1.1.4`, `${VXLAN_BACK} | ARP 10.1.2.5 is-at 02:00:00:00:00:51`, 'to the red VM: ARP 10.1.2.5 is-at 02:00:00:00:00:51',
  ])
  const asked = below(lines, 'the blue VM asks for the red one by IPv6')
  t.regex(asked[0] ?? '', /Geneve vni 7001 .* neighbor solicitation$/)
  t.is(asked[2], 'to the blue VM: IPv6 fd00:1:0:1::4 > fd00:1:0:2::5 | ICMPv6 neighbor advertisement')
})

test('gateway-without-vm: a ping goes over by VXLAN and Geneve, and comes back by Geneve and VXLAN', (t) => {
  const ping = 'IPv4 10.1.1.4 > 10.1.2.5 | ICMP echo request, id 1, seq 1'
  const pong = 'IPv4 10.1.2.5 > 10.1.1.4 | ICMP echo reply, id 1, seq 1'
  t.deepEqual(below(lines, 'the red VM pings the blue one'), [
    `${VXLAN} | ${ping}`, `${GENEVE} | ${ping}`, `to the blue VM: ${ping}`, `${GENEVE_BACK} | ${pong}`, `${VXLAN_BACK} | ${pong}`, `to the red VM: ${pong}`,
  ])
})

test('gateway-without-vm: nobody answers for who is nowhere', (t) => {
  t.deepEqual(below(lines, 'the red VM asks for somebody who is nowhere'), [`${VXLAN} | ARP who-has 10.1.2.99 tell 10.1.1.4`])
  t.true(lines.includes('the gateway\'s red port: 8 flows, drops {"NoSuchNeighbour":1}'), lines.at(-2))
})
