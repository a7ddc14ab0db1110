/** A NIC as the peer of another. */
import * as E from 'fp-ts/lib/Either.js'
import { type Nic, SendCode } from '../nic/nic.js'
import { renderNicError } from '../nic/nic-error.js'
import type { RawPeer } from './bench.js'
import { codeName, expected } from './expected.js'

/** Sends when there is room and the link is up; starts the NIC when told who gets its frames. */
export const nicAsPeer = (nic: Nic, until: (condition: () => boolean, what: () => string) => Promise<void>): RawPeer => ({
  send: (frame) => {
    const code = nic.send(frame, 0, frame.length)
    if (code === SendCode.Ok) return undefined
    if (code !== SendCode.Full && code !== SendCode.LinkDown) throw expected('the peer to take a frame', codeName(code))
    const copy = frame.slice()
    return until(() => nic.send(copy, 0, copy.length) === SendCode.Ok, () => 'the peer to take a frame')
  },
  receive: (frame) => {
    const started = nic.start({
      frames: ({ bytes, start, length, count }) => {
        for (let i = 0; i < count; i++) frame(bytes, start[i]!, start[i]! + length[i]!)
      },
    })
    if (E.isLeft(started)) throw expected("the peer's start to succeed", renderNicError(started.left))
  },
  close: () => nic.close(),
})
