/** Sets of IP addresses as lists of prefixes: those that conditions on an address field let through. */
import { FIELDS } from '../flow/field.js'
import { type IpAddress, type IpPrefix, prefixContains } from '../wire/address.js'
import { type Match, matchSpan, type Span, type Words } from './condition.js'

/** The prefixes that together hold what these values of an address field hold. */
export const prefixesOf = (values: readonly Match[]): readonly IpPrefix[] =>
  values.flatMap((match) => {
    const span = matchSpan(FIELDS.dstIp, match)
    return span === undefined ? [] : prefixesOfSpan(span)
  })

/** What two sets have in common; `undefined` is the set of all addresses. */
export const commonPrefixes = (a: readonly IpPrefix[] | undefined, b: readonly IpPrefix[]): readonly IpPrefix[] =>
  a === undefined ? b : a.flatMap((one) => b.flatMap((other) => (holds(one, other) ? [other] : holds(other, one) ? [one] : [])))

const holds = (outer: IpPrefix, inner: IpPrefix): boolean => outer.length <= inner.length && prefixContains(outer, inner.address)

/** The fewest prefixes that make up a range: from its start on always the longest step that is aligned and does not leave it. */
const prefixesOfSpan = ({ version, from, to }: Span): readonly IpPrefix[] => {
  if (version === 0) return []
  const width = version === 4 ? 32 : 128
  const last = numberOf(to)
  const prefixes: IpPrefix[] = []
  for (let at = numberOf(from); at <= last;) {
    let length = width
    while (length > 0) {
      const size = 1n << BigInt(width - length + 1)
      if (at % size !== 0n || at + size - 1n > last) break
      length--
    }
    prefixes.push({ address: addressOf(version, at), length })
    at += 1n << BigInt(width - length)
  }
  return prefixes
}

const numberOf = (words: Words): bigint => words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n)

const addressOf = (version: 4 | 6, number: bigint): IpAddress => {
  const word = (n: number): number => Number((number >> BigInt(32 * (3 - n))) & 0xffff_ffffn)
  return { version, words: [word(0), word(1), word(2), word(3)] }
}
