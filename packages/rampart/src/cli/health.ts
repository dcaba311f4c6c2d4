// Asks a running server how it is: whether it takes commands, and what it says about its projections.
import { fetchWithin } from './admin-client.ts'
import { createAnswer, type Answer } from './answer.ts'

/** What a server says about an app. */
export interface Health {
  readonly ready: boolean
  /** Why it takes no commands; null when it does, or does not say. */
  readonly reason: string | null
  readonly projections: ReadonlyMap<string, ProjectionHealth>
}

/** What a server says about a projection. */
export interface ProjectionHealth {
  readonly stopped: string | null
  readonly upgradeStopped: string | null
}

const answerMs = 2000

/** Asks the server at the address of an app; null when none answers, or something else than one of ours. */
export async function askHealth(url: string, app: string): Promise<Health | null> {
  const address = new URL('/readyz', url).href
  try {
    const response = await fetchWithin(answerMs, address)
    return healthIn(createAnswer(await response.json(), address), app)
  } catch {
    // Whatever stands in the way, it is not a server that says how it is.
    return null
  }
}

function healthIn(answer: Answer, app: string): Health {
  const projections = answer.part('projections')
  const own = Object.keys(projections.value).filter((name) => name.startsWith(`${app}/`))
  const named = own.map((name) => [name.slice(app.length + 1), projectionIn(projections.part(name))] as const)
  return { ready: answer.flag('ready'), reason: textOrNull(answer, 'reason'), projections: new Map(named) }
}

function projectionIn(answer: Answer): ProjectionHealth {
  return { stopped: textOrNull(answer, 'stopped'), upgradeStopped: textOrNull(answer, 'upgradeStopped') }
}

function textOrNull(answer: Answer, name: string): string | null {
  return answer.has(name) ? answer.text(name) : null
}
