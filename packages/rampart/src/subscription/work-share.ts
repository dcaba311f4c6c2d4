// Shares pieces of work among the processes that could do each of them: one that has none says so, and those
// that have several give half of them up.
import type { Runtime, Timer } from '../core/index.ts'
import type { LeaseHints } from '../core/leases/index.ts'

/** What is shared. */
export interface WorkShareOptions {
  readonly hints: LeaseHints
  /** Names the pieces together: processes with another set of them, of newer code say, are no help. */
  readonly name: string
  readonly runtime: Runtime
}

/** A piece of work that goes on in this process. */
export interface SharedPiece {
  /** Whether it can be given up at this moment. */
  readonly mayEnd: () => boolean
  /** Lets another process go on with it. */
  readonly giveUp: () => void
}

/** The share of one process. */
export interface WorkShare {
  /** Counts a piece of work that has begun; the answer ends that. */
  readonly count: (piece: SharedPiece) => () => void
  readonly stop: () => void
}

const sayEveryMs = 5000

/** Begins to share. */
export function shareWork({ hints, name, runtime }: WorkShareOptions): WorkShare {
  const pieces = new Set<SharedPiece>()
  const word = `nothing of ${name}`
  const endHints = hints.listen(word, () => giveWay(pieces))
  let timer: Timer | undefined
  const say = (): void => {
    if (pieces.size === 0) hints.tell(word)
    timer = runtime.setTimer(sayEveryMs, say, { keepAlive: false })
  }
  timer = runtime.setTimer(sayEveryMs, say, { keepAlive: false })
  return {
    count(piece) {
      pieces.add(piece)
      return () => void pieces.delete(piece)
    },
    stop() {
      timer?.cancel()
      endHints()
    },
  }
}

// The last one stays, so that work does not wander between processes that have one each.
function giveWay(pieces: ReadonlySet<SharedPiece>): void {
  const surplus = Math.floor(pieces.size / 2)
  const free = [...pieces].filter((piece) => piece.mayEnd())
  for (const piece of free.slice(0, surplus)) piece.giveUp()
}
