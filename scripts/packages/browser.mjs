/** core, layers, and the adapters that need no Node, bundled for a browser and run in a page. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isOn } from '../../needs/dist/src/flag.js'
import { missing } from '../../needs/dist/src/need.js'
import { doorsOf, publishedPackages } from '../workspace.mjs'
import { runIn, thirtyLines } from './project.mjs'

const doors = publishedPackages().flatMap(doorsOf)

/** What the page does beside the thirty lines: it takes a frame from one link in memory through a host to another. */
const LIVE = `import { openHost } from '@vfp-ts/adapters/host'
import { memoryPair } from '@vfp-ts/adapters/memory'
import { backgroundTimers } from '@vfp-ts/adapters/nic'
import { buildFrame, orThrow } from '@vfp-ts/core'

export const live = async () => {
  await new Promise((done) => backgroundTimers.after(1, done))
  const host = openHost()
  orThrow(host.switch.addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
  const [vm, wire] = [memoryPair(), memoryPair()]
  orThrow(host.plug('vm-1', vm.b))
  orThrow(host.uplink(wire.b))
  const arrived = new Promise((done) => orThrow(wire.a.start({ frames: ({ count }) => done(count) })))
  orThrow(vm.a.start({ frames: () => undefined }))
  const frame = orThrow(buildFrame({ proto: 'udp', srcIp: '10.0.0.4', dstIp: '10.0.1.5', dstPort: 53 }))
  vm.a.send(frame, 0, frame.length)
  vm.a.flush()
  const count = await arrived
  await host.close()
  return count
}
`

/**
 * Bundles, and runs the page where Chromium is there.
 *
 * @param {string} folder the project
 * @param {(what: string, ok: boolean, why: string) => boolean} check
 * @returns {boolean[]}
 */
export function browser(folder, check) {
  const { code, output } = thirtyLines()
  const anywhere = doors.filter(({ nodeOnly }) => !nodeOnly)
  const html = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  writeFileSync(join(folder, 'live.mjs'), LIVE)
  writeFileSync(join(folder, 'thirty-page.mjs'), code.replaceAll('console.log(', 'globalThis.print('))
  writeFileSync(join(folder, 'page.mjs'), `${anywhere.map(({ name }, i) => `import * as door${i} from '${name}'`).join('\n')}
import { live } from './live.mjs'
const lines = []
globalThis.print = (what) => lines.push(typeof what === 'string' ? what : JSON.stringify(what))
globalThis.doors = [${anywhere.map((_, i) => `door${i}`).join(', ')}]
const show = () => { document.getElementById('out').textContent = lines.join('\\n') }
import('./thirty-page.mjs').then(live).then((count) => { lines.push('frames through the host: ' + count) }).catch((thrown) => { lines.push(String(thrown)) }).finally(show)
`)
  const bundle = join(folder, 'page.js')
  const esbuild = (entry, out) => runIn(folder, process.execPath, [join(folder, 'node_modules/esbuild/bin/esbuild'), entry, '--bundle', '--format=iife', '--platform=browser', `--outfile=${out}`, '--log-level=error'])
  const bundled = esbuild('page.mjs', bundle)
  const closed = doors.filter(({ nodeOnly }) => nodeOnly).map(({ name }) => {
    writeFileSync(join(folder, 'closed.mjs'), `import '${name}'\n`)
    return { name, ...esbuild('closed.mjs', join(folder, 'closed.js')) }
  })
  const results = [
    check(`a bundle for browsers of ${anywhere.length} doors`, bundled.ok, bundled.text),
    check('doors that need Node are closed to browsers', closed.every(({ ok }) => !ok), closed.filter(({ ok }) => ok).map(({ name }) => name).join(', ')),
  ]
  const [lack] = missing(['chromium'])
  if (lack !== undefined) {
    console.log(`skipped: a browser runs core, layers and a host [${lack.phrase}]`)
    return [...results, !isOn(process.env.CI)]
  }
  writeFileSync(join(folder, 'page.html'), `<!doctype html><meta charset="utf-8"><pre id="out"></pre><script>${readFileSync(bundle, 'utf8').replaceAll('</script', '<\\/script')}</script>`)
  const page = runIn(folder, 'chromium', [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${join(folder, 'chromium')}`, '--virtual-time-budget=10000', '--dump-dom', `file://${join(folder, 'page.html')}`,
  ])
  const shown = /<pre id="out">([^]*?)<\/pre>/.exec(page.out)?.[1] ?? ''
  // In the README objects are printed as Node prints them, from a `{` to a `}` at the beginning of lines or in one line; in the page as JSON.
  const wanted = output.replaceAll(/^\{ .*\}$|^\{$[^]*?^\}$/gm, object => JSON.stringify(new Function(`return ${object}`)()))
  return [...results, check('a browser runs core, layers and a host', shown === html(`${wanted}frames through the host: 1`), shown === '' ? page.text : shown)]
}
