/** Policies as files: JSON that passes one codec before anything else sees it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TaggedError } from '@vfp-ts/core'
import * as E from 'fp-ts/lib/Either.js'
import type * as t from 'io-ts'

/** A policy file that cannot be used. */
export interface BadPolicyFile extends TaggedError {
  readonly _tag: 'BadPolicyFile'
  readonly file: string
  readonly reason: string
}

/** Reads one file of a policy folder. Fails if it is not there, is no JSON, or does not pass the codec. */
export const readPolicyFile = <A, O>(folder: string, name: string, codec: t.Type<A, O>): E.Either<BadPolicyFile, A> => {
  const file = join(folder, name)
  const bad = (reason: string): E.Either<BadPolicyFile, never> => E.left({ _tag: 'BadPolicyFile', file, reason })
  let json: unknown
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (thrown) {
    return bad(thrown instanceof Error ? thrown.message : String(thrown))
  }
  const read = codec.decode(json)
  return E.isRight(read) ? read : bad(read.left.map(describe).slice(0, 3).join('; '))
}

const describe = (error: t.ValidationError): string => {
  const path = error.context.map((entry) => entry.key).filter((key) => key !== '').join('/')
  return `/${path}: ${error.message ?? `expected ${error.context.at(-1)?.type.name ?? 'something else'}`}`
}
