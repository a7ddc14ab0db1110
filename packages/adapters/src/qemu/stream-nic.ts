/**
 * A NIC whose frames come and go over one stream socket at a time.
 *
 * Who makes the connections (a listener, a dialler) hands them in with {@link StreamNic.attach} and is told when one is lost. The
 * NIC outlives its connections: its link is up while there is one. What is queued when a connection is lost, is lost with it: a guest that
 * comes back is another boot, and old frames are nothing to it.
 *
 * One peer at a time: a second connection waits for the end of the first, as a guest that is started again may come before
 * the end of its old life is read. It never takes the first one's place: QEMU 7.2 would not connect again, and a mistake in one guest's
 * command line must not cost another its network.
 */
import { left, right } from 'fp-ts/lib/Either.js'
import type { Socket } from 'node:net'
import { FRAME_OVERHEAD, type LinkState, type Nic, type Receiver, SendCode } from '../nic/nic.js'
import type { NicError } from '../nic/nic-error.js'
import { FrameReader } from './frame-reader.js'
import { FrameWriter } from './frame-writer.js'
import { type QemuSettings, systemError } from './qemu-options.js'

/** How long a peer that does not read holds up `close`, in milliseconds. */
const CLOSE_MS = 1000

/** Bytes of an Ethernet header. */
const LEAST = 14

/** What whoever makes the connections does for the NIC. */
export interface Connector {
  /** The connection is gone; the NIC is open and would like another. */
  readonly lost: () => void
  /** The NIC closes: makes no more connections. Never rejects. */
  readonly release: () => Promise<void>
}

/** The NIC, and what its connector needs of it. */
export interface StreamNic {
  readonly nic: Nic
  /** A connection. While there is another it waits for that one's end, and one that waited before it is closed. */
  readonly attach: (socket: Socket) => void
  /** Something failed apart from a connection. */
  readonly fail: (error: NicError) => void
}

/** Makes the NIC, without a connection. */
export const makeStreamNic = ({ name, mtu, queueBytes }: QemuSettings, connector: Connector): StreamNic => {
  const most = mtu + FRAME_OVERHEAD
  const receiveDrops: Record<string, number> = {}
  const sendDrops: Record<string, number> = {}
  let received = 0
  let receivedBytes = 0
  let sent = 0
  let sentBytes = 0
  let receiver: Receiver | undefined
  let socket: Socket | undefined
  let waiting: Socket | undefined
  let closing: Promise<void> | undefined
  let flushSoon = false
  let refusedAsFull = false

  const writer = new FrameWriter(queueBytes)
  const reader = new FrameReader(most, {
    deliver: (batch) => {
      received += batch.count
      for (let i = 0; i < batch.count; i++) receivedBytes += batch.length[i] ?? 0
      const from = socket
      try {
        receiver?.frames(batch)
      } catch (thrown) {
        // Through the reader it would take along the rest of what was read, and the stream would be out of step.
        setImmediate(() => {
          throw thrown
        })
      }
      // The receiver may have closed the NIC, and what else the read holds is nobody's then.
      return closing === undefined && socket === from
    },
    drop: (reason) => count(receiveDrops, reason),
  })

  const isOpen = (): boolean => closing === undefined

  /** Whoever may be told something. */
  const told = (): Receiver | undefined => (isOpen() ? receiver : undefined)

  const attach = (next: Socket): void => {
    if (closing !== undefined) {
      next.destroy()
      return
    }
    if (socket !== undefined) {
      waiting?.destroy()
      waiting = next
      next.on('error', () => undefined)
      next.on('close', () => {
        if (waiting === next) waiting = undefined
      })
      return
    }
    socket = next
    next.setNoDelay(true)
    next.setKeepAlive(true, 30_000)
    next.on('error', (error) => detach(next, systemError(name, 'receive', error)))
    next.on('end', () => detach(next, failure('PeerGone', 'the other end closed the connection')))
    next.on('close', () => detach(next, failure('PeerGone', 'the connection was closed')))
    if (receiver !== undefined) listen(next)
    told()?.link?.('up')
  }

  const listen = (from: Socket): void => {
    from.on('data', (chunk: Uint8Array) => {
      if (socket !== from || closing !== undefined) return
      const bad = reader.push(chunk)
      if (bad === undefined || socket !== from) return
      count(receiveDrops, 'Malformed')
      detach(from, failure('BadPeer', bad))
    })
  }

  const failure = (code: 'PeerGone' | 'BadPeer', reason: string): NicError => ({ _tag: 'NicError', nic: name, operation: 'receive', code, reason, retryable: true })

  /** Once for each connection, whichever sign of its end comes first. */
  const detach = (gone: Socket, why: NicError): void => {
    if (socket !== gone || closing !== undefined) return
    socket = undefined
    gone.destroy()
    count(sendDrops, 'LinkDown', writer.lose())
    reader.reset()
    told()?.link?.('down')
    // Every loss of a connection mends itself by the next one.
    told()?.failed?.({ ...why, retryable: true })
    // What filled the queue is lost, and no write of it will be told of.
    drained()
    if (!isOpen()) return
    const next = waiting
    waiting = undefined
    if (next === undefined) connector.lost()
    else attach(next)
  }

  const flush = (): void => {
    const to = socket
    const bytes = to === undefined ? undefined : writer.take()
    if (to === undefined || bytes === undefined) return
    to.write(bytes, (error) => {
      // Within `close` it is counted with the last frames.
      if (closing !== undefined) return
      // The call comes before the socket's own error, which would find nothing left to be counted as lost.
      if (error) detach(to, systemError(name, 'send', error))
      written()
      // What was queued while the system was busy with it.
      flush()
      drained()
    })
  }

  const drained = (): void => {
    if (!refusedAsFull) return
    refusedAsFull = false
    told()?.drained?.()
  }

  const flushLater = (): void => {
    flushSoon = false
    flush()
  }

  const written = (): void => {
    const { frames, bytes } = writer.written()
    sent += frames
    sentBytes += bytes
  }

  const refuse = (code: SendCode, reason: keyof typeof SendCode): SendCode => {
    count(sendDrops, reason)
    return code
  }

  const shut = async (): Promise<void> => {
    waiting?.destroy()
    await Promise.all([connector.release(), socket === undefined ? undefined : finish(socket)])
    socket = undefined
  }

  /** Writes what is queued, and waits until the other end has taken it. */
  const finish = (last: Socket): Promise<void> =>
    new Promise((resolve) => {
      const deadline = setTimeout(() => last.destroy(), CLOSE_MS)
      last.once('close', () => {
        clearTimeout(deadline)
        count(sendDrops, 'LinkDown', writer.lose())
        resolve()
      })
      // Read on: to close with unread bytes would reset the connection under what is on its way.
      last.resume()
      last.end(writer.rest())
      last.once('finish', written)
    })

  return {
    attach,
    fail: (error) => told()?.failed?.(error),
    nic: {
      name,
      mac: undefined,
      mtu: () => mtu,
      link: (): LinkState => (socket === undefined || closing !== undefined ? 'down' : 'up'),
      offloads: { checksum: false, segmentation: false },
      start: (to) => {
        if (closing !== undefined || receiver !== undefined) {
          const reason = closing === undefined ? 'it was started before' : 'it was closed'
          return left({ _tag: 'NicError', nic: name, operation: 'start', code: 'BadState', reason, retryable: false })
        }
        receiver = to
        if (socket !== undefined) listen(socket)
        return right(undefined)
      },
      send: (bytes, start, end, offload = 0) => {
        if (closing !== undefined || receiver === undefined) return refuse(SendCode.Closed, 'Closed')
        if (socket === undefined) return refuse(SendCode.LinkDown, 'LinkDown')
        if (offload !== 0) return refuse(SendCode.Unfinished, 'Unfinished')
        if (end - start < LEAST) return refuse(SendCode.TooShort, 'TooShort')
        if (end - start > most) return refuse(SendCode.TooLong, 'TooLong')
        if (!writer.push(bytes, start, end)) {
          refusedAsFull = true
          return refuse(SendCode.Full, 'Full')
        }
        if (!flushSoon) {
          flushSoon = true
          setImmediate(flushLater)
        }
        return SendCode.Ok
      },
      flush,
      counters: () => ({ received, receivedBytes, sent, sentBytes, receiveDrops: { ...receiveDrops }, sendDrops: { ...sendDrops } }),
      close: () => (closing ??= Promise.resolve().then(shut)),
    },
  }
}

const count = (drops: Record<string, number>, reason: string, by = 1): void => {
  if (by > 0) drops[reason] = (drops[reason] ?? 0) + by
}
