/** How a case says what it missed. */
import { SendCode } from '../nic/nic.js'

/** What a case rejects with. */
export const expected = (what: string, seen: unknown): Error => new Error(`expected ${what}, saw ${typeof seen === 'string' ? seen : JSON.stringify(seen)}`)

/** The name of a code. */
export const codeName = (code: SendCode): string => Object.entries(SendCode).find(([, each]) => each === code)?.[0] ?? String(code)
