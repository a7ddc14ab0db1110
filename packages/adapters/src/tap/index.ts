/**
 * TAP devices.
 *
 * @packageDocumentation
 */
export { openTap } from './open-tap.js'
export type { TapOptions } from './options.js'
