import test from 'ava'
import { faulty, type Faults } from '../../src/fault/index.js'
import { memoryPair } from '../../src/memory/index.js'
import { complianceCases, type ComplianceOpened } from '../../src/testing/index.js'

const open = (faults: Faults) => async (): Promise<ComplianceOpened> => {
  const { a, b, setLink } = memoryPair()
  return {
    nic: faulty(a, { seed: 1, send: faults, receive: faults }),
    peer: b,
    peerGoes: async () => setLink('down'),
    peerReturns: async () => {
      setLink('up')
      return undefined
    },
  }
}

for (const { title, run } of complianceCases) {
  test.serial(`faulty NIC without faults: ${title}`, async (t) => {
    await run({ open: open({}) })
    t.pass()
  })

  // A constant delay is the one fault that breaks no rule.
  test.serial(`faulty NIC that is late: ${title}`, async (t) => {
    await run({ open: open({ delayMs: 2 }), frames: 30_000 })
    t.pass()
  })
}
