/** Captures collected by others, where a checkout has them beside it; none of them is ours to commit. */
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { readWholeCapture } from '@vfp-ts/adapters/pcap'
import { reportOf } from './tenant.js'

/** This file is compiled to `examples/<out>/test/main-job/`; the folder is a neighbour of the repository's root. */
const folder = new URL('../../../../../shared/data/pcap/', import.meta.url)
const captures = existsSync(folder) ? readdirSync(folder).filter((name) => /\.pcap(ng)?(\.gz)?$/.test(name)).sort() : []

for (const name of captures) {
  for (const vms of [[], ['--vm', 'all']]) {
    test(`main job: ${name} goes through ${vms.join(' ')}`.trimEnd(), async (t) => {
      const file = fileURLToPath(new URL(name, folder))
      const report = await reportOf('--in', file, ...vms)
      t.is(report.capture.frames, (await readWholeCapture(file)).packets.length)
      t.is(Object.values(report.frames).reduce((a, b) => a + b), report.capture.frames)
      // Every frame of these is someone's: nothing gets lost between the ports.
      t.is(report.frames.nobodys + report.frames.notEthernet, 0)
      t.true(report.vms.length > 0 || report.frames.malformed === report.capture.frames)
    })
  }
}

test('main job: captures of others are looked for where they would be', (t) => {
  t.true(fileURLToPath(folder).endsWith('/shared/data/pcap/'))
})
