// Waits until a running projection contains a place of its log.
import type { LogPlace } from 'rampart/ports'
// The runner itself, because only it tells at once what its documents contain.
import type { ProjectionRunner } from '../../packages/rampart/src/projection/index.ts'

/** Resolves as soon as the documents contain the place. Rejects when the projection has stopped. */
export function untilReached(runner: ProjectionRunner, { position }: LogPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const state = runner.state()
      if (state.status === 'running' && runner.reached().position < position) return
      end()
      if (state.status === 'stopped') reject(new Error(state.reason))
      else resolve()
    }
    const end = runner.onMoved(look)
    look()
  })
}
