import test from 'ava'
import { orThrow } from '@vfp-ts/core'
import { replayNic } from '../../src/replay/index.js'
import { complianceCases, type ComplianceOpened } from '../../src/testing/index.js'
import { liveSource } from './live-source.js'

const open = async (): Promise<ComplianceOpened> => {
  const source = liveSource()
  let told: (bytes: Uint8Array, start: number, end: number) => void = () => undefined
  const nic = orThrow(await replayNic({ source, speed: 'full', mtu: 1_500, onSent: (bytes, start, end) => told(bytes, start, end) }))
  return { nic, peer: { send: source.give, receive: (frame) => void (told = frame) } }
}

for (const { title, run } of complianceCases) {
  test.serial(`replaying NIC: ${title}`, async (t) => {
    await run({ open, carriesOversize: true, frames: 200_000 })
    t.pass()
  })
}
