/**
 * Chunks of any size become one window of contiguous bytes, in bounded memory.
 *
 * A decoder looks at the window's front, and either consumes a whole record or waits for more. Appended bytes are
 * copied into a buffer of our own: a source may reuse its chunk at once, and no decoder sees a record in two pieces.
 * The price is one `memcpy` per byte, small beside all else that is done to a packet.
 *
 * Invariants: the window is `buffer[start, end)`; `position` is the stream offset of `start`; nothing moves except in
 * {@link ByteStream.append}, so views handed out stay valid until then. The buffer grows to twice the largest record
 * waited for plus one piece, never by a length that a file merely claims.
 */
export class ByteStream {
  #buffer: Uint8Array
  #view: DataView
  #start = 0
  #end = 0
  #position = 0

  constructor(capacity = INITIAL_CAPACITY) {
    this.#buffer = new Uint8Array(capacity)
    this.#view = viewOf(this.#buffer)
  }

  /** Bytes in the window. */
  get available(): number {
    return this.#end - this.#start
  }

  /** Offset in the stream of the window's first byte. */
  get position(): number {
    return this.#position
  }

  /** A view over the whole buffer: byte `i` of the window is at `start + i`. Valid until the next append. */
  get view(): DataView {
    return this.#view
  }

  /** Index into {@link view} of the window's first byte. */
  get start(): number {
    return this.#start
  }

  /** Size of the buffer, bytes. */
  get capacity(): number {
    return this.#buffer.length
  }

  /** Copies the chunk to the window's end. */
  append(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#buffer.length) this.#makeRoom(chunk.length)
    this.#buffer.set(chunk, this.#end)
    this.#end += chunk.length
  }

  /** `length` bytes of the window from `at` on, without a copy; the caller has checked `available`. */
  bytes(at: number, length: number): Uint8Array {
    return this.#buffer.subarray(this.#start + at, this.#start + at + length)
  }

  /** Moves the window's front forward by at most `length` bytes, and says by how many. */
  skip(length: number): number {
    const skipped = Math.min(length, this.available)
    this.#start += skipped
    this.#position += skipped
    return skipped
  }

  #makeRoom(length: number): void {
    const needed = this.available + length
    // Moving in place is worth it only if at least half of the buffer is free afterwards; else a stream fed byte by
    // byte would move a nearly full buffer for every byte.
    if (needed * 2 <= this.#buffer.length) {
      this.#buffer.copyWithin(0, this.#start, this.#end)
    } else {
      const larger = new Uint8Array(needed * 2)
      larger.set(this.#buffer.subarray(this.#start, this.#end))
      this.#buffer = larger
      this.#view = viewOf(larger)
    }
    this.#end -= this.#start
    this.#start = 0
  }
}

/** The chunk in pieces of at most `size` bytes, without copying: what keeps one huge chunk from a huge buffer. */
export function* piecesOf(chunk: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size)
}

const INITIAL_CAPACITY = 4096

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
