import type { Endpoint } from '@vfp-ts/core'
import test from 'ava'
import fc from 'fast-check'
import { chooseEndpoint } from '../../src/vnet/ecmp.js'
import { ip } from '../support.js'

const endpoint = (n: number): Endpoint => ({ pa: ip(`192.0.2.${n}`), mac: 0x0015_5d00_0000 + n })
const four = [endpoint(1), endpoint(2), endpoint(3), endpoint(4)]
const hashes = Array.from({ length: 4000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 0)

test('ecmp: spreads flows evenly', (t) => {
  const shares = four.map((e) => hashes.filter((h) => chooseEndpoint(four, h) === e).length)
  t.true(shares.every((n) => n > 900 && n < 1100), shares.join(' '))
})

test('ecmp: tells apart endpoints that differ in any part of their addresses', (t) => {
  const sameHost = [endpoint(1), { ...endpoint(1), mac: endpoint(1).mac + 0x0100_0000_0000 }]
  const v6 = [{ ...endpoint(1), pa: ip('2001:db8::1') }, { ...endpoint(1), pa: ip('2001:db9::1') }]
  for (const pair of [sameHost, v6]) {
    const share = hashes.filter((h) => chooseEndpoint(pair, h) === pair[0]).length
    t.true(share > 1850 && share < 2150, String(share))
  }
})

test('ecmp: has nothing to choose among no endpoints', (t) => {
  t.is(chooseEndpoint([], 7), undefined)
})

const endpoints = fc.uniqueArray(fc.integer({ min: 1, max: 250 }), { minLength: 2, maxLength: 8 }).map((ns) => ns.map(endpoint))
const flowHash = fc.nat({ max: 0xffff_ffff })

test('ecmp: chooses by the set and the flow, not by the order of the list', (t) => {
  fc.assert(fc.property(endpoints, flowHash, (list, h) => {
    t.deepEqual(chooseEndpoint(list, h), chooseEndpoint([...list].reverse(), h))
  }))
})

test('ecmp: moves only the flows of an endpoint that goes', (t) => {
  fc.assert(fc.property(endpoints, flowHash, fc.nat(), (list, h, n) => {
    const gone = list[n % list.length]
    const before = chooseEndpoint(list, h)
    const after = chooseEndpoint(list.filter((e) => e !== gone), h)
    if (before === gone) t.not(after, gone)
    else t.is(after, before)
  }))
})
