/** Captures collected by others, where a checkout has them beside it; none of them is ours to commit. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { folderOfCaptures, isMet, testNeeding } from '@vfp-ts/needs'
import { readWholeCapture } from '@vfp-ts/adapters/pcap'
import { reportOf } from './tenant.js'

const test = testNeeding('captures of others')
// Without any, tests of one of this name are skipped, so that their absence shows.
const captures = isMet('captures of others') ? readdirSync(folderOfCaptures()).filter((name) => /\.pcap(ng)?(\.gz)?$/.test(name)).sort() : ['each capture of others']

for (const name of captures) {
  for (const vms of [[], ['--vm', 'all']]) {
    test(`main job: ${name} goes through ${vms.join(' ')}`.trimEnd(), async (t) => {
      const file = join(folderOfCaptures(), name)
      const report = await reportOf('--in', file, ...vms)
      t.is(report.capture.frames, (await readWholeCapture(file)).packets.length)
      t.is(Object.values(report.frames).reduce((a, b) => a + b), report.capture.frames)
      // Every frame of these is someone's: nothing gets lost between the ports.
      t.is(report.frames.nobodys + report.frames.notEthernet, 0)
      t.true(report.vms.length > 0 || report.frames.malformed === report.capture.frames)
    })
  }
}
