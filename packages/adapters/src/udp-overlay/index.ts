/**
 * An underlay in user space: tunnels in ordinary UDP sockets, without any privilege.
 *
 * @packageDocumentation
 */
export { openUdpOverlay } from './open-udp-overlay.js'
export { OVERLAY_MAC, OVERLAY_PEER_MAC, type UdpOverlayOptions } from './udp-overlay-options.js'
