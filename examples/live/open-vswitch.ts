/** A real Open vSwitch with its userspace datapath, inside a namespace of the test. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command, type Laboratory, until } from './namespaces.js'

/** How a test talks to it. */
export interface OpenVswitch {
  readonly vsctl: (...args: readonly string[]) => Promise<string>
  readonly ofctl: (...args: readonly string[]) => Promise<string>
  readonly appctl: (...args: readonly string[]) => Promise<string>
  /** Of the daemon that switches. */
  readonly pid: () => number
}

/** Starts both daemons, everything in one directory; they end with the test. The bridge `br0` is there, without ports. */
export const openVswitch = async (lab: Laboratory, ns: string): Promise<OpenVswitch> => {
  const dir = mkdtempSync(join(tmpdir(), 'vfp-ovs-'))
  const env = { OVS_RUNDIR: dir, OVS_DBDIR: dir, OVS_LOGDIR: dir, OVS_SYSCONFDIR: dir }
  const at = (file: string): string => join(dir, file)
  const within = (...args: readonly string[]): Promise<string> =>
    command('env', ...Object.entries(env).map(([k, v]) => `${k}=${v}`), 'ip', 'netns', 'exec', ns, ...args)
  const daemon = (name: string, ...args: readonly string[]): Promise<string> =>
    within(name, ...args, `--unixctl=${at(`${name}.ctl`)}`, `--pidfile=${at(`${name}.pid`)}`, `--log-file=${at(`${name}.log`)}`, '--no-chdir', '--detach', '-vconsole:off')
  const exit = async (name: string, ...args: readonly string[]): Promise<void> => {
    const pid = Number(readFileSync(at(`${name}.pid`), 'utf8'))
    await within('ovs-appctl', '-t', at(`${name}.ctl`), 'exit', ...args)
    await until(`${name} has ended`, () => !isAlive(pid))
  }

  lab.atEnd(async () => { rmSync(dir, { recursive: true, force: true }) })
  await command('ovsdb-tool', 'create', at('conf.db'), '/usr/share/openvswitch/vswitch.ovsschema')
  await daemon('ovsdb-server', at('conf.db'), `--remote=punix:${at('db.sock')}`)
  lab.atEnd(() => exit('ovsdb-server'))
  const vsctl = (...args: readonly string[]): Promise<string> => within('ovs-vsctl', `--db=unix:${at('db.sock')}`, '--timeout=20', ...args)
  await vsctl('--no-wait', 'init')
  await daemon('ovs-vswitchd', `unix:${at('db.sock')}`, '--disable-system')
  lab.atEnd(() => exit('ovs-vswitchd', '--cleanup'))
  await vsctl('add-br', 'br0', '--', 'set', 'bridge', 'br0', 'datapath_type=netdev', 'fail-mode=secure', 'protocols=OpenFlow13,OpenFlow14,OpenFlow15')
  return {
    vsctl,
    ofctl: (...args) => within('ovs-ofctl', '-O', 'OpenFlow13', ...args),
    appctl: (...args) => within('ovs-appctl', '-t', at('ovs-vswitchd.ctl'), ...args),
    pid: () => Number(readFileSync(at('ovs-vswitchd.pid'), 'utf8')),
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
