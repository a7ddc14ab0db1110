/**
 * NICs: what every live adapter is, and how to write one.
 *
 * @packageDocumentation
 */
export {
  batchBytes, FRAME_HEADROOM, type FrameBatch, isPartial, makeFrameBatch, offloadOf, placedOffload, segmentOf, slotStart, slotStride,
} from './frame-batch.js'
export { FRAME_OVERHEAD, type LinkState, type Nic, type NicCounters, type Offloads, type OpenNic, type Receiver, SendCode } from './nic.js'
export { type NicError, type NicFailure, renderNicError } from './nic-error.js'
export { backgroundTimers, type ManualTimers, manualTimers, systemTimers, type Timers } from './timers.js'
