/** Whether writing one file would destroy another. */
import { statSync } from 'node:fs'

/**
 * Whether two paths lead to one file that exists, by whatever links: what names it is compared by device and inode,
 * not by spelling.
 */
export const isSameFile = (a: string, b: string): boolean => {
  const [one, other] = [identity(a), identity(b)]
  return one !== undefined && one === other
}

const identity = (path: string): string | undefined => {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? undefined : `${stat.dev} ${stat.ino}`
}
