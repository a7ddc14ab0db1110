/**
 * Captures replayed as live traffic.
 *
 * @packageDocumentation
 */
export { replayNic, type ReplayNic, type ReplayOptions } from './replay-nic.js'
export { type ReplayPacket, type ReplaySource } from './replay-source.js'
