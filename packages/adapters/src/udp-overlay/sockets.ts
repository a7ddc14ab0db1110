/** Bound datagram sockets. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'

/** What a socket is bound with. */
export interface SocketSettings {
  readonly version: 4 | 6
  readonly address: string
  /** 0 for any that is free. */
  readonly port: number
  readonly receiveBufferBytes: number
  readonly message: (bytes: Uint8Array, from: RemoteInfo) => void
  /** Of the socket itself, after it was bound. */
  readonly failed: (error: Error) => void
}

/** A socket that is bound, or why there is none. */
export const bindSocket = ({ version, address, port, receiveBufferBytes, message, failed }: SocketSettings): Promise<Socket | Error> =>
  new Promise((resolve) => {
    const socket = createSocket({
      type: version === 4 ? 'udp4' : 'udp6',
      ipv6Only: version === 6,
      recvBufferSize: receiveBufferBytes,
      // Destinations are addresses already. Answered within the call, a datagram goes to the system within the call too.
      lookup: (host, _options, found) => found(null, host, version),
    })
    const refused = (error: Error): void => {
      socket.close()
      resolve(error)
    }
    socket.once('error', refused)
    socket.on('message', message)
    socket.bind({ port, address, exclusive: true }, () => {
      socket.off('error', refused)
      socket.on('error', failed)
      resolve(socket)
    })
  })

/** Closes it; resolves when it is closed. */
export const closeSocket = (socket: Socket): Promise<void> => new Promise((resolve) => socket.close(() => resolve()))
