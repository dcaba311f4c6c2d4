// Measures work in interleaved rounds; used by every benchmark.

/** One thing to measure: opened once per round, so that rounds do not help each other. */
export interface Work {
  readonly name: string
  /**
   * Runs one round and answers with how many operations it did, and how long each took where that is known.
   */
  readonly round: () => Promise<Round>
}

/** What a round did. */
export interface Round {
  readonly operations: number
  /** Milliseconds for all operations. */
  readonly elapsedMs: number
  /** Milliseconds of single operations; empty where they are not timed one by one. */
  readonly latenciesMs: readonly number[]
  /** Processor time of this process for all operations, where it is counted. */
  readonly cpuMs?: number
}

/** What was measured of one piece of work over all rounds. */
export interface Measured {
  readonly name: string
  readonly perSecond: number
  /** The rates of the single rounds, in their order. */
  readonly rates: readonly number[]
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /**
   * Processor time of one operation, in microseconds; not a number where it is not counted. It tells more
   * than a rate does while others use the machine.
   */
  readonly cpuUs: number
}

/** Runs the rounds of all work in turn, so that a machine that slows down slows all of them. */
export async function measure(work: readonly Work[], rounds: number): Promise<readonly Measured[]> {
  const results = work.map(({ name }) => ({
    name,
    rates: [] as number[],
    cpusUs: [] as number[],
    latenciesMs: [] as number[],
  }))
  for (let round = 0; round < rounds; round++) {
    for (const [index, each] of work.entries()) {
      const { operations, elapsedMs, latenciesMs, cpuMs } = await each.round()
      results[index]?.rates.push((operations * 1000) / elapsedMs)
      if (cpuMs !== undefined) results[index]?.cpusUs.push((cpuMs * 1000) / operations)
      for (const latency of latenciesMs) results[index]?.latenciesMs.push(latency)
      progress(`${each.name}, round ${round + 1} of ${rounds}`)
    }
  }
  progress('')
  return results.map(({ name, rates, cpusUs, latenciesMs }) => ({
    name,
    perSecond: quantile(rates, 0.5),
    rates,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    maxMs: quantile(latenciesMs, 1),
    cpuUs: quantile(cpusUs, 0.5),
  }))
}

/** The median over the rounds of how fast `name` was beside `limit` in the same round. */
export function ratio(measured: readonly Measured[], name: string, limit: string): number {
  const top = measured.find((each) => each.name === name)
  const bottom = measured.find((each) => each.name === limit)
  if (top === undefined || bottom === undefined) return Number.NaN
  return quantile(
    top.rates.map((rate, round) => rate / (bottom.rates[round] ?? Number.NaN)),
    0.5,
  )
}

/** A quantile of numbers; not a number when there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Runs `callers` callers that each do the next operation when theirs is done, and times every operation. */
export async function drive(
  callers: number,
  operations: number,
  operate: (operation: number) => Promise<unknown>,
): Promise<Round> {
  const latenciesMs: number[] = []
  let next = 0
  const caller = async (): Promise<void> => {
    while (next < operations) {
      const operation = next++
      const startedMs = performance.now()
      await operate(operation)
      latenciesMs.push(performance.now() - startedMs)
    }
  }
  const end = startRound()
  await Promise.all(Array.from({ length: callers }, caller))
  return { ...end(operations), latenciesMs }
}

/** How long operations are measured, after others that lead in to them. */
export interface Period {
  /** Operations come at the same pace, and do not count. */
  readonly leadInMs: number
  readonly measuredMs: number
}

/**
 * The period for whatever a sealer works beside. It looks once a second from the beginning: what is measured
 * has two whole looks in it, which seal about as much as is appended meanwhile.
 */
export function sealedPeriod(scale: number): Period {
  return { leadInMs: 500 * scale, measuredMs: 2000 * scale }
}

/** What a period did. */
export interface PeriodRound extends Round {
  /** With those that did not count, before and after. */
  readonly operationsInAll: number
}

/** `drive` for a period instead of a number of operations; at least one counts. */
export async function driveFor(
  callers: number,
  { leadInMs, measuredMs }: Period,
  operate: (operation: number) => Promise<unknown>,
): Promise<PeriodRound> {
  const latenciesMs: number[] = []
  const beginMs = performance.now() + leadInMs
  const clocks: { end?: ReturnType<typeof startRound>; round?: Round | undefined } = {}
  const note = (startedMs: number, endedMs: number): void => {
    if (clocks.end !== undefined) latenciesMs.push(endedMs - startedMs)
    else if (endedMs >= beginMs) clocks.end = startRound()
    if (latenciesMs.length > 0 && endedMs >= beginMs + measuredMs) {
      clocks.round = clocks.end?.(latenciesMs.length)
    }
  }
  let next = 0
  const caller = async (): Promise<void> => {
    while (clocks.round === undefined) {
      const operation = next++
      const startedMs = performance.now()
      // oxlint-disable-next-line no-await-in-loop -- a caller does one after the other
      await operate(operation)
      if (clocks.round === undefined) note(startedMs, performance.now())
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  if (clocks.round === undefined) throw new Error('A period without callers has no operations.')
  return { ...clocks.round, latenciesMs, operationsInAll: next }
}

/** Starts the clocks of a round; the answer ends it after so many operations. */
export function startRound(): (operations: number) => Round {
  const before = process.cpuUsage()
  const startedMs = performance.now()
  return (operations) => {
    const elapsedMs = performance.now() - startedMs
    const { user, system } = process.cpuUsage(before)
    return { operations, elapsedMs, latenciesMs: [], cpuMs: (user + system) / 1000 }
  }
}

/**
 * The sizes and shapes to measure: all of them or, where the scale only tries whether a part runs, the last.
 */
export function sizesAt<Size>(scale: number, sizes: readonly Size[]): readonly Size[] {
  return scale < 0.01 ? sizes.slice(-1) : sizes
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}
