/**
 * The first pass over a stranger's capture: who speaks, and who of them is a VM.
 *
 * Of each connection the initiator is the VM, because that is the end a host's policy is written for: the sender of a
 * SYN; failing that, whoever was heard first, unless the other end is a VM already. Memory is bounded by the number of
 * addresses, not by the length of the capture.
 */
import { formatMac } from '@vfp-ts/core'
import { type CaptureError, LinkType, readCapture } from '@vfp-ts/adapters/pcap'
import * as E from 'fp-ts/lib/Either.js'
import { type AddressKey, addressKey, addressOfKey, FrameFacts } from './frame-facts.js'
import { foundVm, type Vm } from './inventory.js'
import type { Options } from './options.js'

/** What the first pass found out. */
export interface Survey {
  /** Whole frames in the capture. */
  readonly frames: number
  readonly vms: readonly Vm[]
  /** VMs that were not made, because there were too many. */
  readonly tooMany: number
  /** The damage that ended the reading, if the capture is damaged. */
  readonly damage: CaptureError | undefined
}

/** Ports this program makes at most; each takes some hundred kilobytes. */
const MOST_VMS = 1000
/** Addresses remembered at most. */
const MOST_SPEAKERS = 65_536

/** Reads the capture once; to where it is when `signal` says stop. */
export const survey = async (file: string, { vms: choice, offloadingHost }: Pick<Options, 'vms' | 'offloadingHost'>, signal: AbortSignal): Promise<Survey> => {
  const speakers = new Map<AddressKey, { mac: number; initiates: boolean }>()
  const facts = new FrameFacts()
  let frames = 0
  let damage: CaptureError | undefined

  const hear = (key: AddressKey, mac: number): void => {
    const speaker = speakers.get(key)
    if (speaker === undefined) {
      if (speakers.size < MOST_SPEAKERS) speakers.set(key, { mac, initiates: false })
    } else if (speaker.mac === 0) {
      speaker.mac = mac
    }
  }
  const mark = (key: AddressKey): void => {
    const speaker = speakers.get(key)
    if (speaker !== undefined) speaker.initiates = true
  }

  for await (const item of readCapture(file, { data: 'view', offloadingHost })) {
    if (E.isLeft(item)) {
      damage = item.left
      break
    }
    frames++
    if (signal.aborted) break
    if (item.right.linkType !== LinkType.Ethernet) continue
    facts.read(item.right.data, 0, item.right.data.length)
    const { src, dst } = facts
    if (src === undefined || dst === undefined || !facts.srcIsHost) continue
    hear(src, facts.srcMac)
    if (!facts.dstIsHost) continue
    if (facts.syn) mark(src)
    else if (speakers.get(src)?.initiates !== true && speakers.get(dst)?.initiates !== true) {
      // Of a connection whose begin was missed, a SYN-ACK still tells its ends apart.
      if (facts.synAck) hear(dst, 0)
      mark(facts.synAck ? dst : src)
    }
  }

  const chosen = choice._tag === 'Listed'
    ? choice.addresses.map(addressKey)
    : [...speakers].flatMap(([key, { initiates }]) => (choice._tag === 'All' || initiates ? [key] : []))
  const vms = chosen.slice(0, MOST_VMS).map((key, i) => foundVm(i, addressOfKey(key), usableMac(speakers.get(key)?.mac ?? 0, i)))
  return { frames, vms, tooMany: chosen.length - vms.length, damage }
}

/** The MAC it speaks with; one of our own where that is none a NIC can have, or was never heard. */
const usableMac = (mac: number, index: number): string =>
  formatMac(mac === 0 || mac % 0x200_0000_0000 >= 0x100_0000_0000 ? 0x0200_0100_0000 + index : mac)
