import test from 'ava'
import { memoryPair } from '../../src/memory/index.js'
import { complianceCases, type ComplianceOpened } from '../../src/testing/index.js'

const open = (mtu?: number) => async (): Promise<ComplianceOpened> => {
  const { a, b, setLink } = memoryPair(mtu === undefined ? {} : { mtu })
  return {
    nic: a,
    peer: b,
    peerGoes: async () => setLink('down'),
    peerReturns: async () => {
      setLink('up')
      return undefined
    },
  }
}

for (const { title, run } of complianceCases) {
  test.serial(`memory pair: ${title}`, async (t) => {
    await run({ open: open() })
    t.pass()
  })
}

for (const { title, run } of complianceCases.filter(({ title }) => title.includes('every length'))) {
  test.serial(`memory pair with an MTU of 65,535: ${title}`, async (t) => {
    await run({ open: open(65_535), lengthStep: 1 })
    t.pass()
  })
}

for (const { title, run } of complianceCases.filter(({ title }) => title.includes('peer'))) {
  test.serial(`memory pair whose other end is closed: ${title}`, async (t) => {
    await run({
      open: async () => {
        const { a, b } = memoryPair()
        return { nic: a, peer: b, peerGoes: () => b.close() }
      },
    })
    t.pass()
  })
}
