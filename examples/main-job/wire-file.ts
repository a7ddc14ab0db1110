/** The wire between the hosts as a pcapng file: one interface for each host, and the times of the input. */
import { type CaptureSink, type CaptureWriteError, openCaptureWriter } from '@vfp-ts/adapters/pcap'
import * as E from 'fp-ts/lib/Either.js'
import { STREAM } from './input.js'
import type { Vm } from './inventory.js'
import type { Taps } from './replay.js'

/** An output that is being written. */
export interface WireFile {
  /** Given to the replay; keeps the first error it meets. */
  readonly tap: NonNullable<Taps['wire']>
  /** Whether it could not be written: what follows is lost. */
  readonly failed: () => boolean
  /** Ends the file: what it holds, or why it could not be written. */
  readonly close: () => Promise<E.Either<CaptureWriteError, { readonly file: string; readonly frames: number; readonly bytes: number }>>
}

/** Opens the output, `stdout` if it is `-`. Interface N is host N's, described by its VM's name and its first underlay address. */
export const openWireFile = async (file: string, vms: readonly Vm[], stdout: CaptureSink): Promise<E.Either<CaptureWriteError, WireFile>> => {
  const interfaces = vms.map((vm) => ({ name: `${vm.underlay[0] ?? ''} (${vm.name})` }))
  const opened = await openCaptureWriter(file === STREAM ? stdout : file, { interfaces, application: 'vfp-ts main job' })
  if (E.isLeft(opened)) return opened
  const writer = opened.right
  let failure: E.Either<CaptureWriteError, never> | undefined
  return E.right({
    tap: async (host, direction, bytes, { timestampNs, originalLength, data }) => {
      const written = await writer.write({
        data: bytes, timestampNs, interfaceId: host.index, direction,
        // What the recorder cut off stays cut off.
        originalLength: bytes.length + (originalLength - data.length),
      })
      if (E.isLeft(written)) failure ??= written
    },
    failed: () => failure !== undefined,
    close: async () => {
      const closed = await writer.close()
      return failure ?? E.map(({ packets, bytes }: { readonly packets: number; readonly bytes: number }) => ({ file: file === STREAM ? 'standard output' : file, frames: packets, bytes }))(closed)
    },
  })
}
