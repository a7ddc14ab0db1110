/** How long packets may be that leave for the physical network, and what becomes of longer ones. */

/** What a port is told about the MTU of the physical network. */
export interface MtuOptions {
  /**
   * Longest IP packet, the outermost of its frame, that the physical network takes, 68–65,535 bytes. A switch without it takes
   * everything until `Switch.setMtu` says otherwise, and a port without it goes by its switch.
   */
  readonly network?: number
  /**
   * What becomes of a packet that would be longer:
   *
   * - `'tooBig'` (unless given): the VM is told to send smaller ones, by an ICMP or ICMPv6 error, and the packet is dropped as
   *   `PacketTooBig`. An IPv4 packet that may be fragmented (DF clear) is;
   * - `'fragment'`: IPv4 packets are fragmented, DF or not; for IPv6, which only its sender may fragment, as `'tooBig'`;
   * - `'drop'`: it is dropped as `PacketTooBig`.
   */
  readonly oversize?: 'tooBig' | 'fragment' | 'drop'
  /** Whether the maximum segment size that TCP SYNs of either direction tell is lowered to what fits; `true` unless given. */
  readonly clampMss?: boolean
  /** Bound of the errors sent to the VM; 100 a second and 50 at once unless given. */
  readonly errors?: {
    /** Errors a second in the long run. */
    readonly perSecond: number
    /** Errors at once, after a pause. */
    readonly burst: number
  }
}

/** {@link MtuOptions} with everything said. */
export type Mtu = Required<Omit<MtuOptions, 'network'>> & Pick<MtuOptions, 'network'>

/** The options with their defaults. */
export const completeMtu = (options: MtuOptions): Mtu => ({ oversize: 'tooBig', clampMss: true, errors: { perSecond: 100, burst: 50 }, ...options })

/** Returns whether a link may take packets of at most `mtu` bytes. */
export const isMtu = (mtu: number): boolean => Number.isInteger(mtu) && mtu >= LEAST && mtu <= MOST

/** Returns why a number is no MTU. */
export const mtuReason = (mtu: unknown): string => `a whole number of bytes from ${LEAST} to ${MOST}, not ${String(mtu)}`

/** Every IPv4 host must take as much in one piece (RFC 791 §3.2). */
const LEAST = 68
const MOST = 0xffff
