/** A status as tables. */
import type { NicCounters } from '@vfp-ts/adapters/nic'
import { count, counted, table } from '../main-job/table.js'
import type { Status } from './status-document.js'

const RIGHT = { right: true } as const
const FLOWS_SHOWN = 8
const SAID_SHOWN = 6

/** What a terminal shows: a status, and below it the last of what was said, which the drawing would wipe out otherwise. */
export const renderScreen = (status: Status, said: readonly string[]): readonly string[] =>
  [...renderStatus(status), ...(said.length === 0 ? [] : ['', ...said.slice(-SAID_SHOWN)])]

/** The lines of a status. */
export const renderStatus = (status: Status): readonly string[] => [
  `${status.name}, process ${status.pid}, up ${count(Math.floor(status.upSeconds))} s, configuration ${status.configurations.taken}`
    + (status.configurations.refused === 0 ? '' : ` (${counted(status.configurations.refused, 'refused one', 'refused ones')})`),
  '',
  ...table(
    [
      { head: 'port' }, { head: 'vni', ...RIGHT }, { head: 'nic' }, { head: 'link' }, { head: 'from VM', ...RIGHT }, { head: 'to VM', ...RIGHT },
      { head: 'flows', ...RIGHT }, { head: 'dropped', ...RIGHT }, { head: 'why', width: 'rest' },
    ],
    [
      ...status.ports.map(({ name, vni, nic, counters }) => [
        name, vni === null ? '–' : String(vni), nic?.name ?? '–', nic?.link ?? '–',
        count(nic?.counters.received ?? 0), count(nic?.counters.sent ?? 0), count(counters.flows),
        ...drops({ ...counters.drops, ...(nic === null ? {} : ofNic(nic.counters)) }),
      ]),
      ...(status.uplink === null ? [] : [[
        'underlay', '–', status.uplink.name, status.uplink.link,
        count(status.uplink.counters.received), count(status.uplink.counters.sent), '–', ...drops(ofNic(status.uplink.counters)),
      ]]),
      ...(sum(status.drops) === 0 ? [] : [['switch', '–', '–', '–', '–', '–', '–', ...drops(status.drops)]]),
    ],
  ),
  '',
  ...table(
    [{ head: 'packets', ...RIGHT }, { head: 'port' }, { head: 'way' }, { head: 'flow' }, { head: 'verdict' }],
    status.flows.slice(0, FLOWS_SHOWN).map(({ packets, port, direction, key, verdict }) => [count(packets), port, direction, key, verdict]),
  ),
]

/** How many, and the reasons. */
const drops = (byReason: Readonly<Record<string, number>>): readonly [string, string] =>
  [count(sum(byReason)), Object.entries(byReason).filter(([, n]) => n > 0).map(([reason, n]) => `${reason} ${count(n)}`).join(', ')]

/** Questions that the underlay answered itself (`Answered`) are not lost. */
const ofNic = ({ receiveDrops, sendDrops }: NicCounters): Readonly<Record<string, number>> => ({
  ...Object.fromEntries(Object.entries(receiveDrops).filter(([reason]) => reason !== 'Answered').map(([reason, n]) => [`${reason} (in)`, n])),
  ...Object.fromEntries(Object.entries(sendDrops).map(([reason, n]) => [`${reason} (out)`, n])),
})

const sum = (byReason: Readonly<Record<string, number>>): number => Object.values(byReason).reduce((a, b) => a + b, 0)
