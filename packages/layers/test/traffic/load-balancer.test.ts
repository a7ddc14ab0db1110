import { orThrow, type Port } from '@vfp-ts/core'
import { loadBalancer, type VipJson } from '@vfp-ts/layers'
import test from 'ava'
import { frame } from '../frames.js'
import { host, outcome } from '../host.js'

const balanced = (...vips: readonly VipJson[]): Port => {
  const { port } = host()
  const balancer = orThrow(port.addLayer(loadBalancer.layer, { order: 30 }))
  orThrow(balancer.update(loadBalancer.policy({ vips })))
  return port
}

test('load-balancer: turns VIP and port into DIP and port, and replies back', (t) => {
  const port = balanced({ vip: '10.0.9.80', proto: 'tcp', port: 80, dip: '10.0.1.4', dipPort: 8080 })
  for (let i = 0; i < 3; i++) {
    t.is(outcome(port, 'inbound', frame({ from: '198.51.100.7:5000', to: '10.0.9.80:80' })), '198.51.100.7:5000 > 10.0.1.4:8080 tcp')
    t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:8080', to: '198.51.100.7:5000' })), '10.0.9.80:80 > 198.51.100.7:5000 tcp')
  }
  t.like(port.counters(), { fast: 5, slow: 1, connections: { 'load-balancer': 1 } })
})

test('load-balancer: leaves alone other ports and connections the VM begins', (t) => {
  const port = balanced({ vip: '10.0.9.80', proto: 'tcp', port: 80, dipPort: 8080 })
  t.is(outcome(port, 'inbound', frame({ from: '198.51.100.7:5000', to: '10.0.9.80:81' })), '198.51.100.7:5000 > 10.0.9.80:81 tcp')
  t.is(outcome(port, 'inbound', frame({ from: '198.51.100.7:5000', to: '10.0.9.80:80', proto: 'udp' })), '198.51.100.7:5000 > 10.0.9.80:80 udp')
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:8080', to: '198.51.100.7:6000' })), '10.0.1.4:8080 > 198.51.100.7:6000 tcp')
})

test('load-balancer: takes the most specific entry, whatever their order', (t) => {
  const port = balanced(
    { vip: '10.0.9.80', dip: '10.0.1.1' },
    { vip: '10.0.9.80', proto: 'udp', dip: '10.0.1.2' },
    { vip: '10.0.9.80', proto: 'udp', port: 53, dip: '10.0.1.3', dipPort: 5353 },
  )
  t.is(outcome(port, 'inbound', frame({ from: '198.51.100.7:5000', to: '10.0.9.80:80' })), '198.51.100.7:5000 > 10.0.1.1:80 tcp')
  t.is(outcome(port, 'inbound', frame({ from: '198.51.100.7:5000', to: '10.0.9.80:80', proto: 'udp' })), '198.51.100.7:5000 > 10.0.1.2:80 udp')
  t.is(outcome(port, 'inbound', frame({ from: '198.51.100.7:5000', to: '10.0.9.80:53', proto: 'udp' })), '198.51.100.7:5000 > 10.0.1.3:5353 udp')
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.3:5353', to: '198.51.100.7:5000', proto: 'udp' })), '10.0.9.80:53 > 198.51.100.7:5000 udp')
})

test('load-balancer: answers echo requests to a VIP of either version', (t) => {
  const port = balanced({ vip: '10.0.9.80', proto: 'icmp' }, { vip: 'fd00::80', proto: 'icmp' })
  t.is(outcome(port, 'inbound', frame({ from: '198.51.100.7:77', to: '10.0.9.80', proto: 'icmp' })), '198.51.100.7 > 10.0.1.4 icmp')
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:77', to: '198.51.100.7', proto: 'icmp', reply: true })), '10.0.9.80 > 198.51.100.7 icmp')
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:78', to: '198.51.100.7', proto: 'icmp', reply: true })), '10.0.1.4 > 198.51.100.7 icmp')
  t.is(outcome(port, 'inbound', frame({ from: '[2001:db8::7]:77', to: 'fd00::80', proto: 'icmp' })), '2001:db8::7 > fd00::4 icmpv6')
  t.is(outcome(port, 'outbound', frame({ from: '[fd00::4]:77', to: '2001:db8::7', proto: 'icmp', reply: true })), 'fd00::80 > 2001:db8::7 icmpv6')
})

test('load-balancer: rewrites IPv6 with right checksums', (t) => {
  const port = balanced({ vip: 'fd00::80', proto: 'tcp', port: 80, dipPort: 8080 })
  t.is(outcome(port, 'inbound', frame({ from: '[2001:db8::7]:5000', to: '[fd00::80]:80' })), '[2001:db8::7]:5000 > [fd00::4]:8080 tcp')
  t.is(outcome(port, 'outbound', frame({ from: '[fd00::4]:8080', to: '[2001:db8::7]:5000' })), '[fd00::80]:80 > [2001:db8::7]:5000 tcp')
})

test('load-balancer: keeps a connection’s DIP when the policy moves the VIP to another', (t) => {
  const { port } = host()
  const balancer = orThrow(port.addLayer(loadBalancer.layer, { order: 30 }))
  const vip = { vip: '10.0.9.80', proto: 'tcp', port: 80 } as const
  const old = frame({ from: '198.51.100.7:5000', to: '10.0.9.80:80' })
  orThrow(balancer.update(loadBalancer.policy({ vips: [{ ...vip, dipPort: 8080 }] })))
  t.is(outcome(port, 'inbound', old), '198.51.100.7:5000 > 10.0.1.4:8080 tcp')
  orThrow(balancer.update(loadBalancer.policy({ vips: [{ ...vip, dipPort: 9090 }] })))
  t.is(outcome(port, 'inbound', old), '198.51.100.7:5000 > 10.0.1.4:8080 tcp')
  t.is(outcome(port, 'inbound', frame({ from: '198.51.100.7:5001', to: '10.0.9.80:80' })), '198.51.100.7:5001 > 10.0.1.4:9090 tcp')
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:8080', to: '198.51.100.7:5000' })), '10.0.9.80:80 > 198.51.100.7:5000 tcp')
  orThrow(balancer.update(loadBalancer.policy({ vips: [] })))
  t.is(outcome(port, 'outbound', frame({ from: '10.0.1.4:8080', to: '198.51.100.7:5000' })), '10.0.1.4:8080 > 198.51.100.7:5000 tcp')
})
