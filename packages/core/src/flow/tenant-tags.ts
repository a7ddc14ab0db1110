/**
 * The VLANs that a header group is in, which are a tenant: what its tags say, without their priorities.
 *
 * A tag with VLAN identifier 0 is a priority tag: it names no VLAN, and the frame is in the same one as without it (IEEE 802.1Q-2022
 * §6.9). So it counts for nothing here, whichever its TPID and wherever in the stack it stands. It stays a tag for everything else: it
 * travels on, `vlanId` reads 0, and popping a tag pops it.
 */
import { Shape } from './layout.js'

const VID = 0xfff

/** The VLANs of a group with this SHAPE and VLAN word as one number, outermost first; 0 where it is in none. */
export const tenantTags = (shape: number, vlan: number): number => {
  const count = (shape >>> Shape.VLANS_SHIFT) & Shape.PART_MASK
  if (count === 0) return 0
  const outer = tagOf((vlan >>> 16) & VID, (shape >>> Shape.STAGS_SHIFT) & 1)
  if (count === 1) return outer
  const inner = tagOf(vlan & VID, (shape >>> (Shape.STAGS_SHIFT + 1)) & 1)
  return outer === 0 ? inner : (inner << 14) | outer
}

/** 14 bits; a service tag is another VLAN than a customer tag with its identifier. */
const tagOf = (vid: number, service: number): number => (vid === 0 ? 0 : 0x2000 | (service << 12) | vid)
