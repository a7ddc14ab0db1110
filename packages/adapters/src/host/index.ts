/**
 * A host: a switch, the NICs of its ports, and its uplink.
 *
 * @packageDocumentation
 */
export type { Host, HostError, HostOptions, HostReport, NicEvent, NicReport } from './host.js'
export { openHost } from './open-host.js'
