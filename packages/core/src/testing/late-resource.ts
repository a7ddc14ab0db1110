/**
 * A resource whose answers take their time: they come late, out of order, twice, or never.
 *
 * For tests of code that waits for resources. All chance comes from a seed, all time from a clock: nothing happens until the test
 * moves the clock and calls `deliver`.
 */
import type { Clock } from '../clock.js'
import type { Cell, Lookup, Resource } from '../policy/resource.js'

/** How a {@link LateResource} answers. */
export interface LateOptions {
  /** 32 bits that all chance comes from. */
  readonly seed: number
  /** Most microseconds from a request to its answer, 100,000 unless given; the least is 0. */
  readonly maxDelayUs?: number
  /** Percentage of requests that are answered twice, the second time after another such delay; 0 unless given. */
  readonly twicePercent?: number
  /** Percentage of requests that are never answered; 0 unless given. Another request for the key is drawn anew. */
  readonly neverPercent?: number
  /** Whether it has `watch`, by which a port learns that answers have come; `true` unless given. */
  readonly watchable?: boolean
}

/** A resource that knows nothing until it has been asked and some time has passed. */
export interface LateResource<K, V> extends Resource<K, V> {
  /** Gives the answers that are due, in the order of their times; returns their number. */
  readonly deliver: () => number
  /** Gives the answer to a key at once, whether or not it was requested. */
  readonly answer: (key: K) => void
  /** Makes a key unknown again. */
  readonly forget: (key: K) => void
  /** Returns the monotonic microseconds at which the next answer is due; `undefined` if none is. */
  readonly nextUs: () => number | undefined
  /** Returns the requested keys as text, in the order of the requests. */
  readonly requests: () => readonly string[]
  /** Returns the number of watchers. */
  readonly watchers: () => number
}

/**
 * Returns a resource over `truth`, which gives the value of each key, or `undefined` where there is none.
 *
 * @param formatKey Returns a key as text, different for different keys; its JSON unless given.
 */
export const lateResource = <K, V>(
  name: string, truth: (key: K) => V | undefined, clock: Clock, options: LateOptions, formatKey: (key: K) => string = JSON.stringify,
): LateResource<K, V> => {
  const maxDelayUs = options.maxDelayUs ?? 100_000
  const chance = chanceFrom(options.seed)
  const entries = new Map<string, { known: boolean; readonly cell: Counter }>()
  const onTheirWay: { readonly key: K; readonly atUs: number }[] = []
  const requested: string[] = []
  const watchers = new Set<() => void>()
  const entryOf = (key: K): { known: boolean; readonly cell: Counter } => {
    const text = formatKey(key)
    const entry = entries.get(text) ?? { known: false, cell: { version: 0 } }
    entries.set(text, entry)
    return entry
  }
  const learn = (key: K): void => {
    const entry = entryOf(key)
    entry.known = true
    entry.cell.version++
  }
  const tell = (): void => { for (const watcher of [...watchers]) watcher() }
  const send = (key: K): void => { onTheirWay.push({ key, atUs: clock.nowUs() + chance(maxDelayUs + 1) }) }
  const next = (): number | undefined => onTheirWay.reduce<number | undefined>((least, { atUs }) => (least === undefined || atUs < least ? atUs : least), undefined)
  return {
    name,
    formatKey,
    lookup: (key): Lookup<V> => {
      const { known, cell } = entryOf(key)
      if (!known) return { _tag: 'Unknown', cell }
      const value = truth(key)
      return value === undefined ? { _tag: 'Absent', cell } : { _tag: 'Found', value, cell }
    },
    request: (key) => {
      requested.push(formatKey(key))
      if (chance(100) < (options.neverPercent ?? 0)) return
      send(key)
      if (chance(100) < (options.twicePercent ?? 0)) send(key)
    },
    ...(options.watchable === false ? {} : {
      watch: (answered: () => void) => {
        // Its own function each time: two who pass the same one are two.
        const watcher = (): void => { answered() }
        watchers.add(watcher)
        return () => { watchers.delete(watcher) }
      },
    }),
    deliver: () => {
      const due = onTheirWay.filter(({ atUs }) => atUs <= clock.nowUs()).sort((a, b) => a.atUs - b.atUs)
      for (const one of due) {
        onTheirWay.splice(onTheirWay.indexOf(one), 1)
        learn(one.key)
        tell()
      }
      return due.length
    },
    answer: (key) => {
      learn(key)
      tell()
    },
    forget: (key) => {
      const entry = entryOf(key)
      entry.known = false
      entry.cell.version++
    },
    nextUs: next,
    requests: () => [...requested],
    watchers: () => watchers.size,
  }
}

/** A cell as its owner sees it. */
interface Counter extends Cell {
  version: number
}

/** Whole numbers below a bound, from a seed: a linear congruential generator's upper half. */
const chanceFrom = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 0x1_0000_0000) * below)
  }
}
