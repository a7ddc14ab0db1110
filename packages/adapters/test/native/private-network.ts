/** A network of one's own: the thread that runs a test file leaves the system's network namespace for a new one, and with the thread it ends. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'

/**
 * Moves this thread, and the processes it starts, into a new network namespace with nothing in it but a loopback. What lies in the
 * threads of Node's pool (name resolution) stays outside.
 */
export const enterPrivateNetwork = async (): Promise<void> => {
  const { default: koffi } = await import('koffi')
  const unshare = koffi.load(null).func('int unshare(int flags)') as (flags: number) => number
  if (unshare(CLONE_NEWNET) !== 0) throw new Error('a network namespace takes root')
  // Neighbour discovery would put frames of its own between those of a test.
  writeFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', '1')
  ip('link set lo up')
}

/** Runs `ip`. */
export const ip = (command: string): string => execFileSync('ip', command.split(' '), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

/** Two ends of a cable, both up, made here. */
export const veth = (a: string, b: string): void => {
  ip(`link add dev ${a} type veth peer name ${b}`)
  ip(`link set ${a} up`)
  ip(`link set ${b} up`)
}

const CLONE_NEWNET = 0x4000_0000
