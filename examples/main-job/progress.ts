/** Progress on standard error: nothing unless a person watches and it takes a while. */
import { Presets, SingleBar } from 'cli-progress'

/** Told of frames as they go by. */
export interface Progress {
  readonly at: (frames: number) => void
  /** Takes the bar away and leaves the terminal as it was. */
  readonly end: () => void
}

/** Frames below which no bar is worth drawing, and between two drawings of it. */
const WORTH_A_BAR = 10_000
const STEP = 1000

/** For whoever does not watch. */
export const UNWATCHED: Progress = { at: () => undefined, end: () => undefined }

/** A bar for that many frames, where standard error is a terminal that can move its cursor. */
export const progressOf = (frames: number): Progress => {
  if (frames < WORTH_A_BAR || !process.stderr.isTTY || process.env['TERM'] === 'dumb') return UNWATCHED
  const bar = new SingleBar(
    {
      format: '{bar} {percentage} % | {value} of {total} frames | {eta} s left', stream: process.stderr, clearOnComplete: true, hideCursor: true,
      // Signals are the program's: it ends the bar.
      gracefulExit: false,
    },
    Presets.rect,
  )
  bar.start(frames, 0)
  return {
    at: (n) => { if (n % STEP === 0) bar.update(n) },
    end: () => { bar.stop() },
  }
}
