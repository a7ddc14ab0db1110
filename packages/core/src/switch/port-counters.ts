/** What a port counts, at the moment it is asked. */
import type { Datapath } from '../datapath/datapath.js'
import type { PortCounters } from './port.js'

/** The counters of a port that has asked for keys so many times. */
export const countersOf = (datapath: Datapath, asked: number): PortCounters => ({
  ...datapath.counters,
  drops: datapath.reasons.counts(),
  flows: datapath.flows.size,
  // Two keys a pair: counted so, because counters are read while traffic runs.
  connections: Object.fromEntries(datapath.policy.layers.map((l) => [l.name, l.flows.size / 2])),
  pending: {
    waiting: datapath.pending.room.size,
    waitingBytes: datapath.pending.room.bytes,
    keys: datapath.pending.keys.size,
    asked,
    ...datapath.pending.room.counters,
  },
})
