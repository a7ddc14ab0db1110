/**
 * Addresses as text and as bytes, remembered both ways: Node's sockets know them as text, frames as bytes, and a packet is no
 * time to convert one.
 *
 * Both memories are bounded, as strangers may send from any address. Few of either are in use at a time, so what does not fit
 * simply takes the place of something.
 */
import { formatIp, ipv4, ipv6, parseIp } from '@vfp-ts/core'
import { isLeft } from 'fp-ts/lib/Either.js'
import { addressBytes } from './outer-headers.js'

/** Texts remembered, one for each value of a hash. */
const TEXTS = 1024

/** Senders remembered; all are forgotten when there are more. */
const MOST_SENDERS = 4096

/** The addresses of one IP version. */
export class AddressBook {
  readonly #version: 4 | 6
  readonly #words = new Uint32Array(TEXTS * 4)
  readonly #texts: (string | undefined)[] = new Array<string | undefined>(TEXTS).fill(undefined)
  readonly #bytes = new Map<string, Uint8Array>()

  constructor(version: 4 | 6) {
    this.#version = version
  }

  /** The text of the address at `at`. */
  text(bytes: Uint8Array, at: number): string {
    const v6 = this.#version === 6
    const a = v6 ? u32(bytes, at) : 0
    const b = v6 ? u32(bytes, at + 4) : 0
    const c = v6 ? u32(bytes, at + 8) : 0
    const d = u32(bytes, v6 ? at + 12 : at)
    const mixed = Math.imul(a ^ Math.imul(b ^ Math.imul(c ^ Math.imul(d, 0x9e3779b1), 0x85ebca6b), 0xc2b2ae35), 0x27d4eb2f)
    const slot = (mixed ^ (mixed >>> 15) ^ d) & (TEXTS - 1)
    const words = this.#words
    const known = this.#texts[slot]
    const i = 4 * slot
    if (known !== undefined && words[i] === a && words[i + 1] === b && words[i + 2] === c && words[i + 3] === d) return known
    const text = formatIp(v6 ? ipv6(a, b, c, d) : ipv4(d))
    words[i] = a
    words[i + 1] = b
    words[i + 2] = c
    words[i + 3] = d
    this.#texts[slot] = text
    return text
  }

  /** The bytes of an address that a socket told; `undefined` if that is of the other version. */
  bytes(text: string): Uint8Array | undefined {
    const known = this.#bytes.get(text)
    if (known !== undefined) return known
    // A link-local address comes with its zone, of which frames know nothing.
    const zone = text.indexOf('%')
    const parsed = parseIp(zone < 0 ? text : text.slice(0, zone))
    if (isLeft(parsed) || parsed.right.version !== this.#version) return undefined
    if (this.#bytes.size >= MOST_SENDERS) this.#bytes.clear()
    const bytes = addressBytes(parsed.right)
    this.#bytes.set(text, bytes)
    return bytes
  }
}

const u32 = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
