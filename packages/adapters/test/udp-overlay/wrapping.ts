/** Tunnelled frames, addresses of a test's own, and what tests wait for. */
import * as E from 'fp-ts/lib/Either.js'
import { buildFrame, orThrow } from '@vfp-ts/core'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Nic } from '../../src/nic/nic.js'
import { type NicError, renderNicError } from '../../src/nic/nic-error.js'
import { openUdpOverlay } from '../../src/udp-overlay/open-udp-overlay.js'
import type { UdpOverlayOptions } from '../../src/udp-overlay/udp-overlay-options.js'

/** A loopback address that no other test process has; `n` from 1 to 254, different in each file. */
export const loopback = (n: number): string => `127.${(process.pid >> 8) & 0xff}.${process.pid & 0xff}.${n}`

/** VXLAN and Geneve with VNI 5001. */
export const TUNNEL_HEADER = {
  vxlan: Uint8Array.of(0x08, 0, 0, 0, 0, 0x13, 0x89, 0),
  geneve: Uint8Array.of(0, 0, 0x65, 0x58, 0, 0x13, 0x89, 0),
} as const

/** UDP ports of the tunnels. */
export const PORT = { vxlan: 4789, geneve: 6081 } as const

/** What is around an inner frame. */
export interface Around {
  readonly from: string
  readonly to: string
  readonly tunnel?: 'vxlan' | 'geneve'
  readonly srcPort?: number
  readonly dstPort?: number
}

/** The frame as the engine would put it on the wire. */
export const tunnelled = (inner: Uint8Array, { from, to, tunnel = 'vxlan', srcPort = 50_000, dstPort = PORT[tunnel] }: Around): Uint8Array =>
  orThrow(buildFrame({ proto: 'udp', srcIp: from, dstIp: to, srcPort, dstPort, payload: Buffer.concat([TUNNEL_HEADER[tunnel], inner]) }))

/** The overlay, or a failed test. */
export const openOrFail = async (options: UdpOverlayOptions): Promise<Nic> => orFail(await openUdpOverlay(options))

/** The value, or a failed test. */
export const orFail = <A>(made: E.Either<NicError, A>): A => {
  if (E.isLeft(made)) throw new Error(renderNicError(made.left))
  return made.right
}

/** Starts the NIC; copies of what it delivers, and what fails. */
export const startTelling = (nic: Nic): { readonly frames: Uint8Array[]; readonly failures: NicError[] } => {
  const frames: Uint8Array[] = []
  const failures: NicError[] = []
  orFail(
    nic.start({
      frames: ({ bytes, start, length, count }) => {
        for (let i = 0; i < count; i++) frames.push(bytes.slice(start[i] ?? 0, (start[i] ?? 0) + (length[i] ?? 0)))
      },
      failed: (error) => failures.push(error),
    }),
  )
  return { frames, failures }
}

/** Waits until it holds; fails after ten seconds. */
export const until = async (holds: () => boolean, what: string): Promise<void> => {
  for (const deadline = Date.now() + 10_000; !holds(); ) {
    if (Date.now() > deadline) throw new Error(`not within ten seconds: ${what}`)
    await sleep(1)
  }
}
