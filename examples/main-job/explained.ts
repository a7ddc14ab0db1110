/** One frame's way through the ports it passed, for `--explain`: as data, and in words. */
import type { Direction, Explanation } from '@vfp-ts/core'
import type { Page } from './page.js'
import type { Fate, Passage } from './replay.js'
import { hanging } from './table.js'

/** One passage of the frame through one port. */
export interface ExplainedPassage {
  readonly port: string
  /** Addresses of the port's host on the wire. */
  readonly underlay: readonly string[]
  readonly direction: Direction
  /** Whether the frame itself was decided by a cached flow (`fast`) or by a walk (`slow`). */
  readonly path: Passage['path']
  /** The walk: what it did, or on the fast path what it would have done. */
  readonly walk: Explanation
  /** The reason the frame was dropped here, or null. */
  readonly dropped: string | null
  readonly bytesBefore: number
  readonly bytesAfter: number
}

/** One frame's whole way. */
export interface ExplainedFrame {
  /** Its number in the capture, from 1. */
  readonly frame: number
  readonly fate: Fate
  readonly passages: readonly ExplainedPassage[]
  /** Why no port saw it, or null. */
  readonly strange: string | null
  /** Whether it is a later fragment, which is decided as its datagram's first one was. */
  readonly laterFragment: boolean
}

/** A frame's passages as data. */
export const explained = (
  frame: number, fate: Fate, passages: readonly Passage[], strange: string | null, laterFragment: boolean,
): ExplainedFrame => ({
  frame, fate, strange, laterFragment,
  passages: passages.map(({ host, direction, explanation, path, dropped, bytesBefore, bytesAfter }) => ({
    port: host.vm.name, underlay: host.vm.underlay, direction, path, walk: explanation,
    dropped: dropped === '' ? null : dropped, bytesBefore, bytesAfter,
  })),
})

/** The readable form. */
export const renderExplained = (e: ExplainedFrame, page: Page): string => [
  `frame ${e.frame}: ${FATE_WORDS[e.fate]}${e.strange === null ? '' : ` (${e.strange})`}`,
  ...(e.laterFragment ? ['a later fragment, decided as the first one of its datagram was: the walks below are for that one'] : []),
  ...e.passages.flatMap((p) => ['', ...renderPassage(p, page)]),
  '',
].map((line) => hanging(line, page.lineColumns)).join('\n')

const renderPassage = (p: ExplainedPassage, { colors, lineColumns }: Page): readonly string[] => [
  ...hanging(`== ${p.direction} at port ${p.port} (host ${p.underlay.join(' and ')})`, lineColumns).split('\n').map((line) => colors.bold(line)),
  `path: ${PATH_WORDS[p.path]}`,
  ...String(p.walk).split('\n').map((line) => `  ${line}`),
  p.dropped === null ? `left the port: ${p.bytesBefore} bytes in, ${p.bytesAfter} bytes out` : colors.red(`dropped here: ${p.dropped}`),
]

const PATH_WORDS: Readonly<Record<Passage['path'], string>> = {
  fast: 'fast: a unified flow had the whole decision; the walk below shows what it stands for',
  slow: 'slow: no unified flow stood for it, so the layers were walked',
}

/** Fates in words. */
export const FATE_WORDS: Readonly<Record<Fate, string>> = {
  delivered: 'delivered to its VM',
  leftToOutside: 'left to the network: its receiver is no VM',
  dropped: 'dropped',
  malformed: 'malformed, seen by no port',
  nobodys: 'neither from nor for a VM, seen by no port',
  notEthernet: 'not an Ethernet frame, seen by no port',
}
