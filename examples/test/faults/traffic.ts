/** Traffic that goes on while a test has faults happen: pings, and a TCP stream whose bytes are summed at both ends. */
import type { ChildProcess } from 'node:child_process'
import type { Laboratory } from '../../live/namespaces.js'
import { saying, until } from '../../live/namespaces.js'

/** Traffic from one VM to another. */
export interface Traffic {
  readonly what: string
  /** What has arrived: replies, or bytes. It grows while the traffic goes on. */
  readonly arrived: () => number
}

/** A ping twenty times a second. */
export interface Pinging extends Traffic {
  /** Ends it; pings sent and replies received. */
  readonly end: () => Promise<{ readonly sent: number; readonly received: number }>
}

/** A TCP stream of about two megabytes a second. */
export interface Stream extends Traffic {
  /** Ends it; bytes and their SHA-256 as both ends have them. */
  readonly end: () => Promise<{ readonly sent: string; readonly received: string }>
}

/** Pings an address from a namespace, until the end. */
export const pinging = (lab: Laboratory, ns: string, ip: string): Pinging => {
  const heard = hear(lab.start(ns, 'ping', ['-n', '-i', '0.05', '-W', '1', ip]))
  return {
    what: `pings to ${ip}`,
    arrived: () => heard.said().split('bytes from').length - 1,
    end: async () => {
      heard.signal('SIGINT')
      await heard.ended
      const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(heard.said()) ?? []
      return { sent: Number(sent), received: Number(received) }
    },
  }
}

const RECEIVE = `import hashlib, socket, sys
server = socket.create_server((sys.argv[1], 7000)); print('listening', flush=True)
stream, _ = server.accept(); total, summed = 0, hashlib.sha256()
while part := stream.recv(1 << 16):
    total += len(part); summed.update(part); print('at', total, flush=True)
print('whole', total, summed.hexdigest(), flush=True)`

// The sequence never repeats, so a part that is missing, doubled or misplaced makes another sum.
const SEND = `import hashlib, random, signal, socket, sys, time
going = True
def finish(*_):
    global going
    going = False
signal.signal(signal.SIGUSR1, finish)
stream = socket.create_connection((sys.argv[1], 7000)); print('connected', flush=True)
total, summed, some = 0, hashlib.sha256(), random.Random(1)
while going:
    part = some.randbytes(40000); stream.sendall(part); total += len(part); summed.update(part); time.sleep(0.02)
stream.shutdown(socket.SHUT_WR); print('whole', total, summed.hexdigest(), flush=True)
stream.recv(1)`

/** Streams from one namespace to another, until the end. */
export const streaming = async (lab: Laboratory, from: string, to: string, ip: string): Promise<Stream> => {
  const receiving = lab.start(to, 'python3', ['-c', RECEIVE, ip])
  const receiver = hear(receiving)
  await saying(receiving, /listening/)
  const sending = lab.start(from, 'python3', ['-c', SEND, ip])
  const sender = hear(sending)
  await saying(sending, /connected/)
  const whole = (said: string): string => /^whole (.*)$/m.exec(said)?.[1] ?? `nothing whole, but: ${said.slice(-500)}`
  return {
    what: `a stream to ${ip}`,
    arrived: () => Number(/at (\d+)\n(?:whole.*\n)?$/.exec(receiver.said())?.[1] ?? 0),
    end: async () => {
      sender.signal('SIGUSR1')
      await Promise.all([sender.ended, receiver.ended])
      return { sent: whole(sender.said()), received: whole(receiver.said()) }
    },
  }
}

/** Waits until more has arrived than at the call, which shows that traffic goes on. */
export const goesOn = async ({ what, arrived }: Traffic, more: number): Promise<void> => {
  const before = arrived()
  await until(`${what} go on`, () => arrived() >= before + more)
}

interface Heard {
  readonly said: () => string
  readonly signal: (name: NodeJS.Signals) => void
  readonly ended: Promise<void>
}

const hear = (child: ChildProcess): Heard => {
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => { said += text })
  return { said: () => said, signal: (name) => { child.kill(name) }, ended: new Promise((resolve) => child.once('close', () => { resolve() })) }
}
