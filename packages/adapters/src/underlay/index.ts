/**
 * The physical network under the tunnels: neighbours resolved, the host's addresses answered for.
 *
 * @packageDocumentation
 */
export type { NeighbourReport, NeighbourState } from './neighbour.js'
export { openUnderlay, type Underlay } from './open-underlay.js'
export type { StaticNeighbour, UnderlayOptions, UnderlayRoute } from './underlay-options.js'
