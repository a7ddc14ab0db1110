/**
 * How the values of conditions are written: `443`, `8000-8080`, `10.0.0.0/8`, `00:15:5d:00:00:01`, `tcp`, `SYN+ACK`.
 * One text form serves policies, explanations and JSON, so that what is printed can be given back.
 */
import { type Either, flatMap, left, map, right } from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { type Field, type FieldName, resolveField } from '../flow/field.js'
import { Frag, Tunnel } from '../wire/frame-view.js'
import { formatIp, formatMac, parseIp, parseMac } from '../wire/address.js'
import { canonicalMatch, type Condition, type Match, matchProblem, type Scalar } from './condition.js'

/** Words that stand for single values of a field. A word is never part of a range or a prefix. */
export const VALUE_NAMES: { readonly [F in FieldName]?: Readonly<Record<string, number>> } = {
  proto: { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 },
  etherType: { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd },
  arpOperation: { request: 1, reply: 2 },
  fragment: { whole: Frag.Whole, first: Frag.First, later: Frag.Later },
  tunnel: { vxlan: Tunnel.Vxlan, nvgre: Tunnel.Nvgre, geneve: Tunnel.Geneve, gre: Tunnel.Gre },
}

/** The TCP flags by the weight of their bit, FIN first. @see RFC 9293 §3.1, RFC 3540 for NS */
export const TCP_FLAG_NAMES = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'NS'] as const

/** `dstPort in 80, 443, 8000-8080`; a single value reads `dstPort = 80`. */
export const formatCondition = (condition: Condition): string => {
  const field = resolveField(condition.field)?.field
  const [first, ...others] = condition.values
  if (field === undefined || first === undefined) return `${condition.field} in (nothing)`
  if (others.length === 0 && first._tag === 'Value') return `${condition.field} = ${formatMatch(field, first)}`
  return `${condition.field} in ${condition.values.map((match) => formatMatch(field, match)).join(', ')}`
}

/** One value of a condition as text, the inverse of {@link parseMatch}. */
export const formatMatch = (field: Field, match: Match): string => {
  switch (match._tag) {
    case 'Value': return valueName(field, match.value) ?? formatScalar(field, match.value)
    case 'Range': return `${formatScalar(field, match.from)}-${formatScalar(field, match.to)}`
    case 'Prefix': return `${formatScalar(field, match.value)}/${match.length}`
  }
}

/** One value of a condition as JSON: a number where its text is nothing but decimal digits, otherwise that text. */
export const matchToJson = (field: Field, match: Match): number | string => {
  const text = formatMatch(field, match)
  return match._tag === 'Value' && typeof match.value === 'number' && text === String(match.value) ? match.value : text
}

/**
 * Reads one value of a condition: a number, or text in the form of {@link formatMatch} (numbers also as `0x…`).
 * Fails with the reason in words, for values beyond the field, inverted ranges, and bits behind a prefix's length.
 */
export const parseMatch = (field: Field, input: string | number): Either<string, Match> =>
  pipe(
    typeof input === 'number' ? right<string, Match>({ _tag: 'Value', value: input }) : parseText(field, input.trim()),
    flatMap((match): Either<string, Match> => {
      const problem = matchProblem(field, match)
      return problem === undefined ? right(match) : left(problem + suggestion(field, match))
    }),
    map((match) => canonicalMatch(field.name, match)),
  )

const parseText = (field: Field, text: string): Either<string, Match> => {
  const named = namedValue(field, text)
  if (named !== undefined) return right({ _tag: 'Value', value: named })
  const slash = text.indexOf('/')
  if (slash >= 0) {
    const length = text.slice(slash + 1)
    if (!/^\d{1,3}$/.test(length)) return left(`"${length}" is not a prefix length`)
    return pipe(parseScalar(field, text.slice(0, slash)), map((value): Match => ({ _tag: 'Prefix', value, length: Number(length) })))
  }
  const dash = rangeDash(field, text)
  if (dash < 0) return pipe(parseScalar(field, text), map((value): Match => ({ _tag: 'Value', value })))
  return pipe(
    parseScalar(field, text.slice(0, dash).trim()),
    flatMap((from) => pipe(parseScalar(field, text.slice(dash + 1).trim()), map((to): Match => ({ _tag: 'Range', from, to })))),
  )
}

/** Where the dash of a range stands, or -1. A MAC may be written with dashes itself, so there it is the middle one. */
const rangeDash = (field: Field, text: string): number => {
  if (field.kind !== 'mac') return text.indexOf('-', 1)
  const middle = /^(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\s*-/i.exec(text)
  return middle === null ? -1 : middle[0].length - 1
}

const parseScalar = (field: Field, text: string): Either<string, Scalar> => {
  if (field.kind === 'ip') {
    const ip = parseIp(text)
    return ip._tag === 'Right' ? ip : left(`"${text}": ${ip.left.reason}`)
  }
  if (field.kind === 'mac') {
    const mac = parseMac(text)
    return mac._tag === 'Right' ? mac : left(`"${text}": ${mac.left.reason}`)
  }
  return /^(\d+|0x[0-9a-f]+)$/i.test(text) ? right(Number(text)) : left(`"${text}" is not a value of ${field.name}${knownWords(field)}`)
}

const formatScalar = (field: Field, scalar: Scalar): string => {
  if (typeof scalar === 'object') return formatIp(scalar)
  if (field.kind === 'mac') return formatMac(scalar)
  return field.name === 'etherType' ? `0x${scalar.toString(16).padStart(4, '0')}` : String(scalar)
}

const namedValue = (field: Field, text: string): number | undefined => {
  if (field.name === 'tcpFlags') return flagsFromText(text)
  const names = VALUE_NAMES[field.name]
  const word = text.toLowerCase()
  return names !== undefined && Object.hasOwn(names, word) ? names[word] : undefined
}

const valueName = (field: Field, value: Scalar): string | undefined => {
  if (typeof value !== 'number') return undefined
  if (field.name === 'tcpFlags') return value === 0 ? undefined : TCP_FLAG_NAMES.filter((_, i) => (value >>> i) & 1).join('+')
  return Object.entries(VALUE_NAMES[field.name] ?? {}).find(([, known]) => known === value)?.[0]
}

const flagsFromText = (text: string): number | undefined => {
  let flags = 0
  for (const word of text.toUpperCase().split('+')) {
    const bit = TCP_FLAG_NAMES.findIndex((name) => name === word.trim())
    if (bit < 0) return undefined
    flags |= 1 << bit
  }
  return flags
}

const knownWords = (field: Field): string => {
  const words = field.name === 'tcpFlags' ? [TCP_FLAG_NAMES.join('+')] : Object.keys(VALUE_NAMES[field.name] ?? {})
  return words.length === 0 ? '' : ` (a number or ${words.join(', ')})`
}

/** What was probably meant, for the two mistakes that have one obvious repair. */
const suggestion = (field: Field, match: Match): string => {
  if (match._tag === 'Range') {
    const turned: Match = { _tag: 'Range', from: match.to, to: match.from }
    return matchProblem(field, turned) === undefined ? `: did you mean ${formatMatch(field, turned)}?` : ''
  }
  if (match._tag !== 'Prefix') return ''
  const cleared = canonicalMatch(field.name, match)
  return cleared !== match && matchProblem(field, cleared) === undefined ? `: did you mean ${formatMatch(field, cleared)}?` : ''
}
