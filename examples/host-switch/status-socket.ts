/**
 * The unix socket that answers everyone who connects with one JSON document, and hangs up.
 *
 * It is made for the owner alone. A file that a killed program left behind is taken over; one that somebody answers at is not.
 */
import { chmodSync, existsSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'

/** An open status socket. */
export interface StatusSocket {
  /** Makes the file again if somebody removed it, and otherwise does nothing; `Left` says in words why that failed. */
  readonly renew: () => Promise<E.Either<string, void>>
  /** Stops listening and removes the file. Whoever is still connected is hung up on. */
  readonly close: () => Promise<void>
}

/** Listens at a path; `Left` says in words why not. `document` is asked at every connection. */
export const openStatusSocket = async (path: string, document: () => object): Promise<E.Either<string, StatusSocket>> => {
  const first = await listenAt(path, document)
  if (E.isLeft(first)) return first
  let hangUp = first.right
  return E.right({
    renew: async () => {
      if (existsSync(path)) return E.right(undefined)
      // A server that closes removes its name, so it does before there is a new one.
      await hangUp()
      const again = await listenAt(path, document)
      if (E.isLeft(again)) return again
      hangUp = again.right
      return E.right(undefined)
    },
    close: () => hangUp(),
  })
}

/** Ends a server and its connections. */
type HangUp = () => Promise<void>

const listenAt = async (path: string, document: () => object): Promise<E.Either<string, HangUp>> => {
  // Otherwise Node says that access is denied.
  if (!existsSync(dirname(path))) return E.left(`${path}: there is no folder ${dirname(path)}`)
  const connected = new Set<Socket>()
  const server = createServer((socket) => {
    connected.add(socket)
    socket.on('close', () => { connected.delete(socket) })
    // Whoever hangs up early is no failure of ours.
    socket.on('error', () => { socket.destroy() })
    socket.end(`${JSON.stringify(document())}\n`)
  })
  const first = await listen(server, path)
  if (first === undefined) return E.right(hangingUp(server, connected))
  if (first !== 'EADDRINUSE') return E.left(`${path}: ${first}`)
  if (await answers(path)) return E.left(`${path}: somebody answers there already`)
  rmSync(path, { force: true })
  const second = await listen(server, path)
  return second === undefined ? E.right(hangingUp(server, connected)) : E.left(`${path}: ${second}`)
}

/** Asks a status socket. Rejects if nobody answers, or not with JSON. */
export const askStatus = (path: string): Promise<unknown> => new Promise((resolve, reject) => {
  let text = ''
  const socket = connect(path)
  socket.setEncoding('utf8')
  socket.on('data', (part: string) => { text += part })
  socket.on('error', reject)
  socket.on('end', () => {
    try {
      resolve(JSON.parse(text))
    } catch (thrown) {
      reject(thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
  })
})

/** The system's name of the error, if there is one. */
const listen = (server: Server, path: string): Promise<string | undefined> => new Promise((resolve) => {
  const failed = (error: NodeJS.ErrnoException): void => resolve(error.code ?? error.message)
  server.once('error', failed)
  server.listen(path, () => {
    server.off('error', failed)
    chmodSync(path, 0o600)
    resolve(undefined)
  })
})

const answers = (path: string): Promise<boolean> => new Promise((resolve) => {
  const socket = connect(path, () => {
    socket.destroy()
    resolve(true)
  })
  socket.on('error', () => resolve(false))
})

/** A server waits for all who are connected, also for one who never reads. */
const hangingUp = (server: Server, connected: ReadonlySet<Socket>): HangUp => () => new Promise((resolve) => {
  server.close(() => resolve())
  for (const socket of connected) socket.destroy()
})
