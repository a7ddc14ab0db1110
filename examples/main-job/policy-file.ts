/**
 * Policies as files: JSON that passes one codec before anything else sees it, and errors that say where in the *file*
 * the mistake stands, whoever found it: the file's own codec, a check across files, or the layer it was meant for.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeError, type PolicyError, type PortError, type TaggedError, VfpError } from '@vfp-ts/core'
import * as E from 'fp-ts/lib/Either.js'
import type * as t from 'io-ts'
import { pointer } from './json-pointer.js'
import { repeatedKeys } from './repeated-keys.js'

/** The files of a policy folder. */
export type PolicyFileName = 'vms.json' | 'billing.json' | 'security.json' | 'balancing.json' | 'network.json'

/** All of them. */
export const POLICY_FILES: readonly PolicyFileName[] = ['vms.json', 'billing.json', 'security.json', 'balancing.json', 'network.json']

/** A place in a policy file. */
export interface PlaceInFile {
  readonly file: string
  /** A JSON pointer; the whole file is the empty text. @see RFC 6901 §3 */
  readonly path: string
  /** The VM whose port it was meant for, where one policy is written for several; null otherwise. */
  readonly vm: string | null
}

/** One mistake in a policy file. */
export interface BadPolicyFile extends TaggedError, PlaceInFile {
  readonly _tag: 'BadPolicyFile'
  readonly reason: string
}

/** Everything that was found wrong at once; never empty. */
export interface BadPolicyFiles extends TaggedError {
  readonly _tag: 'BadPolicyFiles'
  readonly errors: readonly BadPolicyFile[]
}

/** Reads one file of a policy folder. Fails if it is not there, is no JSON, says a property twice, or does not pass the codec. */
export const readPolicyFile = <A, O>(folder: string, name: PolicyFileName, codec: t.Type<A, O>): E.Either<BadPolicyFiles, A> => {
  const file = join(folder, name)
  const bad = (reason: string, path = ''): BadPolicyFile => mistake({ file, path, vm: null }, reason)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (thrown) {
    return E.left(all([bad(reasonOf(thrown))]))
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (thrown) {
    return E.left(all([bad(`no JSON: ${reasonOf(thrown)}`)]))
  }
  const repeated = repeatedKeys(text)
  if (repeated.length > 0) return E.left(all(repeated.map((path) => bad('is there twice, and only one would count', path))))
  const read = codec.decode(json)
  return E.isRight(read) ? read : E.left(all(read.left.map((error) => bad(reasonOfCodec(error), pathOf(error)))))
}

/** One mistake at a place. */
export const mistake = (at: PlaceInFile, reason: string): BadPolicyFile => ({ _tag: 'BadPolicyFile', ...at, reason })

/** Mistakes as one error. */
export const all = (errors: readonly BadPolicyFile[]): BadPolicyFiles => ({ _tag: 'BadPolicyFiles', errors })

/** Goes on only if there are none. @throws VfpError of a {@link BadPolicyFiles} if there are mistakes */
export const orRefuse = (errors: readonly BadPolicyFile[]): void => {
  if (errors.length > 0) throw new VfpError(all(errors))
}

/**
 * The value, or an exception that says where in which file the reason for the refusal stands. `placeOf` gets the path
 * that a layer or a port gives, into what it was handed, and turns it into one into the file that came from.
 *
 * @throws VfpError of a {@link BadPolicyFiles} if it was refused
 */
export const orBadFile = <A>(result: E.Either<PolicyError | PortError, A>, placeOf: (path: string) => PlaceInFile): A => {
  if (E.isRight(result)) return result.right
  const error = result.left
  switch (error._tag) {
    case 'BadPolicy': throw new VfpError(all(error.problems.map(({ path, reason }) => mistake(placeOf(path), reason))))
    case 'BadPort': throw new VfpError(all([mistake(placeOf(error.path), error.reason)]))
    default: throw new VfpError(all([mistake(placeOf(''), describeError(error))]))
  }
}

/** Whether that is what an exception carries. */
export const isBadPolicyFiles = (error: TaggedError): error is BadPolicyFiles => error._tag === 'BadPolicyFiles'

/** One mistake as a line; `shown` is how the file's name is to be printed. */
export const renderBadPolicyFile = ({ file, path, vm, reason }: BadPolicyFile, shown: (file: string) => string): string =>
  `BadPolicyFile: ${shown(file)}${path === '' ? '' : ` ${path}`}${vm === null ? '' : ` (for VM ${vm})`}: ${reason}`

const reasonOf = (thrown: unknown): string => {
  if (!(thrown instanceof Error)) return String(thrown)
  return 'code' in thrown && thrown.code === 'ENOENT' ? 'no such file' : thrown.message
}

/** The codecs of whole files have neither unions nor intersections, whose branches io-ts would count as keys. */
const pathOf = (error: t.ValidationError): string => pointer(...error.context.slice(1).map((entry) => entry.key))

const reasonOfCodec = ({ message, value, context }: t.ValidationError): string => {
  const expected = `expected ${context.at(-1)?.type.name ?? 'something else'}`
  if (value === undefined) return `is missing: ${message ?? expected}`
  return message ?? `${expected}, got ${typeof value === 'object' ? (Array.isArray(value) ? 'an array' : 'an object') : JSON.stringify(value)}`
}
