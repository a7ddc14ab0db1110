/**
 * What the sender of a frame left to its hardware, in one number that travels with the frame: its `offload` word.
 *
 * Frames of a local stack may come without the checksum of a transport header, and as one long TCP segment or UDP datagram that is to
 * be cut. The engine rewrites headers of such a frame as of any other. The device or stack that sends it on finishes it: transport
 * checksums are not valid until then.
 *
 * The low 32 bits are flags and the size of a segment. Above them the word may name the **place** of the transport header that it is
 * about, as the number of bytes from there to the end of the frame: the engine changes what is in front of that header, so that a
 * distance from the start would not hold. A word without a place is about the innermost transport header that the parser finds. With a place it
 * may be any header, also one inside a tunnel that this library does not know.
 */

/** Bit: the checksum of the transport header is not computed yet. */
export const OFFLOAD_PARTIAL = 0x1_0000

/** Bits that hold the payload bytes of a segment; 0 if the frame is not to be segmented. */
export const OFFLOAD_SEGMENT = 0xffff

/** Bit: the transport header at the named place is UDP; without this bit it is TCP. Without meaning in a word without a place. */
export const OFFLOAD_UDP = 0x2_0000

/**
 * Bit: the connection uses Accurate ECN: the flags AE, CWR and ECE are one counter, and every segment repeats it. Without this bit CWR is the first
 * segment's alone.
 *
 * @see RFC 9768 §3.2.2
 */
export const OFFLOAD_ACCURATE_ECN = 0x4_0000

/** What each byte between the start of the transport header and the end of the frame adds to the word. */
export const OFFLOAD_PLACE = 0x1_0000_0000

/** Returns the bytes from the transport header that the word names to the end of the frame; 0 if it names no place. */
export const offloadPlace = (offload: number): number => (offload < OFFLOAD_PLACE ? 0 : Math.floor(offload / OFFLOAD_PLACE))

/** Returns the word of a frame to which `added` bytes were added between the place that it names and its end, or removed if negative. A word without a place is returned unchanged. */
export const movedPlace = (offload: number, added: number): number => (offload < OFFLOAD_PLACE || added === 0 ? offload : offload + added * OFFLOAD_PLACE)
