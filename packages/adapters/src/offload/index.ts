/**
 * Frames that their senders left unfinished: checksums completed, long ones cut, and the header in which kernels speak of it.
 *
 * A {@link Finisher} in front of a NIC does all of it; a {@link Splitter} behind one makes what is too long to be encapsulated shorter;
 * a {@link Joiner} joins TCP segments for a NIC that takes them so.
 *
 * @packageDocumentation
 */
export { completeChecksum } from './complete-checksum.js'
export { Finisher, type FinisherCounters } from './finish.js'
export { FinishCode, finishCodeName, MAX_SEGMENTS } from './finish-code.js'
export { Joiner } from './join.js'
export { Segmenter, type SegmentSink } from './segment.js'
export { ENCAPSULABLE_BYTES, Splitter, type SplitSink } from './split.js'
export {
  GSO_ACCURATE_ECN, GSO_ECN, GSO_TUNNEL4, GSO_TUNNEL6, readVirtioHeader, REFUSED, VIRTIO_NET_HEADER, VIRTIO_NET_HEADER_HASH,
  VIRTIO_NET_HEADER_MERGEABLE, VIRTIO_NET_HEADER_TUNNEL, VirtioNetAt, VirtioNetFlag, VirtioNetGso, virtioHeaderRefusal, writeVirtioHeader,
} from './virtio-net-header.js'
export type { VirtioNetRefusal } from './virtio-net-refusal.js'
