/** Captures recorded and collected by others, where a checkout has them beside it; none of them is ours to commit. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { folderOfCaptures, isMet } from '@vfp-ts/needs'

/** The captures there are, by name. Without any, one of that name whose tests are skipped, so that their absence shows. */
export const sharedCaptures = (): readonly { readonly name: string; readonly path: string }[] =>
  isMet('captures of others')
    ? readdirSync(folderOfCaptures())
        .filter((name) => /\.pcap(ng)?(\.gz)?$/.test(name))
        .sort()
        .map((name) => ({ name, path: join(folderOfCaptures(), name) }))
    : [{ name: 'each capture of others', path: '' }]
