/** What a test takes for granted. */
import { type Either, isLeft } from 'fp-ts/lib/Either.js'
import { type NicError, renderNicError } from '../../src/nic/index.js'

export const orThrow = <A>(answer: Either<NicError, A>): A => {
  if (isLeft(answer)) throw new Error(renderNicError(answer.left))
  return answer.right
}
