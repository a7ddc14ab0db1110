/**
 * Listening sockets that last.
 *
 * A unix socket has two lives: the socket, and its name in the file system. Who removes the name leaves a socket that listens and that nobody
 * can find, and a process that is killed leaves a name behind which nobody listens. So a name in the way is tried first, and
 * a name that is ours is watched.
 *
 * Closing such a socket makes Node remove its name, *whosever it is by then*. So it is closed only while the name is ours or
 * missing; a name that somebody else has taken is left to them, and the socket behind it to the end of the process.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { chmodSync, type FSWatcher, lstatSync, unlinkSync, watch } from 'node:fs'
import { createConnection, createServer, type ListenOptions, type Server, type Socket } from 'node:net'
import { basename, dirname } from 'node:path'
import type { NicError } from '../nic/nic-error.js'
import { errorCode, type QemuAddress, type QemuSettings, systemError } from './qemu-options.js'

/** Something that listens. */
export interface Listener {
  readonly address: QemuAddress
  /** Takes no more connections, and releases the address. Those that were made stay. */
  readonly close: () => void
}

/** Who is told. */
export interface ListenerHooks {
  readonly connection: (socket: Socket) => void
  /** Listening was disturbed; it goes on as soon as it can. */
  readonly failed: (error: NicError) => void
}

/** Where names cannot be watched, they are looked at so often, in milliseconds. */
const LOOK_MS = 1000

/** Listens on a TCP port. */
export const listenTcp = async (
  settings: QemuSettings, at: { readonly host: string; readonly port: number }, hooks: ListenerHooks,
): Promise<Either<NicError, Listener>> => {
  const server = await serve(settings, { host: at.host, port: at.port }, hooks)
  if (server instanceof Error) return left(systemError(settings.name, 'open', server))
  const bound = server.address()
  const port = bound !== null && typeof bound === 'object' ? bound.port : at.port
  return right({ address: { host: at.host, port }, close: () => server.close() })
}

/** Listens on a unix socket, and sees to it that it can be found under its name. */
export const listenUnix = async (settings: QemuSettings, path: string, hooks: ListenerHooks): Promise<Either<NicError, Listener>> => {
  const first = await claim(settings, path, hooks)
  if (isLeft(first)) return first
  let claimed = first.right
  let closed = false
  let looking = false
  let timer: NodeJS.Timeout | undefined
  let stopWatching = (): void => undefined

  const watchAgain = (): void => {
    stopWatching()
    stopWatching = watchName(path, look)
  }
  const look = (): void => {
    if (closed || looking || timer !== undefined) return
    const there = nameOf(path)
    if (there === claimed.name) return
    if (there !== '') {
      hooks.failed(disturbed(settings.name, 'Busy', 'another program has taken the name of the socket'))
      return
    }
    hooks.failed(disturbed(settings.name, 'NotFound', 'the socket was removed; it is made again'))
    void renew()
  }
  const renew = async (): Promise<void> => {
    looking = true
    if (nameOf(path) === '') claimed.server.close()
    const again = await claim(settings, path, hooks)
    looking = false
    if (isLeft(again)) {
      if (closed) return
      hooks.failed({ ...again.left, operation: 'link', retryable: true })
      timer = setTimeout(() => {
        timer = undefined
        void renew()
      }, settings.retryMs)
      return
    }
    claimed = again.right
    if (closed) release(claimed, path)
    else watchAgain()
  }

  watchAgain()
  return right({
    address: { path },
    close: () => {
      closed = true
      stopWatching()
      clearTimeout(timer)
      release(claimed, path)
    },
  })
}

/** A socket that listens, and which file its name stood for when it was made. */
interface Claimed {
  readonly server: Server
  readonly name: string
}

const release = ({ server, name }: Claimed, path: string): void => {
  const there = nameOf(path)
  if (there === name || there === '') server.close()
  else server.unref()
}

/** Takes the name: also from a socket behind which nobody listens any more. */
const claim = async (settings: QemuSettings, path: string, hooks: ListenerHooks): Promise<Either<NicError, Claimed>> => {
  let server = await serve(settings, { path }, hooks)
  if (server instanceof Error && errorCode(server) === 'EADDRINUSE' && (await isStale(path))) {
    remove(path)
    server = await serve(settings, { path }, hooks)
  }
  if (server instanceof Error) return left(missing(path, systemError(settings.name, 'open', server)))
  try {
    if (settings.mode !== undefined) chmodSync(path, settings.mode)
  } catch (thrown) {
    server.close()
    return left(systemError(settings.name, 'open', thrown))
  }
  return right({ server, name: nameOf(path) })
}

/** Node tells a missing directory as one that may not be written to. */
const missing = (path: string, error: NicError): NicError =>
  nameOf(dirname(path)) === ''
    ? { _tag: 'NicError', nic: error.nic, operation: error.operation, code: 'NotFound', reason: `there is no directory ${dirname(path)}`, retryable: true }
    : error

/** A server that listens, or why it does not. */
const serve = (settings: QemuSettings, at: ListenOptions, hooks: ListenerHooks): Promise<Server | Error> =>
  new Promise((resolve) => {
    const server = createServer(hooks.connection)
    server.once('error', resolve)
    server.listen(at, () => {
      server.off('error', resolve)
      // Of single connections that could not be accepted.
      server.on('error', (error) => hooks.failed({ ...systemError(settings.name, 'link', error), retryable: true }))
      resolve(server)
    })
  })

/** Whether the name is a socket's, and nobody answers behind it. */
const isStale = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createConnection(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(false)
    })
    // What is no socket refuses as well.
    probe.once('error', (error) => resolve(errorCode(error) === 'ENOENT' || (errorCode(error) === 'ECONNREFUSED' && isSocket(path))))
  })

const isSocket = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false

const remove = (path: string): void => {
  try {
    unlinkSync(path)
  } catch {
    // Gone already, or it cannot be removed, and then listening fails and says so.
  }
}

/** Which file the name stands for; `''` if none. The number is not given to another file while our socket is bound to it. */
const nameOf = (path: string): string => {
  try {
    const file = lstatSync(path, { bigint: true })
    return `${file.dev}:${file.ino}`
  } catch {
    return ''
  }
}

/** Calls whenever something may have happened to the name; the answer ends it. */
const watchName = (path: string, look: () => void): (() => void) => {
  const names = [basename(path), basename(dirname(path))]
  const poll = (): (() => void) => {
    const timer = setInterval(look, LOOK_MS)
    return () => clearInterval(timer)
  }
  let watcher: FSWatcher
  try {
    watcher = watch(dirname(path), (_event, name) => {
      if (name === null || names.includes(name)) look()
    })
  } catch {
    return poll()
  }
  let stop = (): void => watcher.close()
  watcher.on('error', () => {
    watcher.close()
    stop = poll()
  })
  // It may have happened before it was watched.
  setImmediate(look)
  return () => stop()
}

const disturbed = (nic: string, code: 'Busy' | 'NotFound', reason: string): NicError => ({ _tag: 'NicError', nic, operation: 'link', code, reason, retryable: true })
