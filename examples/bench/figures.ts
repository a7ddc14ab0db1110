/** What the kernel tells of processes and interfaces, and the middle of several such figures. */
import { readFileSync } from 'node:fs'
import { command } from '../live/namespaces.js'

/** Processor time of a process so far, in seconds, in steps of a hundredth: its own and the kernel's on its behalf. */
export const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Memory that a process has in use (RSS), in bytes. */
export const rssBytes = (pid: number): number => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

/** Frames that `eth0` of a namespace received so far. */
export const received = async (ns: string): Promise<number> => {
  const [link] = JSON.parse(await command('ip', '-n', ns, '-s', '-j', 'link', 'show', 'eth0')) as [{ readonly stats64: { readonly rx: { readonly packets: number } } }]
  return link.stats64.rx.packets
}

/** The one in the middle; of an even number, the larger of both. */
export const median = (xs: readonly number[]): number => xs.toSorted((a, b) => a - b)[Math.floor(xs.length / 2)] ?? NaN

/** The arithmetic mean. */
export const mean = (xs: readonly number[]): number => xs.reduce((sum, x) => sum + x, 0) / xs.length
