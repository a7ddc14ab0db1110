/** Tunnels that policy has put around a frame on its way from port to port: only these are the switch's, any further in is the VM's own. */

/** How many there are after a port took some off and put others around: what it takes off beyond them was the VM's. */
export const tunnelsAround = (before: number, popped: number, pushed: number): number => (before > popped ? before - popped : 0) + pushed
