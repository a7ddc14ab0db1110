import test from 'ava'
import { Shape } from '../../src/flow/layout.js'
import { tenantTags } from '../../src/flow/tenant-tags.js'

/** Tags as `[service, priority, vid]`, outermost first. */
const tags = (...list: readonly (readonly [service: 0 | 1, pcp: number, vid: number])[]): number => {
  const shape = list.reduce((bits, [service], i) => bits | (service << (Shape.STAGS_SHIFT + i)), list.length << Shape.VLANS_SHIFT)
  const vlan = list.reduce((word, [, pcp, vid], i) => word | (((pcp << 13) | vid) << (i === 0 ? 16 : 0)), 0)
  return tenantTags(shape, vlan >>> 0)
}

test('tenantTags: a priority tag is none, of whichever kind, alone or in a stack', (t) => {
  t.deepEqual([tags(), tags([0, 0, 0]), tags([0, 7, 0]), tags([1, 3, 0]), tags([1, 1, 0], [0, 2, 0])], [0, 0, 0, 0, 0])
  const seven = tags([0, 0, 7])
  t.not(seven, 0)
  t.deepEqual([tags([0, 5, 7]), tags([1, 0, 0], [0, 0, 7]), tags([0, 0, 7], [0, 4, 0])], [seven, seven, seven])
})

test('tenantTags: VLANs differ by identifier, kind and order, and by what is around them', (t) => {
  const all = [
    tags(), tags([0, 0, 7]), tags([0, 0, 8]), tags([1, 0, 7]), tags([0, 0, 7], [0, 0, 8]), tags([0, 0, 8], [0, 0, 7]), tags([1, 0, 7], [0, 0, 8]), tags([0, 0, 7], [1, 0, 8]),
    tags([0, 0, 7], [0, 0, 7]), tags([0, 0, 4095]), tags([1, 0, 4095], [1, 0, 4095]),
  ]
  t.is(new Set(all).size, all.length)
})
