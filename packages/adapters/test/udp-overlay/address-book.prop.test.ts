import { fc, testProp } from '@fast-check/ava'
import { formatIp, ipv4, ipv6 } from '@vfp-ts/core'
import { AddressBook } from '../../src/udp-overlay/address-book.js'
import { addressBytes } from '../../src/udp-overlay/outer-headers.js'

const word = fc.oneof(fc.nat(3), fc.nat(0xffff_ffff))

for (const version of [4, 6] as const) {
  testProp(
    `address-book: whatever was asked before, text and bytes of IPv${version} addresses are theirs`,
    [fc.array(fc.tuple(word, word, word, word), { minLength: 2000, maxLength: 3000 })],
    (t, words) => {
      const book = new AddressBook(version)
      for (const [a, b, c, d] of [...words, ...words]) {
        const address = version === 4 ? ipv4(d) : ipv6(a, b, c, d)
        const bytes = addressBytes(address)
        const text = formatIp(address)
        if (book.text(bytes, 0) !== text) t.fail(text)
        if (Buffer.compare(book.bytes(text) ?? new Uint8Array(0), bytes) !== 0) t.fail(text)
      }
      t.pass()
    },
    // Each run fills the book twice over: addresses have to take the place of others. To find fewer that fail would take minutes.
    { numRuns: 5, endOnFailure: true },
  )
}

testProp('address-book: a zone is left out, and an address of the other version is none', [fc.ipV6(), fc.ipV4()], (t, v6, v4) => {
  const book = new AddressBook(6)
  t.deepEqual(book.bytes(`${v6}%eth0`), book.bytes(v6))
  t.is(book.bytes(v4), undefined)
  t.is(new AddressBook(4).bytes(v6), undefined)
})
