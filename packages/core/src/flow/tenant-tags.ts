/**
 * The VLANs that a header group is in, by its tags without their priorities. They tell its tenant.
 *
 * A tag with VLAN identifier 0 is a priority tag: it names no VLAN, and the frame is in the same one as without it (IEEE 802.1Q-2022
 * §9.6). So it is ignored here, whatever its TPID and its position among the tags. For everything else it stays a tag: it is sent
 * on, `vlanId` is 0, and popping a tag pops it.
 */
import { Shape } from './layout.js'

const VID = 0xfff

/** Returns the VLANs of a group with this SHAPE and VLAN word as one number of 28 bits, the outermost in the lower half; 0 if it is in none. */
export const tenantTags = (shape: number, vlan: number): number => {
  const count = (shape >>> Shape.VLANS_SHIFT) & Shape.PART_MASK
  if (count === 0) return 0
  const outer = tagOf((vlan >>> 16) & VID, (shape >>> Shape.STAGS_SHIFT) & 1)
  if (count === 1) return outer
  const inner = tagOf(vlan & VID, (shape >>> (Shape.STAGS_SHIFT + 1)) & 1)
  return outer === 0 ? inner : (inner << 14) | outer
}

/** Returns 14 bits; a service tag names another VLAN than a customer tag with the same identifier. */
const tagOf = (vid: number, service: number): number => (vid === 0 ? 0 : 0x2000 | (service << 12) | vid)
