import { fileURLToPath } from 'node:url'

const isProperty = file => file.endsWith('.prop.test.js')

/**
 * The one ava configuration: ava, started in a package, looks for it upwards.
 *
 * Tests run on compiled output. `.out-*` are private build directories (`tsc --outDir .out-mine`), for building
 * beside an unfinished `dist`.
 */
export default {
  files: ['dist/test/**/*.test.js', '.out-*/test/**/*.test.js'],
  require: [fileURLToPath(new URL('scripts/seed-fast-check.mjs', import.meta.url))],
  timeout: '5m',
  concurrency: 2,
  // Properties run longest: begun first, none of them keeps one processor busy alone at the end.
  sortTestFiles: (a, b) => Number(isProperty(b)) - Number(isProperty(a)) || (a < b ? -1 : 1),
}
