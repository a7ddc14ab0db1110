/** A NIC that is lent: who gets its frames, and when it is closed. */
import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { orThrow } from '@vfp-ts/core'
import { memoryPair } from '@vfp-ts/adapters/memory'
import { type Nic, type Receiver, SendCode } from '@vfp-ts/adapters/nic'
import * as E from 'fp-ts/lib/Either.js'
import { keepNic } from '../../host-switch/kept-nic.js'

const frame = new Uint8Array(60)

const counting = (): Receiver & { count: number } => {
  const receiver = { count: 0, frames: (batch: { readonly count: number }): void => { receiver.count += batch.count } }
  return receiver
}

const turns = async (): Promise<void> => { for (let turn = 0; turn < 4; turn++) await setImmediate() }

test('unit: frames go to who has the NIC now, and a loan that has ended neither sends nor hears', async (t) => {
  const { a, b } = memoryPair()
  const far = counting()
  orThrow(b.start(far))
  const kept = orThrow(await keepNic(a))
  const [first, second] = [counting(), counting()]
  const firstLoan = kept.lend()
  orThrow(firstLoan.start(first))
  b.send(frame, 0, frame.length)
  await turns()
  await firstLoan.close()
  b.send(frame, 0, frame.length)
  await turns()
  const secondLoan = kept.lend()
  orThrow(secondLoan.start(second))
  b.send(frame, 0, frame.length)
  await turns()
  t.deepEqual([first.count, second.count], [1, 1], 'what came while nobody had it is lost')
  t.is(firstLoan.send(frame, 0, frame.length), SendCode.Closed)
  t.is(secondLoan.send(frame, 0, frame.length), SendCode.Ok)
  await turns()
  t.is(far.count, 1)
  t.is(a.link(), 'up')
  await kept.close()
  t.is(b.link(), 'down')
  await b.close()
})

test('unit: a loan that ends late does not take the NIC from the next', async (t) => {
  const { a, b } = memoryPair()
  orThrow(b.start(counting()))
  const kept = orThrow(await keepNic(a))
  const [first, second] = [kept.lend(), kept.lend()]
  const receiver = counting()
  orThrow(first.start(counting()))
  orThrow(second.start(receiver))
  await first.close()
  b.send(frame, 0, frame.length)
  await turns()
  t.is(receiver.count, 1)
  t.true(E.isLeft(second.start(receiver)), 'a loan starts once, as a NIC does')
  await Promise.all([kept.close(), b.close()])
})

test('unit: a NIC is used until a failure closed it', async (t) => {
  const { a, b } = memoryPair()
  let tell: Receiver['failed']
  const nic: Nic = { ...a, start: (receiver) => { tell = receiver.failed; return a.start(receiver) } }
  const kept = orThrow(await keepNic(nic))
  const failure = { _tag: 'NicError', nic: 'a', operation: 'link', code: 'LinkDown', reason: 'down', retryable: true } as const
  tell?.(failure)
  t.true(kept.usable())
  tell?.({ ...failure, code: 'Gone', retryable: false })
  t.false(kept.usable())
  await Promise.all([kept.close(), b.close()])
})
