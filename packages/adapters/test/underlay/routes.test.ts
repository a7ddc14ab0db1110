import { formatIp } from '@vfp-ts/core'
import test from 'ava'
import { Routes } from '../../src/underlay/routes.js'
import { config, ip } from './config.js'

const routes = new Routes(config({
  addresses: ['192.0.2.1/24', '198.51.100.9/31', '2001:db8::1/64'],
  routes: [
    { prefix: '0.0.0.0/0', via: '192.0.2.254' }, { prefix: '10.1.0.0/16', via: '192.0.2.253' }, { prefix: '10.1.9.0/24' },
    { prefix: '2001:db8:7::/48', via: 'fe80::7' },
  ],
}))

const next = (to: string): string => {
  const hop = routes.nextHop(ip(to))
  return hop._tag === 'Hop' ? formatIp(hop.ip) : hop._tag
}

test('routes: the longest prefix says whom to ask for', (t) => {
  t.is(next('192.0.2.9'), '192.0.2.9')
  t.is(next('203.0.113.5'), '192.0.2.254')
  t.is(next('10.1.2.3'), '192.0.2.253')
  t.is(next('10.1.9.3'), '10.1.9.3')
  t.is(next('2001:db8::99'), '2001:db8::99')
  t.is(next('2001:db8:7::1'), 'fe80::7')
  t.is(next('2001:db8:8::1'), 'NoRoute')
})

test('routes: addresses that are no host’s are nobody’s', (t) => {
  t.deepEqual(['0.0.0.0', '127.0.0.1', '::', '::1'].map(next), ['NoRoute', 'NoRoute', 'NoRoute', 'NoRoute'])
  t.deepEqual(['192.0.2.1', '2001:db8::1'].map(next), ['Own', 'Own'])
})

test('routes: a network of IPv4 has a broadcast address, unless it is of two hosts', (t) => {
  t.deepEqual(['255.255.255.255', '192.0.2.255', '192.0.2.127'].map(next), ['Broadcast', 'Broadcast', '192.0.2.127'])
  t.is(next('198.51.100.8'), '198.51.100.8')
})

test('routes: questions come from the own address of the network, or the first of the version', (t) => {
  const source = (to: string): string | undefined => {
    const found = routes.sourceFor(ip(to))
    return found && formatIp(found)
  }
  t.deepEqual(['198.51.100.8', '192.0.2.7', '10.1.9.3', 'fe80::7'].map(source), ['198.51.100.9', '192.0.2.1', '192.0.2.1', '2001:db8::1'])
})
