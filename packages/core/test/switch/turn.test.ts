import test from 'ava'
import { Turn } from '../../src/switch/turn.js'

test('ask: serves at once when no call is under way, and after the outermost call otherwise', (t) => {
  const turn = new Turn()
  const log: string[] = []
  const one = { serve: (): void => { log.push('served') } }
  turn.ask(one)
  t.deepEqual(log.splice(0), ['served'])
  const answer = turn.call(() => {
    turn.call(() => { turn.ask(one) })
    turn.ask(one)
    log.push('called')
    return 7
  })
  t.deepEqual([answer, log], [7, ['called', 'served']])
})

test('ask: while somebody is served, is served next, and never within itself', (t) => {
  const turn = new Turn()
  const log: string[] = []
  let again = 2
  const one = {
    serve: (): void => {
      log.push('in')
      turn.call(() => { if (again-- > 0) turn.ask(one) })
      log.push('out')
    },
  }
  turn.ask(one)
  t.deepEqual(log, ['in', 'out', 'in', 'out', 'in', 'out'])
})

test('call: what throws neither keeps others from being served later nor leaves the call open', (t) => {
  const turn = new Turn()
  const log: string[] = []
  const good = { serve: (): void => { log.push('good') } }
  t.throws(() => turn.call(() => {
    turn.ask(good)
    throw new Error('no')
  }), { message: 'no' })
  t.deepEqual(log, [])
  t.throws(() => { turn.ask({ serve: () => { throw new Error('served badly') } }) }, { message: 'served badly' })
  turn.call(() => undefined)
  t.deepEqual(log, ['good'])
})
