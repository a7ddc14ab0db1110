/** Decisions that rest on the state of their rule, and what rules took for connections. */
import test from 'ava'
import * as t from 'io-ts'
import { defineRuleType, type FlowContext, type Hold, makeCell, manualClock, modify, openSwitch, orThrow, type OwnCell, proceed, refuse, rulesLayer } from '../../src/index.js'
import { BUILT_IN, frame, macOf, tell } from './support.js'
import { pendingBench, to } from './pending-support.js'

/** A type whose rules are open or shut; all states that were made, newest last. */
const gates = () => {
  const states: { isOpen: boolean; readonly cell: OwnCell }[] = []
  const type = defineRuleType({
    name: 'gate', config: t.unknown,
    init: () => {
      const state = { isOpen: true, cell: makeCell() }
      states.push(state)
      return state
    },
    decide: (_, flow: FlowContext, { isOpen, cell }: { readonly isOpen: boolean; readonly cell: OwnCell }) => {
      flow.dependsOn(cell)
      return isOpen ? proceed() : refuse('Shut')
    },
  })
  const set = (isOpen: boolean): void => {
    for (const state of states) {
      state.isOpen = isOpen
      state.cell.changed()
    }
  }
  return { type, states, set }
}

const gateBench = (rule: object = {}) => {
  const made = gates()
  const port = orThrow(openSwitch().addPort({ name: 'vm-1', mac: macOf(1) }))
  const layer = orThrow(port.addLayer(rulesLayer('own', [made.type, ...BUILT_IN]), { order: 10 }))
  const policy = { outbound: [{ name: 'g', rules: [{ id: 'gate', do: 'gate', ...rule }] }], inbound: [{ name: 'g', rules: [{ do: 'block' }] }] }
  orThrow(layer.updateJson(policy))
  const out = (): string => tell(port.process('outbound', frame())).split(';')[0]!
  const answer = (): string => tell(port.process('inbound', frame({ fromMac: macOf(9), toMac: macOf(1), from: '10.0.0.2', to: '10.0.0.1', srcPort: 80, dstPort: 1000 }))).split(';')[0]!
  return { ...made, port, layer, policy, out, answer }
}

test('dependsOn: a cached drop is decided anew when the state has changed, and so is what passed', (c) => {
  const { port, set, out } = gateBench()
  c.deepEqual([out(), out()], ['passed', 'passed'])
  set(false)
  c.deepEqual([out(), out()], ['Shut', 'Shut'])
  set(true)
  c.deepEqual([out(), out()], ['passed', 'passed'])
  c.deepEqual([port.counters().slow, port.counters().fast], [3, 3])
})

test('dependsOn: a state that changes without effect keeps its flows', (c) => {
  const { port, set, out } = gateBench()
  out()
  set(true)
  out()
  c.deepEqual([port.counters().reconciled, port.flows().map((f) => f.packets)], [1, [2]])
})

test('dependsOn: an explanation tells what is true now', (c) => {
  const { port, set } = gateBench()
  port.process('outbound', frame())
  set(false)
  c.is(port.explain('outbound', frame()).verdict, 'drop Shut')
})

test('dependsOn: a connection ends with the state that permitted it, both ways', (c) => {
  const { set, out, answer } = gateBench({ stateful: true })
  c.deepEqual([out(), answer(), answer()], ['passed', 'passed', 'passed'])
  set(true)
  c.is(answer(), 'passed')
  set(false)
  c.deepEqual([answer(), out()], ['Denied', 'Shut'])
  set(true)
  c.deepEqual([answer(), out(), answer()], ['Denied', 'passed', 'passed'])
})

test('dependsOn: a state that an update keeps is depended on after it, too', (c) => {
  const { layer, policy, states, set, out } = gateBench()
  out()
  orThrow(layer.updateJson({ ...policy, inbound: [] }))
  c.deepEqual([out(), states.length], ['passed', 1])
  set(false)
  c.is(out(), 'Shut')
  orThrow(layer.updateJson({ outbound: [{ name: 'g', rules: [{ id: 'another', do: 'gate' }] }] }))
  c.deepEqual([out(), states.length], ['passed', 2])
})

test('dependsOn: a packet that waited is decided by the state of when it goes on', (c) => {
  const { type, set } = gates()
  const { port, places, told } = pendingBench({ late: { neverPercent: 100 }, more: [type] }, [{ do: 'route' }])
  const own = orThrow(port.addLayer(rulesLayer('own', [type]), { order: 0 }))
  orThrow(own.updateJson({ outbound: [{ name: 'g', rules: [{ do: 'gate' }] }] }))
  port.process('outbound', to(80))
  set(false)
  told()
  places.answer(80)
  c.deepEqual([told(), port.counters().drops], [[], { Shut: 1 }])
})

/** Takes numbers for flows by source port, as few as there are, and gives the same one again while it is held. */
const allocating = (size: number) => {
  const free = Array.from({ length: size }, (_, i) => i + 1)
  const held = new Map<number, { readonly port: number; readonly hold: Hold }>()
  const freed = makeCell()
  const type = defineRuleType({
    name: 'allocate', config: t.unknown,
    decide: (_, flow: FlowContext) => {
      const who = flow.number('srcPort') ?? 0
      let mine = held.get(who)
      if (mine === undefined) {
        const port = free.shift()
        if (port === undefined) {
          flow.dependsOn(freed)
          return refuse('NoPortLeft')
        }
        mine = { port, hold: { release: () => { held.delete(who); free.push(port); freed.changed() } } }
        held.set(who, mine)
      }
      return proceed(modify({ srcPort: mine.port }), { holds: [mine.hold] })
    },
  })
  return { type, held, free }
}

const allocatingBench = (size: number) => {
  const clock = manualClock(1_000_000)
  const made = allocating(size)
  const port = orThrow(openSwitch({ clock }).addPort({ name: 'vm-1', mac: macOf(1) }))
  const layer = orThrow(port.addLayer(rulesLayer('own', [made.type, ...BUILT_IN]), { order: 10 }))
  const policy = [{ name: 'g', rules: [{ id: 'all', do: 'allocate', stateful: { idleMs: 100 } }] }]
  orThrow(layer.updateJson({ outbound: policy }))
  const send = (srcPort: number, more: Parameters<typeof frame>[0] = {}): string => tell(port.process('outbound', frame({ srcPort, ...more })))
  return { ...made, clock, port, layer, policy, send }
}

test('holds: go back when the connection is over for its idleness, and a flow dropped for want of them is let through', (c) => {
  const { clock, port, held, send } = allocatingBench(1)
  c.is(send(7000), 'passed; network: tcp 10.0.0.1:1 > 10.0.0.2:80')
  c.deepEqual([send(7001), send(7001)], ['NoPortLeft', 'NoPortLeft'])
  clock.advanceUs(100_000)
  port.expire()
  c.deepEqual([send(7001), [...held.keys()]], ['passed; network: tcp 10.0.0.1:1 > 10.0.0.2:80', [7001]])
  c.is(send(7000), 'NoPortLeft')
})

test('holds: go back when a RST ends the connection', (c) => {
  const { send, held } = allocatingBench(1)
  send(7000)
  send(7000, { flags: 0x04 })
  c.is(held.size, 0)
})

test('holds: are kept until the last connection made with them has ended', (c) => {
  const { clock, port, send, held } = allocatingBench(1)
  send(7000)
  clock.advanceUs(60_000)
  send(7000, { to: '10.0.0.3' })
  clock.advanceUs(60_000)
  port.expire()
  c.is(held.size, 1)
  clock.advanceUs(60_000)
  port.expire()
  c.is(held.size, 0)
})

test('holds: go back when policy ends the connection', (c) => {
  const { layer, send, held } = allocatingBench(1)
  send(7000)
  orThrow(layer.updateJson({ outbound: [{ name: 'g', rules: [{ id: 'all', do: 'allow' }] }] }))
  send(7000)
  c.is(held.size, 0)
})

test('holds: those of a connection that is looked at again stay, and what is taken beside them goes back', (c) => {
  const { layer, policy, send, held, free } = allocatingBench(2)
  send(7000)
  orThrow(layer.updateJson({ outbound: policy, inbound: policy }))
  c.is(send(7000), 'passed; network: tcp 10.0.0.1:1 > 10.0.0.2:80')
  c.deepEqual([[...held.keys()], free], [[7000], [2]])
  // The rule has lost its memory, and takes another port when it is asked about the connection again.
  held.clear()
  orThrow(layer.updateJson({ outbound: policy }))
  c.is(send(7000), 'passed; network: tcp 10.0.0.1:1 > 10.0.0.2:80')
  c.deepEqual([[...held.keys()], free], [[], [2]])
})

test('holds: an explanation of a new flow takes none for good, nor one of a connection\'s', (c) => {
  const { port, send, held, free } = allocatingBench(2)
  send(7000)
  port.explain('outbound', frame({ srcPort: 7000 }))
  port.explain('outbound', frame({ srcPort: 7001 }))
  c.deepEqual([[...held.keys()], free], [[7000], [2]])
})
