/**
 * What the sender of a frame left to its hardware, in one word that travels with the frame.
 *
 * Frames of a local stack may come without the checksum of their innermost transport header, and as one long TCP segment or UDP datagram that is to
 * be cut. The engine rewrites headers of such a frame as of any other; whoever sends it on finishes it, as transport checksums are not
 * valid until then.
 */

/** The checksum of the innermost transport header is not computed. */
export const OFFLOAD_PARTIAL = 0x1_0000

/** Bits that hold the payload bytes of a segment, 0 where the frame is not to be segmented. */
export const OFFLOAD_SEGMENT = 0xffff
