// Validation through Standard Schema: any validator library fits, and nothing it lets slip is accepted
// silently.
import { RampartError } from '../errors.ts'
import { childPointer, inputFaultsMax, memberOf, type InputFault, type Json } from '../json.ts'

/**
 * Standard Schema v1 (standardschema.dev), reduced to what inference needs. Input and output are one type, so
 * that schemas which transform stay out of what is stored. `jsonSchema` is Standard JSON Schema v1, where a
 * library has it.
 */
export interface Schema<T> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => unknown
    readonly types?: { readonly input: NoInfer<T>; readonly output: T } | undefined
    readonly jsonSchema?:
      | { readonly input: (options: { readonly target: 'draft-2020-12' }) => unknown }
      | undefined
  }
}

/** What validation says: the accepted value, or at least one fault. */
export type Validated<T> = { readonly value: T } | { readonly faults: readonly InputFault[] }

/**
 * Validates a value; `root` is the JSON pointer that faults start from. Keys of the input that the schema's
 * output lacks are faults too, because a schema that strips them would hide a caller's mistake. At most 100
 * faults. Throws `SCHEMA_ASYNCHRONOUS` for a schema that answers with a promise.
 */
export function validate<T>(schema: Schema<T>, value: unknown, root = ''): Validated<T> {
  const result = schema['~standard'].validate(value)
  if (result instanceof Promise) {
    throw new RampartError(
      'SCHEMA_ASYNCHRONOUS',
      'A schema answered with a promise. Use one that validates at once.',
    )
  }
  const issues = issuesOf(result)
  if (issues.length > 0)
    return { faults: issues.flatMap((issue) => faultsOfIssue(issue, root)).slice(0, inputFaultsMax) }
  // A Standard Schema result without issues has a value of the schema's output type.
  const output = (result as { readonly value: T }).value
  // Most inputs lose nothing, and need no pointers to find that out.
  if (keepsEveryKey(value, output)) return { value: output }
  const faults: InputFault[] = []
  collectStrippedKeys({ input: value, output, pointer: root }, faults)
  return { faults }
}

/** The JSON Schema (draft 2020-12) of what a schema accepts; `undefined` where its library cannot tell. */
export function jsonSchemaOf(schema: Schema<unknown>): Json | undefined {
  const standard = schema['~standard']
  if (standard.jsonSchema === undefined) return undefined
  // JSON Schema documents are JSON by definition.
  return standard.jsonSchema.input({ target: 'draft-2020-12' }) as Json
}

interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
  /** zod names unknown keys here; other libraries report one issue per key. */
  readonly keys?: readonly string[]
}

function issuesOf(result: unknown): readonly Issue[] {
  if (typeof result !== 'object' || result === null || !('issues' in result)) return []
  // The Standard Schema contract: `issues` is a list, or undefined on success.
  return (result.issues as readonly Issue[] | undefined) ?? []
}

function faultsOfIssue(issue: Issue, root: string): readonly InputFault[] {
  let pointer = root
  for (const segment of issue.path ?? []) {
    pointer = childPointer(pointer, String(typeof segment === 'object' ? segment.key : segment))
  }
  if (issue.keys === undefined) return [{ pointer, detail: issue.message }]
  return issue.keys.slice(0, inputFaultsMax).map((key) => unknownKey(childPointer(pointer, key)))
}

function unknownKey(pointer: string): InputFault {
  return { pointer, detail: 'this key is unknown here' }
}

function keepsEveryKey(input: unknown, output: unknown): boolean {
  if (input === output || typeof input !== 'object' || input === null) return true
  const known = typeof output === 'object' && output !== null ? output : {}
  for (const key of Object.keys(input)) {
    const child = memberOf(input, key)
    if (child === undefined) continue
    if (!Object.hasOwn(known, key) || !keepsEveryKey(child, memberOf(known, key))) return false
  }
  return true
}

interface Pair {
  readonly input: unknown
  readonly output: unknown
  readonly pointer: string
}

function collectStrippedKeys({ input, output, pointer }: Pair, faults: InputFault[]): void {
  if (input === output || typeof input !== 'object' || input === null) return
  const known = typeof output === 'object' && output !== null ? output : {}
  for (const [key, child] of Object.entries(input)) {
    if (faults.length >= inputFaultsMax) return
    if (child === undefined) continue
    const at = childPointer(pointer, key)
    if (Object.hasOwn(known, key))
      collectStrippedKeys({ input: child, output: memberOf(known, key), pointer: at }, faults)
    else faults.push(unknownKey(at))
  }
}
