import { testProp } from '@fast-check/ava'
import test from 'ava'
import fc from 'fast-check'
import { orThrow } from '../../src/errors.js'
import { EMBEDDING_LENGTHS, embeddedIpv4, embedIpv4, maskedAddress } from '../../src/policy/embedded-ipv4.js'
import { formatIp, ipv4, ipv6, parseIp } from '../../src/wire/address.js'

const ip = (text: string) => orThrow(parseIp(text))

// RFC 6052 §2.4, table 1 and 2: 192.0.2.33 in prefixes of each length.
const EXAMPLES = [
  [32, '2001:db8::', '2001:db8:c000:221::'],
  [40, '2001:db8:100::', '2001:db8:1c0:2:21::'],
  [48, '2001:db8:122::', '2001:db8:122:c000:2:2100::'],
  [56, '2001:db8:122:300::', '2001:db8:122:3c0:0:221::'],
  [64, '2001:db8:122:344::', '2001:db8:122:344:c0:2:2100:0'],
  [96, '2001:db8:122:344::', '2001:db8:122:344::c000:221'],
  [96, '64:ff9b::', '64:ff9b::c000:221'],
] as const

for (const [length, prefix, whole] of EXAMPLES) {
  test(`embedIpv4: puts 192.0.2.33 behind ${prefix}/${length}`, (t) => {
    t.is(formatIp(embedIpv4(ip(prefix), length, ip('192.0.2.33'))), formatIp(ip(whole)))
    t.is(formatIp(embeddedIpv4(ip(whole), length)), '192.0.2.33')
  })
}

const word = fc.nat(0xffff_ffff)
testProp('embedIpv4: is undone by embeddedIpv4, and keeps the prefix', [word, word, word, word, word, fc.constantFrom(...EMBEDDING_LENGTHS)], (t, a, b, c, d, v4, length) => {
  const whole = embedIpv4(ipv6(a, b, c, d), length, ipv4(v4))
  t.deepEqual(embeddedIpv4(whole, length), ipv4(v4))
  const bits = (text: string): string => text.slice(0, length)
  const binary = (words: readonly number[]): string => words.map((w) => w.toString(2).padStart(32, '0')).join('')
  t.is(bits(binary(whole.words)), bits(binary([a, b, c, d])))
})

test('maskedAddress: takes bits from one address and the rest from another', (t) => {
  t.is(formatIp(maskedAddress(ip('fd41:108:20:abc:abc::'), ip('::ffff:ffff:ffff:0:0'), ip('::d107:64:ff71:0:0'))), 'fd41:108:20:d107:64:ff71::')
  t.is(formatIp(maskedAddress(ip('10.1.2.3'), ip('0.0.0.255'), ip('255.255.255.9'))), '10.1.2.9')
})
