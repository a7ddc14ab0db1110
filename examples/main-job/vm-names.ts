/** Names of VMs in policy files: a misspelt one would match nothing, and its VM's packets would be lost in silence. */
import { formatIp, parseIp } from '@vfp-ts/core'
import * as E from 'fp-ts/lib/Either.js'

/** The VMs that there are. */
export interface VmNames {
  readonly names: readonly string[]
  /** Whether they were found in the capture, where VMs are named by their addresses; otherwise `vms.json` has them. */
  readonly found: boolean
}

/**
 * Why a policy may not speak of a VM of this name, or `undefined` if it may. Of VMs found in a capture, a policy may
 * name those that another capture has, as long as it names addresses.
 */
export const nameProblem = ({ names, found }: VmNames, name: string): string | undefined => {
  if (names.includes(name)) return undefined
  if (!found) return `there is no VM "${name}"; vms.json has ${names.length === 0 ? 'none' : names.join(', ')}`
  const ip = parseIp(name)
  if (E.isLeft(ip)) return `there is no VM "${name}": without vms.json, VMs are named by their addresses, as 10.0.0.4`
  return formatIp(ip.right) === name ? undefined : `there is no VM "${name}": it is named ${formatIp(ip.right)}`
}

/** Names in a sentence; of many, the first few. */
export const someOf = (names: readonly string[]): string =>
  `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`
