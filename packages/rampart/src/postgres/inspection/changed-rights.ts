// Compares what the roles of the platform may do in a database with what its steps grant them: the wall
// between those who write, project and serve.
import type { Damage } from '../../core/seals/index.ts'
import { readSql, type RunQuery, type Statement } from '../database.ts'
import { textAt } from '../rows.ts'

/** What a role may do with what. */
export interface Right {
  readonly role: string
  readonly object: string
  readonly verb: string
}

const listRights: Statement = { name: 'list-rights', text: readSql('list-rights') }
const listGrants: Statement = { name: 'list-grants', text: readSql('list-grants') }

/** What the roles may do in a schema, however they came by that. */
export async function rightsIn(query: RunQuery, schema: string): Promise<readonly Right[]> {
  return rightsBy(query, listRights, schema)
}

/** What a schema grants to each role itself. */
export async function grantsIn(query: RunQuery, schema: string): Promise<readonly Right[]> {
  return rightsBy(query, listGrants, schema)
}

async function rightsBy(query: RunQuery, statement: Statement, schema: string): Promise<readonly Right[]> {
  const rows = await query(statement, [schema])
  return rows.map((row) => ({ role: textAt(row, 0), object: textAt(row, 1), verb: textAt(row, 2) }))
}

/** Where the rights in a schema are not those that it grants. */
export function changedRights(
  schema: string,
  granted: readonly Right[],
  actual: readonly Right[],
): readonly Damage[] {
  const more = actual.filter((right) => !has(granted, right) && !isKeepers(schema, right))
  const almighty = more.filter(({ object }) => object === 'everything').map(({ role }) => role)
  const less = granted.filter((right) => !has(actual, right) && !almighty.includes(right.role))
  return [...told(schema, 'may, and should not,', more), ...told(schema, 'may not, and should,', less)]
}

function has(rights: readonly Right[], { role, object, verb }: Right): boolean {
  return rights.some((one) => one.role === role && one.object === object && one.verb === verb)
}

// Who keeps documents makes their tables and functions, and so owns them.
function isKeepers(schema: string, { role, object }: Right): boolean {
  const keeper = schema === 'rampart_read' ? 'rampart_projector' : 'rampart_writer'
  return role === keeper && /_\d+$/.test(object)
}

function told(schema: string, may: string, rights: readonly Right[]): readonly Damage[] {
  const verbs = new Map<string, readonly string[]>()
  for (const { role, object, verb } of rights) {
    const key = `the role ${role} ${may} {verbs} ${object} in ${schema}`
    verbs.set(key, [...(verbs.get(key) ?? []), verb])
  }
  return Array.from(verbs, ([key, own]) => ({
    code: 'RIGHTS_CHANGED',
    what: key.replace('{verbs}', own.join(', ')),
  }))
}
