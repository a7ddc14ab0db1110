import { fc, testProp } from '@fast-check/ava'
import { DestinationCache } from '../../src/underlay/destination-cache.js'

// Few words, so that keys differ in one of them only.
const word = fc.constantFrom(0, 1, 0x7fff_ffff, 0xffff_ffff)
const key = fc.tuple(fc.constantFrom(4, 6), word, word, word, word)
const step = fc.oneof(
  { weight: 20, arbitrary: fc.record({ does: fc.constant('set' as const), key, value: fc.nat() }) },
  { weight: 20, arbitrary: fc.record({ does: fc.constant('find' as const), key }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('clear' as const) }) },
)

testProp('destination cache: finds what was put in last under the very key, or nothing', [fc.array(step, { maxLength: 200, size: 'max' })], (t, steps) => {
  t.pass()
  // Smaller than what is put in, so that keys replace each other.
  const cache = new DestinationCache<number>(16)
  const model = new Map<string, number>()
  for (const each of steps) {
    if (each.does === 'clear') {
      cache.clear()
      model.clear()
    } else if (each.does === 'set') {
      cache.set(...each.key, each.value)
      model.set(each.key.join(), each.value)
      t.is(cache.find(...each.key), each.value)
    } else {
      const found = cache.find(...each.key)
      t.true(found === undefined || found === model.get(each.key.join()))
    }
  }
})

testProp('destination cache: keeps all of a few', [fc.uniqueArray(key, { maxLength: 8, selector: (k) => k.join() })], (t, keys) => {
  const cache = new DestinationCache<number>(4_096)
  for (const [i, each] of keys.entries()) cache.set(...each, i)
  t.deepEqual(keys.map((each) => cache.find(...each)), keys.map((_, i) => i))
})
