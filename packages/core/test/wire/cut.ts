/** Packets cut by hand, for the tests of fragments. */
import { laterFragments, shortenToFirst } from '../../src/wire/fragment-ipv4.js'
import { sent, type Sent } from '../switch/mtu-support.js'

const HEADROOM = 9

/** The frames of the fragments of a packet. */
export const cut = (said: Sent, payload: number): readonly Uint8Array[] => {
  const frame = sent(said)
  const cutting = { start: 0, ip: 14 + 4 * (said.vlans ?? []).length, payload, identification: said.identification ?? 7 }
  const later = laterFragments(frame, cutting, HEADROOM)
  return [frame.slice(0, shortenToFirst(frame, cutting)), ...later.map((f) => f.slice(HEADROOM))]
}
