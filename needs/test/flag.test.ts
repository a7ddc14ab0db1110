import test from 'ava'
import { isOn } from '@vfp-ts/needs'

test('flag: unset, empty, 0 and false mean off, and all else on', (t) => {
  for (const off of [undefined, '', ' ', '0', 'false', 'False', 'FALSE', ' false ']) t.false(isOn(off), JSON.stringify(off))
  for (const on of ['1', 'true', 'yes', 'no', '00', 'github']) t.true(isOn(on), on)
})
