/**
 * The system's calls: everything here that is not JavaScript.
 *
 * Node has no packet sockets, no `ioctl` and no way to read many frames at once, so TAP and AF_PACKET need the C library, reached
 * through koffi, an optional package with prebuilt binaries. This file holds the declarations and nothing else; what structs look like is
 * next to it (`layout.ts`), what is done with them elsewhere.
 *
 * Pointers are numbers: user addresses have 47 bits (arm64 may have 48). Passing a number costs a call 0.05 µs less than passing a typed array, and
 * a call 0.25 µs in all, so frames go many to a call, in memory whose address is asked for once. The memory of an `ArrayBuffer` never moves; whoever passes its address
 * keeps the buffer alive. Node's `ssize_t` is koffi's `intptr_t`. `errno` has to be asked for at once, before any other call.
 */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import type { NicError } from '../nic/nic-error.js'

/** What a watch tells: what the descriptor is ready for, or that it has an error to be asked for, and then the watch is stopped. */
export type Ready = (readable: boolean, writable: boolean, failed: boolean) => void

/** Wakes the event loop when a descriptor is ready. Level-triggered: what is not taken is told again. */
export interface Watch {
  /** Watches for these from now on; also after an error. Neither: stops. */
  readonly want: (readable: boolean, writable: boolean) => void
  readonly close: () => void
}

/** Calls of the C library. Negative results are errors, then `errno` says which. Addresses are numbers, 0 for none. */
export interface Linux {
  readonly errno: () => number
  readonly open: (path: string, flags: number) => number
  readonly close: (fd: number) => number
  readonly read: (fd: number, to: number, length: number) => number
  readonly write: (fd: number, from: number, length: number) => number
  readonly ioctl: (fd: number, request: number, argument: number) => number
  readonly poll: (fds: number, count: number, timeoutMs: number) => number
  readonly socket: (family: number, type: number, protocol: number) => number
  readonly bind: (fd: number, address: number, length: number) => number
  readonly setsockopt: (fd: number, level: number, name: number, value: number, length: number) => number
  readonly getsockopt: (fd: number, level: number, name: number, value: number, length: number) => number
  readonly recvmmsg: (fd: number, messages: number, count: number, flags: number, timeout: number) => number
  readonly sendmmsg: (fd: number, messages: number, count: number, flags: number) => number
  readonly mmap: (at: number, length: number, protection: number, flags: number, fd: number, offset: number) => number
  readonly munmap: (at: number, length: number) => number
  readonly getpagesize: () => number
  /** Address of a buffer's first byte. */
  readonly addressOf: (buffer: ArrayBuffer) => number
  /** Memory of the process as a buffer, of which nobody takes care but the caller. */
  readonly view: (at: number, length: number) => ArrayBuffer
  /** A watch that is not watching yet. */
  readonly watch: (fd: number, ready: Ready) => Watch
}

/** Loads the C library, once a process. `nic` is for the error. */
export const loadLinux = async (nic: string): Promise<Either<NicError, Linux>> => {
  const failure = (code: 'Unsupported' | 'NeedsKoffi', reason: string, hint: string): Either<NicError, never> =>
    left({ _tag: 'NicError', nic, operation: 'open', code, reason, retryable: false, hint })
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) {
    return failure('Unsupported', `this is ${process.platform} on ${process.arch}`, 'TAP and AF_PACKET are Linux on x86_64 or arm64')
  }
  if (loaded !== undefined) return right(loaded)
  try {
    loaded = declare(await import('koffi'))
    return right(loaded)
  } catch (thrown) {
    const reason = thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : String(thrown)
    return failure('NeedsKoffi', `koffi does not load: ${reason}`, 'install it next to this package: npm install koffi@3')
  }
}

interface Events {
  readonly readable: boolean
  readonly writable: boolean
}

let loaded: Linux | undefined

/** The collector takes a watch that nobody refers to, and then it wakes nobody; so those that are open are referred to from here. */
const open = new Set<Watch>()

const declare = (koffi: typeof import('koffi')): Linux => {
  const c = koffi.load(null)
  return {
    errno: () => koffi.errno(),
    open: c.func('int open(const char *path, int flags)') as Linux['open'],
    close: c.func('int close(int fd)') as Linux['close'],
    read: c.func('intptr_t read(int fd, uintptr_t to, size_t length)') as Linux['read'],
    write: c.func('intptr_t write(int fd, uintptr_t from, size_t length)') as Linux['write'],
    ioctl: c.func('int ioctl(int fd, ulong request, uintptr_t argument)') as Linux['ioctl'],
    poll: c.func('int poll(uintptr_t fds, ulong count, int timeout)') as Linux['poll'],
    socket: c.func('int socket(int family, int type, int protocol)') as Linux['socket'],
    bind: c.func('int bind(int fd, uintptr_t address, uint length)') as Linux['bind'],
    setsockopt: c.func('int setsockopt(int fd, int level, int name, uintptr_t value, uint length)') as Linux['setsockopt'],
    getsockopt: c.func('int getsockopt(int fd, int level, int name, uintptr_t value, uintptr_t length)') as Linux['getsockopt'],
    recvmmsg: c.func('int recvmmsg(int fd, uintptr_t messages, uint count, int flags, uintptr_t timeout)') as Linux['recvmmsg'],
    sendmmsg: c.func('int sendmmsg(int fd, uintptr_t messages, uint count, int flags)') as Linux['sendmmsg'],
    mmap: c.func('intptr_t mmap(uintptr_t at, size_t length, int protection, int flags, int fd, intptr_t offset)') as Linux['mmap'],
    munmap: c.func('int munmap(uintptr_t at, size_t length)') as Linux['munmap'],
    getpagesize: c.func('int getpagesize()') as Linux['getpagesize'],
    addressOf: (buffer) => Number(koffi.address(buffer)),
    view: (at, length) => koffi.view(BigInt(at), length),
    watch: (fd, ready) => {
      let handle: import('koffi').node.PollHandle | undefined
      // The declared type leaves out the first argument: 0, or an error, after which the handle has stopped.
      const told = (...[status, events]: readonly unknown[]): void => {
        if (handle === undefined) return
        const is = events as Events | undefined
        try {
          if (status !== 0) ready(false, false, true)
          else ready(is?.readable === true, is?.writable === true, false)
        } catch (thrown) {
          // An exception that reaches koffi stays pending and ends the process at the next collection. So it is thrown where Node can deal with it.
          setImmediate(() => {
            throw thrown
          })
        }
      }
      const watch: Watch = {
        want: (readable, writable) => {
          if (!readable && !writable) handle?.stop()
          else if (handle === undefined) handle = koffi.node.poll(fd, { readable, writable }, told)
          else handle.start({ readable, writable }, told)
        },
        close: () => {
          open.delete(watch)
          handle?.close()
          handle = undefined
        },
      }
      open.add(watch)
      return watch
    },
  }
}
