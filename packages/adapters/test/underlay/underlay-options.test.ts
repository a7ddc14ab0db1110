import test from 'ava'
import { readOptions, type UnderlayOptions } from '../../src/underlay/underlay-options.js'
import { config, named } from './config.js'

const objection = (options: Partial<UnderlayOptions>, nic = named): string => {
  const read = readOptions(nic, { addresses: ['192.0.2.1/24'], ...options })
  return read._tag === 'Left' ? `${read.left.code} ${read.left.reason}` : 'none'
}

test('options: each is refused with its path and why', (t) => {
  t.is(objection({ addresses: [] }), 'BadOptions /addresses: expected at least one')
  t.is(objection({ addresses: ['192.0.2.1'] }), 'BadOptions /addresses/0: the length of the network is missing, as in 192.0.2.1/24')
  t.is(objection({ addresses: ['192.0.2.1/24', '192.0.2.1/25'] }), 'BadOptions /addresses/1: 192.0.2.1 is there twice')
  t.is(objection({ addresses: ['224.0.0.1/24'] }), 'BadOptions /addresses/0: 224.0.0.1 is not the address of a host')
  t.is(objection({ addresses: ['::1/128'] }), 'BadOptions /addresses/0: ::1 is not the address of a host')
  t.is(objection({ addresses: ['192.0.2.1/33'] }), 'BadOptions /addresses/0: a prefix length is a number from 0 to 32')
  t.is(objection({ mac: '01:00:5e:00:00:01' }), 'BadOptions /mac: the MAC of a host is no group address')
  t.is(objection({}, { name: 'x', mac: undefined }), 'BadOptions /mac: the NIC has no MAC of its own, so one has to be given')
  t.is(objection({ routes: [{ prefix: '10.0.0.0/8', via: '198.51.100.1' }] }), 'BadOptions /routes/0/via: 198.51.100.1 is on none of the host’s networks')
  t.is(objection({ routes: [{ prefix: '10.0.0.0/8', via: '192.0.2.1' }] }), 'BadOptions /routes/0/via: 192.0.2.1 is this host')
  t.is(objection({ routes: [{ prefix: '10.0.0.0/8', via: '2001:db8::1' }] }), 'BadOptions /routes/0/via: the gateway is of another IP version than the prefix')
  t.is(objection({ routes: [{ prefix: '::/0' }] }), 'BadOptions /routes/0/prefix: the host has no address of this version')
  t.is(objection({ retransmitMs: 10 }), 'BadOptions /retransmitMs: a whole number of at least 1000, not 10')
  t.is(objection({ maxWaiting: 0 }), 'BadOptions /maxWaiting: a whole number of at least 1, not 0')
  t.is(objection({ routes: [{ prefix: '0.0.0.0/0', via: '192.0.2.254' }] }), 'none')
})

test('options: the network of an address is what its length leaves', (t) => {
  const { addresses } = config({ addresses: ['192.0.2.77/26', '2001:db8:1:2:ffff::1/50'] })
  t.deepEqual(addresses.map(({ network }) => network), [
    { address: { version: 4, words: [0, 0, 0, 0xc0000240] }, length: 26 },
    { address: { version: 6, words: [0x20010db8, 0x00010000, 0, 0] }, length: 50 },
  ])
})
