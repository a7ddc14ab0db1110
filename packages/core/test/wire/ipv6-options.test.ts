import test from 'ava'
import { formatIpv6Options, hasJumboOption, optionMayChange, readIpv6Options, unknownOptionAction, writeIpv6Options } from '../../src/wire/ipv6-options.js'
import { hex, left, right } from './hex.js'

// as a host sends it with a multicast listener report: router alert, then padding to eight bytes
const ALERT = hex('0502 0000 0100')

test('ipv6-options: reads a router alert and its padding, and writes them back', (t) => {
  const options = right(readIpv6Options(ALERT))
  t.deepEqual(options, [{ kind: 'router-alert', value: 0 }, { kind: 'pad', size: 2 }])
  t.deepEqual(right(writeIpv6Options(options)), ALERT)
  t.is(formatIpv6Options(options), 'router alert 0, pad 2')
})

test('ipv6-options: pads a list to the end of its word, with Pad1 where one byte is missing', (t) => {
  t.deepEqual(right(writeIpv6Options([])), hex('0104 00000000'))
  t.deepEqual(right(writeIpv6Options([{ kind: 'router-alert', value: 1 }])), hex('0502 0001 0100'))
  t.deepEqual(right(writeIpv6Options([{ kind: 'unknown', number: 0x3e, data: hex('010203') }])), hex('3e03 010203 00'))
  // one byte more than a word: seven are padded
  t.deepEqual(right(writeIpv6Options([{ kind: 'unknown', number: 0x3e, data: hex('0102030405') }])), hex('3e05 0102030405 0105 0000000000'))
})

test('ipv6-options: brings a router alert to an even offset', (t) => {
  const odd = { kind: 'unknown', number: 0x3e, data: hex('01') } as const
  t.deepEqual(right(writeIpv6Options([odd, { kind: 'router-alert', value: 2 }])), hex('3e01 01 00 0502 0002 0104 00000000'))
})

test('ipv6-options: lists padding that is not zero, and a router alert of another length, as unknown', (t) => {
  t.deepEqual(right(readIpv6Options(hex('0102 0001 0500'))), [
    { kind: 'unknown', number: 1, data: hex('0001') },
    { kind: 'unknown', number: 5, data: hex('') },
  ])
})

test('ipv6-options: refuses an option past the end, where it begins', (t) => {
  for (const [raw, offset] of [['0105 00000000', 0], ['00 0105 000000', 1], ['0000000000 05', 5]] as const) {
    const error = left(readIpv6Options(hex(raw)))
    t.deepEqual([error.reason, error.offset, error.protocol], ['BadLength', offset, 'ipv6-extension'], raw)
  }
})

test('ipv6-options: refuses a jumbo payload, read or written', (t) => {
  t.is(left(readIpv6Options(hex('c204 00010000'))).reason, 'UnsupportedProtocol')
  t.is(left(writeIpv6Options([{ kind: 'unknown', number: 0xc2, data: hex('00010000') }])).reason, 'UnsupportedProtocol')
  t.true(hasJumboOption(hex('0600 c204 00010000'), 0, 8))
  t.false(hasJumboOption(hex('0600 0502 0000 0100'), 0, 8))
})

test('ipv6-options: refuses what its length field cannot say', (t) => {
  const long = { kind: 'unknown', number: 0x3e, data: new Uint8Array(255) } as const
  t.is(right(writeIpv6Options([long])).length % 8, 6)
  t.is(left(writeIpv6Options([{ ...long, data: new Uint8Array(256) }])).reason, 'BadLength')
  t.is(left(writeIpv6Options([{ kind: 'pad', size: 258 }])).reason, 'BadLength')
  t.is(left(writeIpv6Options([{ kind: 'pad', size: 0 }])).reason, 'BadLength')
  t.is(left(writeIpv6Options([{ kind: 'unknown', number: 0, data: hex('') }])).reason, 'BadHeader')
  t.is(left(writeIpv6Options([long, long, long, long, long, long, long, long])).reason, 'BadLength')
})

test('ipv6-options: tells what an unknown option asks for', (t) => {
  t.deepEqual([0x3e, 0x7e, 0xbe, 0xfe].map(unknownOptionAction), ['skip', 'drop', 'report', 'report-unicast'])
  t.deepEqual([0x3e, 0x1e].map(optionMayChange), [true, false])
})
