import test from 'ava'
import { repeatedKeys } from '../../main-job/repeated-keys.js'

for (const [json, expected] of [
  ['{}', []],
  ['{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}', []],
  ['{"a":1,"b":2,"a":3}', ['/a']],
  ['[0,{"x":[[],{"y":1,"y":{}}]}]', ['/1/x/1/y']],
  ['{"a":"a","b":["a","a",":","{"],"c":"\\"a\\":"}', []],
  ['{"a/b~":1,"a\\/b\\u007e":2}', ['/a~1b~0']],
  ['{"a":{},"a":[],"a":null}', ['/a', '/a']],
] as const) {
  test(`repeated keys: ${json} has ${expected.length === 0 ? 'none' : expected.join(' and ')}`, (t) => {
    t.notThrows(() => { JSON.parse(json) })
    t.deepEqual(repeatedKeys(json), [...expected])
  })
}
