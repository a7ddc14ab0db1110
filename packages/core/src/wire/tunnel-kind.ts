/** The kinds of tunnels, as numbers. */

/** Encapsulations that a header group can end in. GRE with other flags, or that carries anything but Ethernet, is opaque. */
export const Tunnel = {
  /** The group encapsulates no other. */
  None: 0,
  /** VXLAN, in UDP. */
  Vxlan: 1,
  /** NVGRE: GRE with a key and neither checksum nor sequence number. */
  Nvgre: 2,
  /** Geneve, in UDP. */
  Geneve: 3,
  /** GRE without key, checksum and sequence number. */
  Gre: 4
} as const
/** One of the {@link Tunnel} numbers. */
export type Tunnel = (typeof Tunnel)[keyof typeof Tunnel]
