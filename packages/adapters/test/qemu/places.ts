/** Where the tests' sockets are, and what they wait for. */
import type { ExecutionContext } from 'ava'
import * as E from 'fp-ts/lib/Either.js'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LinkState, Nic } from '../../src/nic/nic.js'
import { type NicError, renderNicError } from '../../src/nic/nic-error.js'

/** A directory for sockets, short enough for their names. */
export const makePlace = (): { readonly path: (name: string) => string; readonly remove: () => void } => {
  const directory = mkdtempSync(join(tmpdir(), 'vfp-qemu-'))
  return { path: (name) => join(directory, name), remove: () => rmSync(directory, { recursive: true, force: true }) }
}

/** The value, or a failed test. */
export const orFail = <A>(made: E.Either<NicError, A>): A => {
  if (E.isLeft(made)) throw new Error(renderNicError(made.left))
  return made.right
}

/** Waits until it holds; fails after ten seconds. */
export const until = async (holds: () => boolean, what: string): Promise<void> => {
  for (const deadline = Date.now() + 10_000; !holds(); ) {
    if (Date.now() > deadline) throw new Error(`not within ten seconds: ${what}`)
    await sleep(1)
  }
}

/** Everything that a NIC tells. */
export interface Told {
  readonly frames: Uint8Array[]
  readonly links: LinkState[]
  readonly failures: NicError[]
}

/** Starts the NIC and writes down what it tells; closes it with the test. */
export const startTelling = (t: ExecutionContext, nic: Nic): Told => {
  t.teardown(nic.close)
  const told: Told = { frames: [], links: [], failures: [] }
  orFail(
    nic.start({
      frames: ({ bytes, start, length, count }) => {
        for (let i = 0; i < count; i++) told.frames.push(bytes.slice(start[i] ?? 0, (start[i] ?? 0) + (length[i] ?? 0)))
      },
      link: (state) => told.links.push(state),
      failed: (error) => told.failures.push(error),
    }),
  )
  return told
}

/** A guest's end of the stream, byte by byte. */
export const dialGuest = async (t: ExecutionContext, path: string): Promise<Socket> => {
  const socket = createConnection(path)
  t.teardown(() => socket.destroy())
  socket.on('error', () => undefined)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return socket
}

/** A frame of so many bytes, with its length in front of it. */
export const framed = (length: number, fill = 7): Uint8Array => {
  const bytes = new Uint8Array(4 + length).fill(fill)
  new DataView(bytes.buffer).setUint32(0, length)
  return bytes
}
