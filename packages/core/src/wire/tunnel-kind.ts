/** The kinds of tunnels, as numbers. */

/**
 * The encapsulation that a group ends in. `Nvgre` is GRE with a key and neither checksum nor sequence number, `Gre` GRE without
 * any of the three; GRE with other flags, or that carries anything but Ethernet, is opaque.
 */
export const Tunnel = { None: 0, Vxlan: 1, Nvgre: 2, Geneve: 3, Gre: 4 } as const
/** The encapsulation that a group ends in. */
export type Tunnel = (typeof Tunnel)[keyof typeof Tunnel]
