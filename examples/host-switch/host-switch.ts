/**
 * A host that runs by a configuration, and changes to another one while frames pass.
 *
 * A change is all or nothing. First everything that could be refused is done where it hurts nobody: policies are tried on a switch
 * of no use (`rehearse`), and new NICs are opened beside the old ones. Only then ports are taken off, added and changed, which then
 * cannot fail. Ports that stay keep their flows and connections, NICs that stay are not touched.
 */
import { describeError, directory, orThrow } from '@vfp-ts/core'
import { type Host, type HostError, openHost } from '@vfp-ts/adapters/host'
import { type NicError, renderNicError } from '@vfp-ts/adapters/nic'
import * as E from 'fp-ts/lib/Either.js'
import { pointer } from '../main-job/json-pointer.js'
import type { Config, NicConfig } from './config.js'
import { type ConfigProblem, renderProblem } from './config-problem.js'
import { keepNic, type KeptNic } from './kept-nic.js'
import type { AnyLayerHandle } from './layer-types.js'
import type { Openers, Uplink } from './nics.js'
import { describeChange, fixedProblems, planOf, type PortChange, same } from './plan.js'
import { addLayers, fillDirectory, MAPPINGS, rehearse, wantedPorts, type WantedPorts } from './program.js'
import { type Status, statusOf } from './status-document.js'

/** A running host. Calls of `change` and `close` are served one after the other. */
export interface HostSwitch {
  /** Goes over to another configuration; `Right` says what changed, `Left` what is wrong, and then nothing has. */
  readonly change: (next: Config) => Promise<E.Either<readonly ConfigProblem[], readonly string[]>>
  /** A configuration was refused before it came here. */
  readonly refused: () => void
  readonly status: () => Status
  /** Closes all NICs. */
  readonly close: () => Promise<void>
}

/** Opens a host with such NICs; `Left` says all that is wrong, and then nothing is open. `warn` is told of NICs that fail later. */
export const openHostSwitch = async (
  first: Config, openers: Openers, warn: (text: string) => void,
): Promise<E.Either<readonly ConfigProblem[], HostSwitch>> => {
  const problems = rehearse(first)
  if (problems.length > 0) return E.left(problems)
  const running = new RunningHost(first, openers, warn)
  const begun = await running.begin(first)
  if (E.isRight(begun)) return E.right(running)
  await running.close()
  return begun
}

class RunningHost implements HostSwitch {
  private config: Config
  private ports: WantedPorts = {}
  private uplink: Uplink | undefined
  /** Whether a failure closed it. */
  private uplinkLost = false
  private readonly host: Host
  private readonly mappings = directory(MAPPINGS)
  private readonly opened = performance.now()
  private readonly openers: Openers
  private readonly warn: (text: string) => void
  /** By {@link keyOf}. */
  private nics: ReadonlyMap<string, KeptNic> = new Map()
  private readonly layers = new Map<string, readonly AnyLayerHandle[]>()
  private taken = 0
  private refusals = 0
  /** The last of the calls that are served one after the other. */
  private last: Promise<unknown> = Promise.resolve()

  constructor(first: Config, openers: Openers, warn: (text: string) => void) {
    const { name, status } = first
    this.config = { name, ...(status === undefined ? {} : { status }), ports: {} }
    this.openers = openers
    this.warn = warn
    this.host = openHost({
      resources: { [MAPPINGS]: this.mappings },
      onNic: (port, event) => {
        if (port === undefined && event._tag === 'Failed' && !event.error.retryable) this.uplinkLost = true
        warn(`${port ?? 'underlay'}: ${event._tag === 'Failed' ? renderNicError(event.error) : event._tag === 'Link' ? `the link is ${event.state}` : `the MTU is ${event.bytes}`}`)
      },
    })
  }

  begin(first: Config): Promise<E.Either<readonly ConfigProblem[], readonly string[]>> {
    return this.inTurn(() => this.goOver(first))
  }

  change(next: Config): Promise<E.Either<readonly ConfigProblem[], readonly string[]>> {
    return this.inTurn(async () => {
      const problems = [...fixedProblems(this.config, next), ...rehearse(next)]
      const done = problems.length > 0 ? E.left(problems) : await this.goOver(next)
      if (E.isLeft(done)) this.refusals++
      return done
    })
  }

  refused(): void {
    this.refusals++
  }

  status(): Status {
    return statusOf(this.config, this.host.report(), this.host.switch.ports(), {
      pid: process.pid,
      upSeconds: (performance.now() - this.opened) / 1000,
      configurations: { taken: this.taken, refused: this.refusals },
      neighbours: this.uplink?.neighbours() ?? [],
    })
  }

  close(): Promise<void> {
    return this.inTurn(async () => {
      await this.host.close()
      await Promise.all([...this.nics.values()].map((nic) => nic.close()))
      this.nics = new Map()
    })
  }

  private inTurn<A>(work: () => Promise<A>): Promise<A> {
    const turn = this.last.then(work)
    this.last = turn.catch(() => undefined)
    return turn
  }

  /** From the configuration in force to one that was rehearsed. */
  private async goOver(next: Config): Promise<E.Either<readonly ConfigProblem[], readonly string[]>> {
    const opened = await this.openNics(next)
    if (E.isLeft(opened)) return opened
    const { nics, uplink } = opened.right
    const ports = wantedPorts(next)
    const plan = planOf(this.ports, ports)
    // A NIC that broke is opened anew although nothing was said of it.
    const replugged = Object.entries(ports)
      .filter(([name, { nic }]) => {
        const before = this.ports[name]
        return before !== undefined && this.nics.get(keyOf(before.nic)) !== nics.get(keyOf(nic)) && !plan.some((c) => c.name === name && c._tag !== 'Update')
      })
      .map(([name]) => name)
    const gone = plan.filter(({ _tag }) => _tag === 'Remove' || _tag === 'Replace').map(({ name }) => name)
    for (const name of [...gone, ...replugged]) await this.host.unplug(name)
    const moved = this.uplink !== uplink
    if (moved && this.uplink !== undefined) await this.host.unplug(undefined)
    for (const name of gone) {
      const port = this.host.switch.port(name)
      if (port !== undefined) orThrow(port.remove())
      this.layers.delete(name)
    }
    const mapped = !same(this.config.mappings ?? [], next.mappings ?? [])
    fillDirectory(this.mappings, this.config.mappings ?? [], next.mappings ?? [])
    for (const change of plan) this.carryOut(change, ports)
    for (const name of [...plan.filter(({ _tag }) => _tag === 'Add' || _tag === 'Replace').map((c) => c.name), ...replugged]) this.plug(name, ports, nics)
    if (moved && uplink !== undefined) this.complain('underlay', this.host.uplink(uplink.nic))
    const unused = [...this.nics].filter(([key, nic]) => nics.get(key) !== nic)
    this.nics = nics
    if (moved) this.uplinkLost = false
    this.uplink = uplink
    this.ports = ports
    this.config = next
    this.taken++
    await Promise.all(unused.map(([, nic]) => nic.close()))
    return E.right([
      ...plan.map(describeChange),
      ...replugged.filter((name) => !plan.some((c) => c.name === name)).map((name) => `${name}: its NIC opened again`),
      ...(moved ? ['another underlay'] : []),
      ...(mapped ? ['other mappings'] : []),
    ])
  }

  /** NICs of all ports, and the uplink: those that are there and well, and new ones; if one cannot be opened, none is. */
  private async openNics(next: Config): Promise<E.Either<readonly ConfigProblem[], OpenNics>> {
    const nics = new Map<string, KeptNic>()
    const fresh: { readonly close: () => Promise<void> }[] = []
    const problems: ConfigProblem[] = []
    for (const [name, { nic }] of Object.entries(next.ports)) {
      const known = this.nics.get(keyOf(nic))
      if (known?.usable() === true) {
        nics.set(keyOf(nic), known)
        continue
      }
      const path = pointer('ports', name, 'nic')
      const opened = await this.openers.port(nic, path)
      const kept = E.isLeft(opened) ? opened : E.mapLeft((error: NicError): ConfigProblem => ({ path, reason: renderNicError(error) }))(await keepNic(opened.right))
      if (E.isLeft(kept)) problems.push(kept.left)
      else {
        fresh.push(kept.right)
        nics.set(keyOf(nic), kept.right)
      }
    }
    let { uplink } = this
    if (this.uplinkLost || !same(this.config.underlay, next.underlay)) {
      const opened = next.underlay === undefined ? E.right(undefined) : await this.openers.uplink(next.underlay)
      if (E.isLeft(opened)) problems.push(opened.left)
      else {
        uplink = opened.right
        if (uplink !== undefined) fresh.push(uplink.nic)
      }
    }
    if (problems.length === 0) return E.right({ nics, uplink })
    await Promise.all(fresh.map((nic) => nic.close()))
    return E.left(problems)
  }

  /** Policy of one port. It was rehearsed, so a refusal is a fault of this program. */
  private carryOut(change: PortChange, ports: WantedPorts): void {
    const { name } = change
    const wanted = ports[name]
    if (wanted === undefined) return
    if (change._tag === 'Add' || change._tag === 'Replace') {
      const port = orThrow(this.host.switch.addPort(wanted.spec))
      this.layers.set(name, orFault(addLayers(port, wanted.layers)))
      return
    }
    const port = this.host.switch.port(name)
    if (change._tag !== 'Update' || port === undefined) return
    const handles = this.layers.get(name) ?? []
    if (change.layers._tag === 'Rebuild') {
      for (const handle of handles) orThrow(handle.remove())
      this.layers.set(name, orFault(addLayers(port, wanted.layers)))
      return
    }
    for (const position of change.layers.positions) {
      const handle = handles[position]
      if (handle !== undefined) orThrow(handle.updateJson(wanted.layers[position]?.policy))
    }
  }

  private plug(name: string, ports: WantedPorts, nics: OpenNics['nics']): void {
    const wanted = ports[name]
    const nic = wanted === undefined ? undefined : nics.get(keyOf(wanted.nic))
    if (nic !== undefined) this.complain(name, this.host.plug(name, nic.lend()))
  }

  /** Of what was open a moment ago: it may have gone meanwhile, and then the rest goes on. */
  private complain(where: string, result: E.Either<HostError, void>): void {
    if (E.isLeft(result)) this.warn(`${where}: ${result.left._tag === 'NicError' ? renderNicError(result.left) : describeError(result.left)}`)
  }
}

/** What a configuration needs of the machine. */
interface OpenNics {
  /** By {@link keyOf}. */
  readonly nics: ReadonlyMap<string, KeptNic>
  readonly uplink: Uplink | undefined
}

/** What makes two NICs the same: all that the configuration says of them. */
const keyOf = (nic: NicConfig): string => JSON.stringify(nic)

const orFault = <A>(result: E.Either<readonly ConfigProblem[], A>): A => {
  if (E.isRight(result)) return result.right
  throw new Error(`refused although it was rehearsed: ${result.left.map((problem) => renderProblem('', problem)).join('; ')}`)
}
