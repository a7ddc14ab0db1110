/**
 * What the sender of a frame left to its hardware, in one number that travels with the frame: its `offload` word.
 *
 * Frames of a local stack may come without the checksum of a transport header, and as one long TCP segment or UDP datagram that is to
 * be cut. The engine rewrites headers of such a frame as of any other; whoever sends it on finishes it, as transport checksums are not
 * valid until then.
 *
 * The low 32 bits are flags and the size of a segment. Above them the word may name the **place** of the transport header that it is
 * about, as the number of bytes from there to the end of the frame: the engine changes what is in front of that header, so that a
 * distance from the start would not hold. A word without a place is about the innermost transport header that the parser finds. With a place it
 * may be any header, also one inside a tunnel that this library does not know.
 */

/** The checksum of the transport header is not computed. */
export const OFFLOAD_PARTIAL = 0x1_0000

/** Bits that hold the payload bytes of a segment, 0 where the frame is not to be segmented. */
export const OFFLOAD_SEGMENT = 0xffff

/** The transport header at the named place is UDP; without this bit it is TCP. It says nothing in a word without a place. */
export const OFFLOAD_UDP = 0x2_0000

/**
 * The connection uses Accurate ECN: the flags AE, CWR and ECE are one counter, and every segment repeats it. Without this bit CWR is the first
 * segment's alone.
 *
 * @see RFC 9768 §3.2.2
 */
export const OFFLOAD_ACCURATE_ECN = 0x4_0000

/** What one byte of distance between the transport header and the end of the frame adds to the word. */
export const OFFLOAD_PLACE = 0x1_0000_0000

/** Bytes from the transport header that the word is about to the end of the frame; 0 where the word names no place. */
export const offloadPlace = (offload: number): number => (offload < OFFLOAD_PLACE ? 0 : Math.floor(offload / OFFLOAD_PLACE))

/** The word of a frame that got `added` bytes between the place it names and its end; negative if it lost them. A word without a place stays as it is. */
export const movedPlace = (offload: number, added: number): number => (offload < OFFLOAD_PLACE || added === 0 ? offload : offload + added * OFFLOAD_PLACE)
