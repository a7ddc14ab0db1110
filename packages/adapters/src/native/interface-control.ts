/** An interface's properties, by `ioctl` on a socket that is for nothing else. */
import {
  AF_INET, ARPHRD_ETHER, ARPHRD_LOOPBACK, Errno, IFF_RUNNING, IFF_UP, IFNAMSIZ, IFREQ_BYTES, SIOCGIFFLAGS, SIOCGIFHWADDR, SIOCGIFINDEX, SIOCGIFMTU,
  SIOCGIFNAME, SIOCSIFFLAGS, SIOCSIFHWADDR, SIOCSIFMTU, SOCK_CLOEXEC, SOCK_DGRAM,
} from './layout.js'
import type { Linux } from './linux.js'

/** The length that names have, in bytes of UTF-8. */
export const isInterfaceName = (name: string): boolean =>
  name !== '' && name !== '.' && name !== '..' && Buffer.byteLength(name) < IFNAMSIZ && !/[/:\s\0]/.test(name)

/** What an interface is like at present. */
export interface InterfaceState {
  /** Up, and with a carrier. */
  readonly up: boolean
  readonly mtu: number
}

/** Asks and sets. Answers are numbers, or what was asked; an error is a negative `errno`. */
export class InterfaceControl {
  readonly #linux: Linux
  readonly #fd: number
  readonly #request = new ArrayBuffer(IFREQ_BYTES)
  readonly #bytes = Buffer.from(this.#request)
  readonly #at: number

  constructor(linux: Linux) {
    this.#linux = linux
    this.#at = linux.addressOf(this.#request)
    this.#fd = linux.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  }

  /** Its number, which stays when its name changes. */
  index(name: string): number {
    const errno = this.#byName(name, SIOCGIFINDEX)
    return errno === 0 ? this.#bytes.readInt32LE(IFNAMSIZ) : -errno
  }

  /** State by number; `undefined` where there is no such interface here. */
  state(index: number): InterfaceState | undefined {
    this.#bytes.fill(0)
    this.#bytes.writeInt32LE(index, IFNAMSIZ)
    if (this.#call(SIOCGIFNAME) !== 0) return undefined
    // The name is in the request now.
    if (this.#call(SIOCGIFFLAGS) !== 0) return undefined
    const up = (this.#bytes.readUInt16LE(IFNAMSIZ) & (IFF_UP | IFF_RUNNING)) === (IFF_UP | IFF_RUNNING)
    if (this.#call(SIOCGIFMTU) !== 0) return undefined
    return { up, mtu: this.#bytes.readInt32LE(IFNAMSIZ) }
  }

  /** Its Ethernet address; `undefined` for one that is no Ethernet, `''` for the loopback, which has none. */
  mac(name: string): string | undefined {
    if (this.#byName(name, SIOCGIFHWADDR) !== 0) return undefined
    const type = this.#bytes.readUInt16LE(IFNAMSIZ)
    if (type === ARPHRD_LOOPBACK) return ''
    return type === ARPHRD_ETHER ? [...this.#bytes.subarray(IFNAMSIZ + 2, IFNAMSIZ + 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(':') : undefined
  }

  setMac(name: string, mac: string): number {
    return this.#byName(name, SIOCSIFHWADDR, () => {
      this.#bytes.writeUInt16LE(ARPHRD_ETHER, IFNAMSIZ)
      this.#bytes.write(mac.replace(/[:-]/g, ''), IFNAMSIZ + 2, 'hex')
    })
  }

  setMtu(name: string, mtu: number): number {
    return this.#byName(name, SIOCSIFMTU, () => this.#bytes.writeInt32LE(mtu, IFNAMSIZ))
  }

  setUp(name: string): number {
    const errno = this.#byName(name, SIOCGIFFLAGS)
    if (errno !== 0) return errno
    this.#bytes.writeUInt16LE(this.#bytes.readUInt16LE(IFNAMSIZ) | IFF_UP, IFNAMSIZ)
    return this.#call(SIOCSIFFLAGS)
  }

  close(): void {
    this.#linux.close(this.#fd)
  }

  /** 0 or an `errno`. */
  #byName(name: string, request: number, fill?: () => void): number {
    this.#bytes.fill(0)
    this.#bytes.write(name, 0, IFNAMSIZ - 1)
    fill?.()
    return this.#call(request)
  }

  #call(request: number): number {
    if (this.#fd < 0) return Errno.EINVAL
    return this.#linux.ioctl(this.#fd, request, this.#at) < 0 ? this.#linux.errno() : 0
  }
}
