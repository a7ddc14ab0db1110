/**
 * Equal-cost multipath that moves as few flows as possible.
 *
 * Each endpoint gets a score from the flow's hash and its own addresses, and the highest one wins (rendezvous
 * hashing). Removing an endpoint moves only its own flows, and adding one takes its share evenly from all others, whereas the
 * remainder of a division would move nearly every flow. The order of the list has no effect.
 *
 * Cost: a few multiplications an endpoint, once a flow.
 *
 * @see Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (IEEE/ACM ToN 6:1, 1998); RFC 2991
 */
import type { Endpoint } from '@vfp-ts/core'

/** Returns the endpoint for a flow, always the same for the same hash and set, or `undefined` if there is none. */
export const chooseEndpoint = (endpoints: readonly Endpoint[], flowHash: number): Endpoint | undefined => {
  let best: Endpoint | undefined
  let bestScore = -1
  for (const endpoint of endpoints) {
    const score = scoreOf(endpoint, flowHash)
    if (score > bestScore) {
      best = endpoint
      bestScore = score
    }
  }
  return best
}

/** Returns 32 bits, unsigned. The MAC counts because one host may have several VMs that serve an address. */
const scoreOf = ({ pa, mac }: Endpoint, flowHash: number): number => {
  let h = scramble(flowHash ^ 0x5bd1e995)
  for (const word of pa.words) h = scramble(h ^ word)
  return scramble(h ^ Math.imul(Math.floor(mac / 0x1_0000_0000), 0x9e3779b1) ^ (mac >>> 0))
}

/** A bijection of 32-bit numbers in which every input bit changes about half of the output's (MurmurHash3's finalizer). */
const scramble = (x: number): number => {
  let h = x ^ (x >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
