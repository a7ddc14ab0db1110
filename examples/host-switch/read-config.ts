/** A configuration as a file. */
import { readFileSync } from 'node:fs'
import * as E from 'fp-ts/lib/Either.js'
import { repeatedKeys } from '../main-job/repeated-keys.js'
import { type Config, decodeConfig } from './config.js'
import type { ConfigProblem } from './config-problem.js'
import { crossCheck } from './cross-check.js'

/** Reads a file; fails with all that is wrong in it as far as it can be told without the layers. */
export const readConfig = (file: string): E.Either<readonly ConfigProblem[], Config> => {
  try {
    return parseConfig(readFileSync(file, 'utf8'))
  } catch (thrown) {
    return E.left([{ path: '', reason: reasonOf(thrown) }])
  }
}

/** Reads a text. */
export const parseConfig = (text: string): E.Either<readonly ConfigProblem[], Config> => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (thrown) {
    return E.left([{ path: '', reason: `no JSON: ${reasonOf(thrown)}` }])
  }
  const twice = repeatedKeys(text).map((path) => ({ path, reason: 'is there twice, and only one would count' }))
  const read = decodeConfig(json)
  if (E.isLeft(read)) return E.left([...twice, ...read.left])
  const problems = [...twice, ...crossCheck(read.right)]
  return problems.length === 0 ? read : E.left(problems)
}

const reasonOf = (thrown: unknown): string => {
  if (!(thrown instanceof Error)) return String(thrown)
  return 'code' in thrown && thrown.code === 'ENOENT' ? 'no such file' : thrown.message
}
