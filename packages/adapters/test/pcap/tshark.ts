/** The analyser that live tests ask what it thinks of our files. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** One row of `fields` per packet of the file, as tshark prints them; an absent field is the empty string. `preferences` are tshark's, as `name:value`. */
export async function* tsharkFields(path: string, fields: readonly string[], preferences: readonly string[] = []): AsyncGenerator<readonly string[], void> {
  const args = ['-n', '-r', path, '-T', 'fields', ...fields.flatMap((field) => ['-e', field]), ...preferences.flatMap((preference) => ['-o', preference])]
  const child = spawn('tshark', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' } })
  let complaints = ''
  child.stderr.on('data', (bytes: Buffer) => (complaints += bytes.toString()))
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve))
  for await (const line of createInterface({ input: child.stdout })) yield line.split('\t')
  const code = await exited
  if (code !== 0) throw new Error(`tshark exited with ${code}: ${complaints}`)
}

/** tshark's seconds with a decimal fraction, `1700000000.000000001`, as nanoseconds. */
export const epochToNs = (epoch: string): bigint => {
  const [seconds = '', fraction = ''] = epoch.split('.')
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
}
