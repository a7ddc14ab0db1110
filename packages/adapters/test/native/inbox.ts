/** What a NIC delivered, kept. */
import type { LinkState, Nic, NicError, Receiver } from '../../src/nic/index.js'
import { orThrow } from './or-throw.js'

export interface Arrived {
  readonly frame: Uint8Array
  readonly offload: number
}

export interface Inbox {
  readonly frames: Arrived[]
  readonly links: LinkState[]
  readonly failures: NicError[]
}

/** Starts the NIC and keeps copies of all it tells. */
export const startInbox = (nic: Nic, keep: (frame: Uint8Array) => boolean = () => true): Inbox => {
  const inbox: Inbox = { frames: [], links: [], failures: [] }
  const receiver: Receiver = {
    frames: ({ bytes, start, length, offload, count }) => {
      for (let i = 0; i < count; i++) {
        const at = start[i] ?? 0
        const frame = bytes.slice(at, at + (length[i] ?? 0))
        if (keep(frame)) inbox.frames.push({ frame, offload: offload[i] ?? 0 })
      }
    },
    link: (state) => void inbox.links.push(state),
    failed: (error) => void inbox.failures.push(error),
  }
  orThrow(nic.start(receiver))
  return inbox
}

/** Turns of the event loop until it holds; fails after ten seconds. */
export const until = async (what: string, holds: () => boolean, seen: () => unknown = () => ''): Promise<void> => {
  const deadline = performance.now() + 10_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within 10 s: ${what}; ${JSON.stringify(seen())}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** A frame of a length, told apart by its number. */
export const numbered = (n: number, length: number): Uint8Array => {
  const frame = new Uint8Array(length).map((_, i) => (i * 31 + n) & 0xff)
  frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, n >> 8, n & 0xff, 0x88, 0xb5])
  return frame
}

/** Failures as their codes. */
export const codes = (inbox: Inbox): readonly string[] => inbox.failures.map(({ code, retryable }) => `${code}${retryable ? ' (retryable)' : ''}`)

