/**
 * NICs on existing Linux interfaces, by packet sockets.
 *
 * @packageDocumentation
 */
export { openAfPacket } from './open-af-packet.js'
export type { AfPacketOptions } from './options.js'
