/** Network namespaces for live tests and measurements: made under names of their own, and gone when whoever made them is done. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What a command said, or an error with all of it. */
export const command = async (file: string, ...args: readonly string[]): Promise<string> => {
  const { stdout } = await run(file, [...args], { encoding: 'utf8', maxBuffer: 2 ** 26, timeout: 120_000 })
  return stdout
}

/** Processes and namespaces of one test or measurement. */
export class Laboratory {
  readonly #id = `vt${randomBytes(3).toString('hex')}`
  readonly #namespaces: string[] = []
  readonly #children: ChildProcess[] = []
  readonly #endings: (() => Promise<void>)[] = []

  /** A new namespace with its loopback up; its whole name. */
  async namespace(name: string): Promise<string> {
    const whole = `${this.#id}-${name}`
    await command('ip', 'netns', 'add', whole)
    this.#namespaces.push(whole)
    await command('ip', '-n', whole, 'link', 'set', 'lo', 'up')
    return whole
  }

  /** A veth pair between two namespaces, both ends up. */
  async wire(a: { readonly ns: string; readonly name: string; readonly mac?: string }, b: { readonly ns: string; readonly name: string; readonly mac?: string }): Promise<void> {
    const macOf = (mac: string | undefined): readonly string[] => (mac === undefined ? [] : ['address', mac])
    await command('ip', '-n', a.ns, 'link', 'add', a.name, ...macOf(a.mac), 'type', 'veth', 'peer', 'name', b.name, ...macOf(b.mac), 'netns', b.ns)
    for (const { ns, name } of [a, b]) {
      await this.in(ns, 'sh', '-c', `echo 0 >/proc/sys/net/ipv6/conf/${name}/accept_dad`)
      await command('ip', '-n', ns, 'link', 'set', name, 'up')
    }
  }

  /** Runs a command in a namespace; what it said. */
  in(ns: string, ...args: readonly string[]): Promise<string> {
    return command('ip', 'netns', 'exec', ns, ...args)
  }

  /** Starts a process in a namespace. It ends with `close`. */
  start(ns: string, file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', ns, file, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    this.#children.push(child)
    return child
  }

  /** Done before the namespaces go. */
  atEnd(ending: () => Promise<void>): void {
    this.#endings.push(ending)
  }

  /** Ends all processes, and takes the namespaces away. */
  async close(): Promise<void> {
    for (const ending of this.#endings.splice(0).reverse()) await ending()
    await Promise.all(this.#children.splice(0).map((child) => ended(child)))
    for (const ns of this.#namespaces.splice(0)) execFileSync('ip', ['netns', 'del', ns])
  }
}

/** Ends a process and waits for it. */
export const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => { resolve() }))
  const late = setTimeout(() => child.kill('SIGKILL'), 5000)
  child.kill('SIGTERM')
  await gone
  clearTimeout(late)
}

/** Waits until something holds. @throws Error that says what does not, and what `say` has to say of it, if that takes too long */
export const until = async (what: string, holds: () => Promise<boolean> | boolean, say: () => string = () => '', seconds = 20): Promise<void> => {
  const deadline = performance.now() + seconds * 1000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`still not after ${seconds} s: ${what}\n${say()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** The first line of a process that a test waits for; throws with all it said if it ends before. */
export const saying = (child: ChildProcess, what: RegExp, seconds = 20): Promise<string> =>
  new Promise((resolve, reject) => {
    let said = ''
    const late = setTimeout(() => { reject(new Error(`nothing like ${String(what)} after ${seconds} s in:\n${said}`)) }, seconds * 1000)
    const hear = (bytes: Buffer): void => {
      said += bytes.toString()
      const found = what.exec(said)
      if (found === null) return
      clearTimeout(late)
      resolve(found[0])
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.once('exit', (code) => {
      clearTimeout(late)
      reject(new Error(`ended with ${code ?? 'a signal'}, having said:\n${said}`))
    })
  })
