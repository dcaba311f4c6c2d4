// Makes a plausible value of a JSON Schema, for the examples of the documentation page.
import type { Json } from '../core/index.ts'

const depthMax = 6

/** A value that shows the shape of a schema; not promised to be valid. */
export function exampleOf(schema: Json | undefined, depth = 0): Json {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema) || depth > depthMax) return null
  const read = (member: string): Json | undefined => {
    // Reading one member of a JSON object, whose values are JSON.
    return Reflect.get(schema, member) as Json | undefined
  }
  const chosen = read('const') ?? first(read('examples')) ?? first(read('enum'))
  if (chosen !== undefined) return chosen
  const alternative = first(read('anyOf')) ?? first(read('oneOf')) ?? first(read('allOf'))
  if (alternative !== undefined) return exampleOf(alternative, depth + 1)
  const type = first(read('type')) ?? read('type')
  switch (type) {
    case 'string':
      return stringExample(read('format'))
    case 'integer':
    case 'number':
      return Math.max(1, Number(read('minimum') ?? 1))
    case 'boolean':
      return true
    case 'array':
      return [exampleOf(read('items'), depth + 1)]
    case 'object':
      return objectExample(read('properties'), depth)
    default:
      return null
  }
}

function objectExample(properties: Json | undefined, depth: number): Json {
  const entries: readonly [string, Json][] = Object.entries(properties ?? {})
  return Object.fromEntries(entries.map(([name, schema]) => [name, exampleOf(schema, depth + 1)]))
}

const stringExamples: Readonly<Record<string, string>> = {
  date: '2011-12-09',
  'date-time': '2011-12-09T12:50:00Z',
  email: 'ada@example.org',
  uri: 'https://example.org',
  uuid: '0190a5b2-7c3e-7d4f-8a1b-2c3d4e5f6071',
}

function stringExample(format: Json | undefined): string {
  return (typeof format === 'string' ? stringExamples[format] : undefined) ?? 'A1001'
}

function first(list: Json | undefined): Json | undefined {
  return Array.isArray(list) ? list[0] : undefined
}
