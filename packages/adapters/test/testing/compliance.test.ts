/** The suite itself: each of its cases fails on a NIC that breaks that rule, and says what was broken. */
import test from 'ava'
import * as E from 'fp-ts/lib/Either.js'
import { faulty } from '../../src/fault/index.js'
import { memoryPair } from '../../src/memory/index.js'
import { makeFrameBatch, type Nic, type Receiver, SendCode } from '../../src/nic/index.js'
import { type ComplianceBench, complianceCases, type ComplianceOpened, type RawPeer } from '../../src/testing/index.js'

interface Breakage {
  readonly name: string
  /** Part of the title of the case that has to notice. */
  readonly noticedBy: string
  /** Of the error. */
  readonly says: RegExp
  /** The NIC as it should be, broken. */
  readonly broken: (nic: Nic) => Nic
}

/** The NIC with another receiver in front of its own. */
const receiving = (nic: Nic, change: (receiver: Receiver) => Partial<Receiver>): Nic => ({
  ...nic,
  start: (receiver) => nic.start({ ...receiver, ...change(receiver) }),
})

/** The NIC whose `send` keeps copies until the next turn. */
const queued = (nic: Nic, hand: (frames: readonly Uint8Array[]) => void, atClose: (frames: Uint8Array[]) => void): Nic => {
  let frames: Uint8Array[] = []
  const pass = (): void => {
    const now = frames
    frames = []
    hand(now)
  }
  let closing: Promise<void> | undefined
  return {
    ...nic,
    send: (bytes, start, end, offload = 0) => {
      if (closing !== undefined || nic.link() === 'down' || offload !== 0 || end - start < 14 || end - start > 1_522) return nic.send(bytes, start, end, offload)
      if (frames.push(bytes.slice(start, end)) === 1) setImmediate(pass)
      return SendCode.Ok
    },
    close: () => {
      if (closing !== undefined) return closing
      atClose(frames)
      frames = []
      return (closing = nic.close())
    },
  }
}

const sendAll = (nic: Nic) => (frames: readonly Uint8Array[]): void => frames.forEach((each) => void nic.send(each, 0, each.length))

const breakages: readonly Breakage[] = [
  {
    name: 'frames sent in one turn leave in the wrong order',
    noticedBy: 'in order and unaltered',
    says: /^frame \d+ \(out\) came after frame \d+$/,
    broken: (nic) => queued(nic, (frames) => sendAll(nic)([...frames].reverse()), sendAll(nic)),
  },
  {
    name: 'close forgets what is queued',
    noticedBy: 'closes under load',
    says: /^expected the frames queued at close to arrive within \d+ ms, saw 164 of \d+ frames taken by send, 100 at the peer/,
    broken: (nic) => queued(nic, sendAll(nic), () => undefined),
  },
  {
    name: 'frames come after close',
    noticedBy: 'closes under load',
    says: /^receiver\.frames was called after close$/,
    broken: (nic) => {
      let forget = (): void => undefined
      return {
        ...receiving(nic, ({ frames }) => {
          forget = () => void setImmediate(() => frames(makeFrameBatch(1, 60)))
          return {}
        }),
        close: () => {
          forget()
          return nic.close()
        },
      }
    },
  },
  {
    name: 'closing twice gives two promises',
    noticedBy: 'closes under load',
    says: /^expected close to answer the same promise again/,
    broken: (nic) => ({ ...nic, close: async () => nic.close() }),
  },
  {
    name: 'a frame is altered now and then',
    noticedBy: 'in order and unaltered',
    says: /^frame \d+ \(in\) of \d+ bytes came altered$/,
    broken: (nic) => receiving(nic, ({ frames }) => ({
      frames: (batch) => {
        for (let i = 0; i < batch.count; i++) if (batch.length[i] === 1_000) batch.bytes[batch.start[i]! + 999]! ^= 1
        frames(batch)
      },
    })),
  },
  {
    name: 'the longest frame is lost',
    noticedBy: 'every length',
    says: /^expected all of 1501 frames sent to arrive/,
    broken: (nic) => ({ ...nic, send: (bytes, start, end, offload) => (end - start === 1_514 ? SendCode.Ok : nic.send(bytes, start, end, offload)) }),
  },
  {
    name: 'a burst loses its last frame',
    noticedBy: 'bursts',
    says: /^expected all of 256 frames sent by the peer to be delivered/,
    broken: (nic) => {
      let seen = 0
      return receiving(nic, ({ frames }) => ({
        frames: (batch) => {
          seen += batch.count
          if (seen % 256 === 0) batch.count--
          frames(batch)
        },
      }))
    },
  },
  {
    name: 'frames come without headroom',
    noticedBy: 'bursts',
    says: /^frame 0 of 1 has 10 bytes of headroom, not 256$/,
    broken: (nic) => receiving(nic, ({ frames }) => ({
      frames: ({ bytes, start, length, count }) => {
        for (let i = 0; i < count; i++) {
          const copy = new Uint8Array(10 + length[i]!)
          copy.set(bytes.subarray(start[i], start[i]! + length[i]!), 10)
          frames({ bytes: copy, start: Uint32Array.of(10), length: Uint32Array.of(length[i]!), verdict: new Uint8Array(1), reason: new Uint16Array(1), offload: new Float64Array(1), count: 1 })
        }
      },
    })),
  },
  {
    name: 'frames are delivered from within send',
    noticedBy: 'carries the shortest frames',
    says: /^receiver\.frames was called from within nic\.send$/,
    broken: (nic) => {
      let give: Receiver['frames'] | undefined
      return {
        ...receiving(nic, ({ frames }) => {
          give = frames
          return {}
        }),
        send: (bytes, start, end, offload) => {
          give?.(makeFrameBatch(1, 60))
          return nic.send(bytes, start, end, offload)
        },
      }
    },
  },
  {
    name: 'starts that a receiver moved stay moved',
    noticedBy: 'rewritten in place',
    says: /headroom|altered|ends behind|to be delivered/,
    broken: (nic) => {
      const starts = new Map<Uint8Array, Uint32Array>()
      return receiving(nic, ({ frames }) => ({
        frames: (batch) => {
          const start = starts.get(batch.bytes) ?? batch.start.slice()
          starts.set(batch.bytes, start)
          frames({ ...batch, start })
        },
      }))
    },
  },
  {
    name: 'drained is never called',
    noticedBy: 'answers Full',
    says: /^expected drained to be called after Full within/,
    broken: (nic) => receiving(nic, () => ({ drained: () => undefined })),
  },
  {
    name: 'drained is called twice',
    noticedBy: 'answers Full',
    says: /^expected drained to be called once, saw 2 calls$/,
    broken: (nic) => receiving(nic, ({ drained }) => ({
      drained: () => {
        drained?.()
        drained?.()
      },
    })),
  },
  {
    name: 'the queue has no bound',
    noticedBy: 'answers Full',
    says: /^expected Full within 200000 frames given without a pause, saw Ok$/,
    broken: (nic) => queued(nic, () => undefined, () => undefined),
  },
  {
    name: 'a frame that is too long is cut',
    noticedBy: 'as TooLong',
    says: /^expected send to answer TooLong, saw Ok$/,
    broken: (nic) => ({ ...nic, send: (bytes, start, end, offload) => nic.send(bytes, start, Math.min(end, start + 1_514), offload) }),
  },
  {
    name: 'a frame that is too short is filled up',
    noticedBy: 'as TooShort',
    says: /^expected send to answer TooShort, saw Ok$/,
    broken: (nic) => ({ ...nic, send: (bytes, start, end, offload) => (end - start < 14 ? nic.send(new Uint8Array(14), 0, 14) : nic.send(bytes, start, end, offload)) }),
  },
  {
    name: 'unfinished frames are sent as they are',
    noticedBy: 'as Unfinished',
    says: /^expected send to answer Unfinished, saw Ok$/,
    broken: (nic) => ({ ...nic, send: (bytes, start, end) => nic.send(bytes, start, end) }),
  },
  {
    name: 'refusals are not counted',
    noticedBy: 'as TooLong',
    says: /^expected sendDrops\.TooLong to count the frame, saw 0 more$/,
    broken: (nic) => ({ ...nic, counters: () => ({ ...nic.counters(), sendDrops: {} }) }),
  },
  {
    name: 'bytes are counted with a header of the system',
    noticedBy: 'counts what it carries',
    says: /^expected received .* in counters .* within/,
    broken: (nic) => ({ ...nic, counters: () => ({ ...nic.counters(), sentBytes: nic.counters().sentBytes + 12 }) }),
  },
  {
    name: 'it starts twice',
    noticedBy: 'starts once',
    says: /^expected the second start to be refused, saw success$/,
    broken: (nic) => ({
      ...nic,
      start: (receiver) => {
        const started = nic.start(receiver)
        return E.isLeft(started) && started.left.reason.includes('started') ? E.right(undefined) : started
      },
    }),
  },
  {
    name: 'nobody is told that the link went down',
    noticedBy: 'tells that its peer went',
    says: /^expected the link to be down, and link or failed to be told/,
    broken: (nic) => receiving(nic, () => ({ link: () => undefined })),
  },
  {
    name: 'every frame leaves something behind',
    noticedBy: 'leaves no memory behind',
    says: /^expected at most \d+ bytes more in use after 100000 frames each way, saw \d+ bytes$/,
    broken: (nic) => {
      const leak: unknown[] = []
      return { ...nic, send: (bytes, start, end, offload) => (leak.push({ start, end, at: leak.length + 0.5 }), nic.send(bytes, start, end, offload)) }
    },
  },
  {
    name: 'it polls',
    noticedBy: 'while it is idle',
    says: /^expected at most 20 % of the time and \d+ turns of the event loop in \d+ ms, saw/,
    broken: (nic) => {
      let stopped = false
      const poll = (): void => {
        if (!stopped) setImmediate(poll)
      }
      poll()
      return { ...nic, close: () => ((stopped = true), nic.close()) }
    },
  },
  {
    name: 'it looks ten times a second',
    noticedBy: 'while it is idle',
    says: /^expected at most 20 % of the time and \d+ turns/,
    broken: (nic) => {
      const timer = setInterval(() => undefined, 100)
      return { ...nic, close: () => (clearInterval(timer), nic.close()) }
    },
  },
]

const opened = (broken: (nic: Nic) => Nic) => async (): Promise<ComplianceOpened> => {
  const { a, b, setLink } = memoryPair()
  return { nic: broken(a), peer: b, peerGoes: async () => setLink('down') }
}

for (const { name, noticedBy, says, broken } of breakages) {
  test.serial(`compliance: a NIC fails where ${name}`, async (t) => {
    const cases = complianceCases.filter(({ title }) => title.includes(noticedBy))
    t.is(cases.length, 1)
    await t.throwsAsync(cases[0]!.run({ open: opened(broken), deadlineMs: 400, frames: 100_000 }), { instanceOf: Error, message: says })
  })
}

test('compliance: each case is broken by something here, or needs what a memory pair cannot do', (t) => {
  const noticed = (title: string): boolean => breakages.some(({ noticedBy }) => title.includes(noticedBy))
  t.deepEqual(complianceCases.map(({ title }) => title).filter((title) => !noticed(title)), [
    'goes on after frames of the peer that are longer than its MTU allows, delivered whole or counted as dropped',
    'closes without having been started',
    'closes while its peer is gone',
  ])
})

/** A memory pair's end as a peer that is no NIC, and answers with promises. */
const raw = (nic: Nic): RawPeer => ({
  send: async (frame) => {
    await Promise.resolve()
    nic.send(frame, 0, frame.length)
  },
  receive: (frame) => {
    nic.start({
      frames: ({ bytes, start, length, count }) => {
        for (let i = 0; i < count; i++) frame(bytes, start[i]!, start[i]! + length[i]!)
      },
    })
  },
  close: () => nic.close(),
})

const variants: Readonly<Record<string, ComplianceBench>> = {
  'with a peer that is no NIC': {
    open: async () => {
      const { a, b } = memoryPair()
      return { nic: a, peer: raw(b) }
    },
  },
  'whose frames are wrapped': {
    open: opened((nic) => nic),
    wrapping: {
      overheadBytes: 22,
      wrap: (inner) => Uint8Array.of(...new Uint8Array(22).fill(7), ...inner),
      innerStart: (bytes, start, end) => (end - start >= 22 && bytes[start] === 7 ? start + 22 : -1),
    },
  },
  'whose medium changes the order': {
    open: opened((nic) => faulty(nic, { seed: 1, send: { reordering: 0.2 }, receive: { jitterMs: 2 } })),
    reordersNothing: false,
  },
}

for (const [name, bench] of Object.entries(variants)) {
  for (const { title, run } of complianceCases.filter((each) => !/memory|idle|rewritten/.test(each.title))) {
    test.serial(`compliance: a NIC passes ${name}: ${title}`, async (t) => {
      await run(bench)
      t.pass()
    })
  }
}

test('compliance: what was opened is closed and released, also when the case fails', async (t) => {
  const { a, b } = memoryPair()
  let released = 0
  const failing = complianceCases[0]!.run({
    open: async () => ({ nic: { ...a, send: () => SendCode.TooLong }, peer: b, release: async () => { released++ } }),
  })
  await t.throwsAsync(failing, { message: 'expected send to take the frame, saw TooLong' })
  t.is(released, 1)
  t.is(a.send(new Uint8Array(60), 0, 60), SendCode.Closed)
  t.is(b.send(new Uint8Array(60), 0, 60), SendCode.Closed)
})
