// Resource-shaped routes of an app, as data: each only maps a request to one command or one read.
import type { Json, Schema } from '../core/index.ts'

/** What a resource route that sends a command says of the command it sent. */
export interface CommandReply {
  readonly streamId: string
  readonly commandId: string
}

/**
 * A route that sends a command. Its body is the command's data; `:id` in the path, when there is one, is the
 * stream's id.
 */
export interface CommandRoute {
  readonly method: 'POST' | 'PUT'
  /** Below the app's prefix: `/values` or `/values/:id`. */
  readonly path: string
  readonly command: string
  /** What happens without a `Prefer` header; `wait` unless said. */
  readonly prefer?: 'respond-async' | 'wait'
  /**
   * Members that every answer carries: in place of the generic ones in a 202, beside them in a 200 or 422.
   */
  readonly answer: (reply: CommandReply) => { readonly [member: string]: Json }
}

/** A route that reads one document; `:id` in the path is its key. */
export interface ReadRoute {
  readonly method: 'GET'
  readonly path: string
  readonly read: string
  /** The whole body of a 200. */
  readonly answer: (document: {
    readonly key: string
    readonly version: number | null
    readonly data: Json
  }) => { readonly [member: string]: Json }
  /** Describes the body for OpenAPI. */
  readonly schema?: Schema<unknown>
}

/** A resource-shaped route. */
export type ResourceRoute = CommandRoute | ReadRoute
