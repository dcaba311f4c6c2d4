// A process for the kill tests: floods a store with appends and says on stdout what it tries and what was
// acknowledged.
import { writeSync } from 'node:fs'
import { commandId, streamId } from '../../core/codec/index.ts'
import { openSqliteStore } from '../index.ts'

/** The request of a command number, with so many blanks in each payload; the parent repeats it. */
export function floodRequest(number: number, blanks = 0) {
  const text = new TextEncoder().encode(`{"number":${number}}${' '.repeat(blanks)}`)
  const event = { type: 'Flooded', schemaVersion: 1, payload: text }
  const id = (stream: number) => streamId(`s${stream % 10}`)
  return {
    writes: [
      { decider: 'flood', id: id(number), expectedVersion: 'any', events: [event, event] },
      {
        decider: 'flood',
        id: id(number + 3),
        expectedVersion: 'any',
        events: number % 3 === 0 ? [event] : [],
      },
    ],
    command: {
      id: commandId(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`),
      fingerprint: 'flood',
      outcome: { number },
      expiresAtMs: null,
    },
  } as const
}

/** What a flood sends. */
export interface FloodPlan {
  /** The number of its first command. */
  readonly from: number
  /** How many blanks each payload has. */
  readonly blanks: number
}

/**
 * Writes to the pipe at once, so that it outlives this process, and waits while a slow reader lets it be
 * full.
 */
function tell(text: string): void {
  for (let rest = Buffer.from(text); rest.length > 0;) {
    try {
      rest = rest.subarray(writeSync(1, rest))
    } catch (error) {
      if (Object(error).code !== 'EAGAIN') throw error
    }
  }
}

async function flood(file: string, thread: string, { from, blanks }: FloodPlan): Promise<void> {
  const store = await openSqliteStore({ file, thread: thread === 'worker' ? 'worker' : 'caller' })
  const log = await store.openLog('default/flood/0')
  let next = from
  const one = async (): Promise<void> => {
    for (;;) {
      const number = next++
      tell(`try ${number}\n`)
      const result = await log.append(floodRequest(number, blanks))
      tell(`ack ${number} ${JSON.stringify(result)}\n`)
    }
  }
  await Promise.all(Array.from({ length: 32 }, one))
}

const [, script = '', file = '', thread = '', from = '', blanks = ''] = process.argv
if (script.endsWith('flood.ts')) await flood(file, thread, { from: Number(from), blanks: Number(blanks) })
