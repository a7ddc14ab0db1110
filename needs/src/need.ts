/** Needs, and how each is looked for. Every answer is found once a process. */
import { spawnSync } from 'node:child_process'
import { accessSync, closeSync, constants, existsSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DEBIAN_PACKAGES, type Program } from './programs.js'

/** What a test can need: a program by its name, or one of the machine's abilities. */
export type Need = Program | Ability

type Ability = keyof typeof abilities

/** Captures that others collected, where a checkout has them beside it; none of them is ours to commit. This file is compiled to `needs/dist/src/`. */
const CAPTURES = new URL('../../../../shared/data/pcap/', import.meta.url)

/** The folder of captures that others collected; it exists where the need `captures of others` is met. */
export const folderOfCaptures = (): string => fileURLToPath(CAPTURES)

/** A need that is not met. */
export interface Lack {
  readonly need: Need
  /** For people: `tshark is missing (Debian: tshark)`. */
  readonly phrase: string
}

/** Returns those of the needs that are not met. */
export const missing = (needs: readonly Need[]): readonly Lack[] => needs.flatMap((need) => {
  const phrase = answers.get(need) ?? look(need)
  answers.set(need, phrase)
  return phrase === '' ? [] : [{ need, phrase }]
})

/** Returns whether all needs are met. */
export const isMet = (...needs: readonly Need[]): boolean => missing(needs).length === 0

const answers = new Map<Need, string>()

/** Returns the phrase; empty if the need is met. */
const look = (need: Need): string => {
  if (isAbility(need)) return abilities[need]() ? '' : phrases[need]
  return isOnPath(need) ? '' : `${need} is missing (Debian: ${DEBIAN_PACKAGES[need]})`
}

const isAbility = (need: Need): need is Ability => Object.hasOwn(abilities, need)

const isOnPath = (program: string): boolean => (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
  const file = join(folder, program)
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
})

const abilities = {
  root: () => process.geteuid?.() === 0,
  // In a container root is not always allowed to.
  'network namespaces': () => process.geteuid?.() === 0 && has(CAP_SYS_ADMIN) && has(CAP_NET_ADMIN) && existsSync('/proc/self/ns/net') && triesWell('--net', 'true'),
  'packet sockets': () => has(CAP_NET_RAW) && existsSync('/proc/net/packet'),
  'TAP devices': () => has(CAP_NET_ADMIN) && opens('/dev/net/tun'),
  'VXLAN devices': () => triesWell('--net', 'ip', 'link', 'add', 'probe', 'type', 'vxlan', 'id', '1', 'dstport', '4789'),
  koffi: () => {
    try {
      // adapters is who has it; resolved from there, as this package has not.
      createRequire(new URL('../../../packages/adapters/package.json', import.meta.url))('koffi')
      return true
    } catch {
      return false
    }
  },
  '/dev/full': () => opens('/dev/full'),
  'a Linux kernel for guests': () =>
    existsSync(join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'vfp-ts/qemu-guest/vmlinuz'))
      || (isOnPath('apt-get') && (process.geteuid?.() === 0 || hasPackageLists())),
  'captures of others': () => existsSync(CAPTURES) && readdirSync(CAPTURES).some((name) => /\.pcap(ng)?(\.gz)?$/.test(name)),
} as const

/** What is said where one is missing, and what to do about it. */
const phrases: Readonly<Record<Ability, string>> = {
  root: 'root is missing (run as root)',
  'network namespaces': 'network namespaces are missing (run as root with CAP_SYS_ADMIN and CAP_NET_ADMIN, Debian: util-linux)',
  'packet sockets': 'packet sockets are missing (run as root with CAP_NET_RAW)',
  'TAP devices': 'TAP devices are missing (run as root with CAP_NET_ADMIN and /dev/net/tun)',
  'VXLAN devices': 'VXLAN devices are missing (the kernel module vxlan, Debian: iproute2, util-linux)',
  koffi: 'koffi is missing (npm: koffi, with its build for this platform)',
  '/dev/full': '/dev/full is missing (Linux has it)',
  'a Linux kernel for guests': 'a Linux kernel for guests is missing (Debian: linux-image-cloud-amd64, which apt-get downloads)',
  'captures of others': 'captures of others are missing (the folder ../shared/data/pcap beside the checkout)',
}

const CAP_NET_ADMIN = 12n
const CAP_NET_RAW = 13n
const CAP_SYS_ADMIN = 21n

/** Whether this process has a capability in force. @see capabilities(7) */
const has = (capability: bigint): boolean => {
  try {
    const [, mask = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    return (BigInt(`0x${mask}`) >> capability & 1n) === 1n
  } catch {
    return false
  }
}

const opens = (device: string): boolean => {
  try {
    closeSync(openSync(device, 'r+'))
    return true
  } catch {
    return false
  }
}

/** Whether a command succeeds in namespaces of its own, which end with it. */
const triesWell = (...args: readonly string[]): boolean => spawnSync('unshare', args, { stdio: 'ignore' }).status === 0

const hasPackageLists = (): boolean => {
  try {
    return readdirSync('/var/lib/apt/lists').some((name) => name.endsWith('_Packages') || name.includes('_Packages.'))
  } catch {
    return false
  }
}
