/**
 * The sixteen group addresses 01:80:c2:00:00:00 to :0f, which are about one link: spanning tree, PAUSE, LACP, 802.1X, LLDP, and those
 * kept for the like. A bridge that passed them on would have two neighbours take each other for the bridge: a VM could shut a port of the
 * physical switch, and learn of its neighbours.
 *
 * So the switch forwards none of them, whichever side they come from and whether or not they are in a tunnel of the switch. Only a
 * mirror to the network or to a port takes a copy there: that is a rule's own word, which the switch does not doubt. An address from
 * 01:80:c2:00:00:10 on is a group as any other.
 *
 * @see IEEE 802.1Q-2022 §8.6.3
 */
import type { Mac } from '../wire/address.js'

/** Whether frames for the address must not leave their link. */
export const isLinkLocalGroup = (mac: Mac): boolean => mac >= FIRST && mac <= LAST

const FIRST = 0x0180_c200_0000
const LAST = 0x0180_c200_000f
