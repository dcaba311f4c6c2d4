// The commands of an app as its descriptions name them: those of deciders, and decisions.
import type { UntypedCommand } from '../core/codec/index.ts'
import type { StreamIdRule } from '../core/index.ts'
import type { AppDescription } from './endpoint.ts'

/** A command with its name and where it stands. */
export interface NamedCommand {
  readonly type: string
  readonly command: Pick<UntypedCommand, 'schema' | 'refuses'>
  /** The name of its decider, or of the events that a decision records. */
  readonly group: string
  /** The stream that it addresses; null for a decision, which makes one of its own. */
  readonly stream: { readonly ids: StreamIdRule; readonly mayOmitId: boolean } | null
}

/** All commands of an app, in the order of its definitions. */
export function commandsOf(app: AppDescription): readonly NamedCommand[] {
  return app.contexts.flatMap(({ deciders, decisions }) => [
    ...deciders.flatMap(({ definition: { of, commands } }) =>
      Object.entries(commands).map(([type, command]) => {
        const mayOmitId = command.creates === true && of.streamId.make !== undefined
        return { type, command, group: of.name, stream: { ids: of.streamId, mayOmitId } }
      }),
    ),
    ...decisions.map(({ name, definition }) => ({
      type: name,
      command: definition,
      group: definition.sources.map((source) => source.name).join(', '),
      stream: null,
    })),
  ])
}
