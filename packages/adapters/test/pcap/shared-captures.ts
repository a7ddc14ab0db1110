/** Captures recorded and collected by others, where a checkout has them beside it; none of them is ours to commit. */
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** This file is compiled to `packages/adapters/<out>/test/pcap/`; the folder is a neighbour of the repository's root. */
const folder = new URL('../../../../../../shared/data/pcap/', import.meta.url)

/** The captures there are, by name; none if the folder is not there. */
export const sharedCaptures = (): readonly { readonly name: string; readonly path: string }[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => /\.pcap(ng)?(\.gz)?$/.test(name))
        .sort()
        .map((name) => ({ name, path: fileURLToPath(new URL(name, folder)) }))
    : []
