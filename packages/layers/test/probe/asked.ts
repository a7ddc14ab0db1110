/** Probes as a prober sends them, for tests that need one without a prober. */
import { buildFrame, orThrow } from '@vfp-ts/core'
import { PROBE_LENGTH, PROBE_PORT, ProbeKind, writeProbe } from '@vfp-ts/layers'

/** A probe of pair 1 for the VM of the tests, or an answer for it. */
export const asked = (said: {
  readonly from?: string; readonly to?: string; readonly srcPort?: number; readonly dstPort?: number; readonly sizeBytes?: number; readonly kind?: ProbeKind
  readonly nonce?: readonly [number, number]; readonly pair?: number; readonly sequence?: number; readonly toMac?: string
}): Uint8Array => {
  const payload = new Uint8Array(said.sizeBytes ?? PROBE_LENGTH)
  writeProbe({
    kind: said.kind ?? ProbeKind.Ask, nonce: said.nonce ?? [1, 2], pair: said.pair ?? 1, sequence: said.sequence ?? 7, sentUs: 5_000_000_123, answeredUs: 0,
  }, payload, 0)
  return orThrow(buildFrame({
    proto: 'udp', srcIp: said.from ?? '10.0.1.9', dstIp: said.to ?? '10.0.1.4', srcPort: said.srcPort ?? 61_001, dstPort: said.dstPort ?? PROBE_PORT,
    srcMac: '00:15:5d:00:00:09', dstMac: said.toMac ?? '00:15:5d:00:00:04', payload,
  }))
}
