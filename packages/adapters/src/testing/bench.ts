/**
 * What an adapter's author gives the compliance suite: fresh pairs of a NIC and the other end of its medium.
 *
 * The suite knows no test runner; `complianceCases` shows how to run it.
 *
 * A case fails by rejecting with an `Error` that says what was expected and what was seen. Neither the NIC nor a peer that is a `Nic` is
 * started when it is handed over: the suite does that, waits for their links, and closes both. A peer that is no NIC — a raw
 * socket on a kernel interface, a stream socket, a child process — is a {@link RawPeer}.
 *
 * The suite's frames are Ethernet with EtherType 0x88b5, and carry their number in the source address. Whatever else comes from a medium (a
 * kernel's neighbour discovery) is left out of account.
 */
import type { Nic } from '../nic/nic.js'

/** The other end of the medium, where that is not a NIC. */
export interface RawPeer {
  /** Puts one frame on the medium towards the NIC. A promise is awaited before the next frame. The bytes are the suite's again afterwards. */
  readonly send: (frame: Uint8Array) => void | Promise<void>
  /** Called once, before any traffic: `frame` is to be told of each frame that the NIC put on the medium, in order. The bytes are valid until it returns. */
  readonly receive: (frame: (bytes: Uint8Array, start: number, end: number) => void) => void | Promise<void>
  /** Ends this end; called after the NIC under test was closed. */
  readonly close?: () => void | Promise<void>
}

/** A NIC to be tried, and the other end of its medium. */
export interface ComplianceOpened {
  /** Opened, not started. */
  readonly nic: Nic
  /** A NIC opened but not started, or anything else that takes and gives frames. */
  readonly peer: Nic | RawPeer
  /** Makes the other end go away; resolves when it has. Without it, the cases about that are passed over. */
  readonly peerGoes?: () => Promise<void>
  /** Makes the other end come back after `peerGoes`; answers a new peer if it is not the same one. Only if the NIC can live through it. */
  readonly peerReturns?: () => Promise<ComplianceOpened['peer'] | undefined>
  /** Removes what was made for this pair. Called after both ends were closed, also when the case failed. */
  readonly release?: () => Promise<void>
}

/** Frames that must look like something for the medium to carry them, such as packets of a tunnel. */
export interface ComplianceWrapping {
  /** Bytes in front of the suite's own Ethernet frame, outer Ethernet header included. */
  readonly overheadBytes: number
  /** The frame with all that goes around it. */
  readonly wrap: (inner: Uint8Array) => Uint8Array
  /** Where the inner frame starts in what came, −1 if it is none of ours; it ends where the outer one ends. */
  readonly innerStart: (bytes: Uint8Array, start: number, end: number) => number
}

/** What the suite is to know of a medium. All but `open` may be left out. */
export interface ComplianceBench {
  /** A fresh pair; rejects if there can be none, which fails the case. */
  readonly open: () => Promise<ComplianceOpened>
  /** How frames are to look; plain Ethernet unless given. */
  readonly wrapping?: ComplianceWrapping
  /** Whether frames keep their order; `true` unless given. Otherwise only that all come, each once. */
  readonly reordersNothing?: boolean
  /** Frames on their way at a time that the medium surely holds; 256 unless given. */
  readonly window?: number
  /** Shortest frame that the medium carries as it is, Ethernet header included; 14 unless given (60 where it pads). */
  readonly minimumBytes?: number
  /** Step between the lengths tried between the shortest frame and the longest; 1, every length, unless given. */
  readonly lengthStep?: number
  /** Whether frames given without a pause fill the NIC's queue sooner or later; `true` unless given. `false` passes over the case about `Full`. */
  readonly canFill?: boolean
  /** Whether the peer can put frames on the medium that are longer than the NIC's MTU allows; `false` unless given. */
  readonly carriesOversize?: boolean
  /** Frames, each way, that must leave no memory behind; 1,000,000 unless given. Give a slow medium fewer. */
  readonly frames?: number
  /** Milliseconds within which anything awaited has to happen; 10,000 unless given. Of frames, each window. */
  readonly deadlineMs?: number
  /** Milliseconds of a clock that only goes forward; `performance.now` unless given. */
  readonly now?: () => number
}

/** One requirement of the contract. */
export interface ComplianceCase {
  /** A present-tense sentence about a NIC. */
  readonly title: string
  /** Tries it; rejects with an `Error` that says what was expected and seen. Closes and releases all it opened. */
  readonly run: (bench: ComplianceBench) => Promise<void>
}
