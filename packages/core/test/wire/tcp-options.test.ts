import test from 'ava'
import { readTcpOptions, writeTcpOptions } from '../../src/wire/tcp-options.js'
import { hex, left, right } from './hex.js'

// a SYN as Linux sends it, and an ACK with a selective acknowledgment
const SYN = hex('0204 05b4 0402 080a 0000 0001 0000 0000 01 0303 07')
const SACK = hex('01 01 080a 0000 0005 0000 0004 01 01 050a 0000 0064 0000 00c8')

test('tcp-options: reads the options of a SYN in their order', (t) => {
  t.deepEqual(right(readTcpOptions(SYN)), [
    { kind: 'mss', bytes: 1460 },
    { kind: 'sack-permitted' },
    { kind: 'timestamps', value: 1, echo: 0 },
    { kind: 'window-scale', shift: 7 },
  ])
})

test('tcp-options: reads selective acknowledgments', (t) => {
  t.deepEqual(right(readTcpOptions(SACK)).at(-1), { kind: 'sack', blocks: [[100, 200]] })
})

test('tcp-options: writes what it reads, padded to words', (t) => {
  for (const raw of [SYN, SACK]) {
    const options = right(readTcpOptions(raw))
    const written = writeTcpOptions(options)
    t.is(written.length % 4, 0)
    t.deepEqual(right(readTcpOptions(written)), options)
  }
})

test('tcp-options: lists an unexpected length or number as unknown and stops at the end of the list', (t) => {
  t.deepEqual(right(readTcpOptions(hex('0203 ff fd04 abcd 00 0204'))), [
    { kind: 'unknown', number: 2, data: hex('ff') },
    { kind: 'unknown', number: 253, data: hex('abcd') },
  ])
})

test('tcp-options: refuses a length below 2 or past the end', (t) => {
  for (const raw of ['0201 0000', '0200 0000', '01 01 01 02', '0205 05b4']) t.is(left(readTcpOptions(hex(raw))).reason, 'BadLength')
})
