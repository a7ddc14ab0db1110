/** The link header of an answer: back to the sender of the question, behind the same VLAN tags. */
import { type FrameView, type Mac, NO_ANSWER, Slot, wire } from '@vfp-ts/core'

const { writeMac } = wire.bytes
const { EthernetAt } = wire.ethernet

/**
 * Writes the Ethernet header and tags of an answer from `mac` at `at`. Returns the offset behind them, or {@link NO_ANSWER} if the packet's source is a
 * group address, which gets no answer.
 */
export const answerLink = ({ bytes, start, slots }: FrameView, out: Uint8Array, at: number, mac: Mac): number => {
  const behind = slots[Slot.L3] ?? 0
  if (((bytes[start + EthernetAt.SOURCE] ?? 1) & 1) === 1) return NO_ANSWER
  for (let i = start; i < behind; i++) out[at + i - start] = bytes[i] ?? 0
  for (let i = 0; i < 6; i++) out[at + EthernetAt.DESTINATION + i] = bytes[start + EthernetAt.SOURCE + i] ?? 0
  writeMac(out, at + EthernetAt.SOURCE, mac)
  return at + behind - start
}
