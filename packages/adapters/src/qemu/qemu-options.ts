/** What a NIC over a stream socket is opened with, and how the system's errors are told. */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import { FRAME_OVERHEAD, type Nic } from '../nic/nic.js'
import type { NicError, NicFailure } from '../nic/nic-error.js'

/** A unix socket by its path, or a TCP one. */
export type QemuAddress =
  /** A unix socket. */
  | {
      /** The socket's path, 1–107 bytes of UTF-8: what `sockaddr_un` holds. */
      readonly path: string
    }
  /** A TCP socket. */
  | {
      /** A host name or IP address: to listen on, or to connect to. */
      readonly host: string
      /** TCP port, 0–65,535. When listening, 0 takes any free port; the NIC's `address` has it. */
      readonly port: number
    }

/** Options of {@link openQemuNic} and {@link connectQemuNic}. */
export interface QemuOptions {
  /** Name of the NIC in errors and reports; `qemu` and the address unless given. */
  readonly name?: string
  /** Where to listen, or what to connect to. */
  readonly address: QemuAddress
  /** Largest network packet in bytes, 68–65,535; 1,500 unless given. The guest is not told: give its NIC the same (`host_mtu=` of QEMU's `virtio-net-pci`). */
  readonly mtu?: number
  /** Most bytes that wait to be written, room for one frame to 1 GiB; 512 KiB or room for eight frames unless given; as many again may be with the system. */
  readonly queueBytes?: number
  /** Permissions of the unix socket, as `0o660`; what the process's umask leaves unless given. Any process that may write to it can be the guest. */
  readonly mode?: number
  /** Milliseconds until a failed attempt to connect or to listen is repeated, 1–3,600,000; 1,000 unless given. */
  readonly retryMs?: number
}

/** A NIC over a stream socket. */
export interface QemuNic extends Nic {
  /** Where it listens, or what it connects to. */
  readonly address: QemuAddress
}

/** Options with everything filled in. */
export interface QemuSettings {
  readonly name: string
  readonly address: QemuAddress
  readonly mtu: number
  readonly queueBytes: number
  readonly mode: number | undefined
  readonly retryMs: number
}

/** Bytes in front of each frame on the stream: its length, big-endian. */
export const LENGTH_BYTES = 4

/** Bytes of `sun_path` but for the zero that ends it. */
const MAX_PATH = 107

/** The options, checked: `BadOptions` says which is wrong. */
export const readOptions = (options: QemuOptions): Either<NicError, QemuSettings> => {
  const { address, mtu = 1500, mode, retryMs = 1000 } = options
  const name = options.name ?? `qemu ${formatAddress(address)}`
  const queueBytes = options.queueBytes ?? Math.max(512 * 1024, 8 * (mtu + FRAME_OVERHEAD + LENGTH_BYTES))
  const bad = (reason: string): Either<NicError, never> =>
    left({ _tag: 'NicError', nic: name, operation: 'open', code: 'BadOptions', reason, retryable: false })
  if ('path' in address) {
    if (address.path === '' || address.path.includes('\0')) return bad('address.path is the name of a file')
    if (Buffer.byteLength(address.path) > MAX_PATH) return bad(`address.path is longer than the ${MAX_PATH} bytes of a socket's name`)
  } else if (!isWhole(address.port, 0, 65_535)) return bad('address.port is a whole number from 0 to 65535')
  if (!isWhole(mtu, 68, 65_535)) return bad('mtu is a whole number from 68 to 65535')
  if (!isWhole(queueBytes, mtu + FRAME_OVERHEAD + LENGTH_BYTES, 2 ** 30)) return bad('queueBytes has to hold one frame, and not a gibibyte')
  if (mode !== undefined && !isWhole(mode, 0, 0o777)) return bad('mode is a number of nine bits, as 0o660')
  if (!isWhole(retryMs, 1, 3_600_000)) return bad('retryMs is a whole number from 1 to 3600000')
  return right({ name, address, mtu, queueBytes, mode, retryMs })
}

/** `/run/vm-1.sock` or `127.0.0.1:4000`. */
export const formatAddress = (address: QemuAddress): string => ('path' in address ? address.path : `${address.host}:${address.port}`)

/** An error of the system as a NIC tells it. */
export const systemError = (nic: string, operation: NicError['operation'], thrown: unknown): NicError => {
  const name = errorCode(thrown)
  const [code, retryable, hint] = FAILURES[name] ?? (['System', false] as const)
  const reason = thrown instanceof Error ? thrown.message : String(thrown)
  return { _tag: 'NicError', nic, operation, code, reason, retryable, ...(hint === undefined ? {} : { hint }) }
}

/** The system's own name of an error, `''` where it has none. */
export const errorCode = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''

const FAILURES: Readonly<Record<string, readonly [NicFailure, boolean, string?]>> = {
  EADDRINUSE: ['Busy', true, 'another program listens there'],
  EACCES: ['NeedsPrivilege', false, 'a unix socket takes write permission on itself and its directory, a TCP port below 1024 CAP_NET_BIND_SERVICE'],
  EPERM: ['NeedsPrivilege', false],
  ENOENT: ['NotFound', true, 'nobody has made the socket yet, or its directory is missing'],
  ENOTDIR: ['NotFound', false],
  ECONNREFUSED: ['PeerGone', true, 'nobody listens there'],
  ECONNRESET: ['PeerGone', true],
  EPIPE: ['PeerGone', true],
  ETIMEDOUT: ['PeerGone', true],
  EHOSTUNREACH: ['PeerGone', true],
  ENETUNREACH: ['PeerGone', true],
  ENAMETOOLONG: ['BadOptions', false],
  EINVAL: ['BadOptions', false],
  EADDRNOTAVAIL: ['NotFound', true, 'the host has no such address'],
  ENOTFOUND: ['NotFound', true],
  EMFILE: ['System', true, 'the process has no file descriptor left'],
  ENFILE: ['System', true],
}

const isWhole = (value: number, least: number, most: number): boolean => Number.isInteger(value) && value >= least && value <= most
