import type { Either } from 'fp-ts/lib/Either.js'

/** Bytes from hexadecimal digits; whatever is not one is a separator. */
export const hex = (text: string): Uint8Array =>
  Uint8Array.from((text.replaceAll(/[^0-9a-f]/gi, '').match(/../g) ?? []).map((octet) => Number.parseInt(octet, 16)))

/** The value of an answer that a test expects to be one. */
export const right = <E, A>(answer: Either<E, A>): A => {
  if (answer._tag === 'Left') throw new Error(JSON.stringify(answer.left))
  return answer.right
}

/** The error of an answer that a test expects to be one. */
export const left = <E, A>(answer: Either<E, A>): E => {
  if (answer._tag === 'Right') throw new Error('a value where an error was expected')
  return answer.left
}
