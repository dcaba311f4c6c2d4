// The documentation page of an app and the gateway's front page: plain HTML without anything from elsewhere.
import { html, raw } from 'hono/html'
import type { Json, Projection } from '../core/index.ts'
import type { AppDescription } from './endpoint.ts'
import { exampleOf } from './json-example.ts'
import { commandsOf, type NamedCommand } from './named-command.ts'
import { dataSchemaOf, projectionsOf } from './openapi.ts'
import { hasRole } from './own-part.ts'
import { pageStyle } from './page-style.ts'
import type { ResourceRoute } from './resource-route.ts'

/** What a piece of a page is; hono escapes everything that is put into one. */
type Html = ReturnType<typeof html>

/** Where an app stands: below a prefix of the gateway, and as a whole address. */
interface Place {
  readonly prefix: string
  readonly base: string
  /** How an example sends a request, with its token where one is needed. */
  readonly request: string
}

/** The documentation of an app; `origin` is where the examples send their requests. */
export function docsPage(app: AppDescription, origin: string): Html {
  const place = { prefix: app.prefix, base: `${origin}${app.prefix}`, request: requestOf(app) }
  const commands = commandsOf(app)
  const projections = projectionsOf(app)
  return page(
    app.name,
    html`<header>
        <h1>${app.name}</h1>
        <p>
          Commands change, reads answer. Send the <code>Consistency-Token</code> of a command with a read, and
          the read contains what the command did.
        </p>
        ${app.needsToken === true ? tokenParagraph : ''}
        <p><a href="${app.prefix}/openapi.json">openapi.json</a> · <a href="/">all apps</a></p>
      </header>
      ${contents(commands, projections)}
      <h2 id="commands">Commands</h2>
      ${commands.map((command) => commandSection(command, place))}
      <h2 id="reads">Reads</h2>
      ${projections.map((projection) => readSection(projection, place))}
      ${app.routes.length > 0 ? html`<h2 id="routes">Routes of its own</h2>` : ''}
      ${app.routes.map((route) => routeSection(app, route, place))}
      ${hasRole(app, 'write') ? moreSection(place) : ''}`,
  )
}

const tokenParagraph = html`<p>
  Every request needs a signed JWT in the header <code>Authorization: Bearer …</code>; the examples take it
  from the variable <code>RAMPART_TOKEN</code>.
</p>`

function requestOf({ needsToken = false }: AppDescription): string {
  return needsToken ? 'curl -H "Authorization: Bearer $RAMPART_TOKEN"' : 'curl'
}

/** The front page: every app with its links. */
export function frontPage(apps: readonly AppDescription[]): Html {
  return page(
    'Rampart',
    html`<header>
        <h1>Rampart</h1>
        <p>Apps on this server</p>
      </header>
      ${apps.map(
        (app) =>
          html`<section>
            <h3>${app.name}</h3>
            <p>
              <a href="${app.prefix}/docs">documentation</a> ·
              <a href="${app.prefix}/openapi.json">openapi.json</a> ·
              <a href="${app.prefix}/admin/events">events</a>
              ${projectionsOf(app).map(
                ({ name }) => html` · <a href="${app.prefix}/reads/${name}?limit=10">${name}</a>`,
              )}
            </p>
          </section>`,
      )}
      <p>
        <a href="/readyz">readiness</a> · <a href="/metrics">metrics</a> · <a href="/healthz">health</a>
      </p>`,
  )
}

function page(title: string, body: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${raw(pageStyle)}
        </style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html>`
}

function contents(commands: readonly NamedCommand[], projections: readonly Projection[]): Html {
  return html`<nav>
      <b>Commands</b> ${commands.map(({ type }) => html`<a href="#command-${type}">${type}</a> `)}
    </nav>
    <nav><b>Reads</b> ${projections.map(({ name }) => html`<a href="#read-${name}">${name}</a> `)}</nav>`
}

function commandSection(named: NamedCommand, { prefix, base, request }: Place): Html {
  const { type, command, stream } = named
  const schema = dataSchemaOf(named)
  const id = stream === null || stream.mayOmitId ? {} : { streamId: sampleId(stream.ids.format) }
  const body = { ...id, data: exampleOf(schema) }
  return html`<section id="command-${type}">
    <h3><span class="post">POST</span> ${prefix}/commands/${type}</h3>
    ${addressee(named)} ${refusals(command.refuses)}
    <details>
      <summary>Schema of data</summary>
      ${code(schema)}
    </details>
    ${curl(`${request} -X POST ${base}/commands/${type}`, body)}
  </section>`
}

function addressee({ group, stream }: NamedCommand): Html {
  if (stream === null) {
    return html`<p>A decision over events of <b>${group}</b>: it takes no stream id and no If-Match.</p>`
  }
  return html`<p>
    One <b>${group}</b>, whose stream id is ${stream.ids.describe}.
    ${stream.mayOmitId ? 'It may be left out; the server then makes one.' : ''}
  </p>`
}

function refusals(codes: readonly string[]): Html {
  if (codes.length === 0) return html`<p>Refuses nothing.</p>`
  return html`<p>Refuses with ${codes.map((each) => html`<code>${each}</code> `)}</p>`
}

function readSection(projection: Projection, { prefix, base, request }: Place): Html {
  const { name, perStream, sources, indexes, search } = projection
  const [source] = sources
  const parameters = [...indexes, ...(search.length > 0 ? ['search'] : []), 'limit', 'cursor']
  return html`<section id="read-${name}">
    <h3><span class="get">GET</span> ${prefix}/reads/${name}/{key}</h3>
    <p>
      ${
        perStream
          ? html`One document per <b>${source?.name ?? ''}</b>; <code>?v=</code> waits for a version.`
          : html`Documents made of <b>${sources.map((each) => each.name).join(', ')}</b>.`
      }
    </p>
    <h3><span class="get">GET</span> ${prefix}/reads/${name}</h3>
    <p>
      Pages of them, by ${parameters.map((each) => html`<code>${each}</code> `)}
      ${search.length > 0 ? html`<br />Words are found in ${search.join(', ')}.` : ''}
    </p>
    ${shell(`${request} ${base}/reads/${name}?limit=10`)}
    ${shell(`${request} -N -H 'Accept: text/event-stream' ${base}/reads/${name}`)}
  </section>`
}

function routeSection(app: AppDescription, route: ResourceRoute, { prefix, base, request }: Place): Html {
  const path = `${prefix}${route.path}`.replaceAll(/:(\w+)/g, '{$1}')
  if (route.method === 'GET') {
    return html`<section>
      <h3><span class="get">GET</span> ${path}</h3>
      <p>Reads <a href="#read-${route.read}">${route.read}</a>.</p>
    </section>`
  }
  const named = commandsOf(app).find(({ type }) => type === route.command)
  const body = named === undefined ? {} : exampleOf(dataSchemaOf(named))
  const address = `${base}${route.path.replaceAll(/:(\w+)/g, sampleId('uuid'))}`
  return html`<section>
    <h3><span class="post">${route.method}</span> ${path}</h3>
    <p>
      Sends <a href="#command-${route.command}">${route.command}</a> with the body as its data.
      ${route.prefer === 'respond-async' ? 'Answers 202 unless Prefer: wait=N asks for more.' : ''}
    </p>
    ${curl(`${request} -X ${route.method} ${address}`, body)}
  </section>`
}

function moreSection({ prefix, base, request }: Place): Html {
  return html`<h2>More</h2>
    <section>
      <h3><span class="get">GET</span> ${prefix}/commands/{commandId}</h3>
      <p>What became of a command; a stream with <code>Accept: text/event-stream</code>.</p>
      <h3><span class="get">GET</span> ${prefix}/admin/events</h3>
      <p>
        Recorded events <code>after</code> a position, <code>limit</code> at most: for operators, with the
        role admin or on the machine itself.
      </p>
      ${shell(`${request} ${base}/admin/events?limit=10`)}
      <p>
        Headers of commands: <code>Idempotency-Key</code> <code>Prefer: wait=N</code>
        <code>Prefer: respond-async</code> <code>If-Match: "version"</code>. Headers of reads:
        <code>Consistency-Token</code> <code>Prefer: wait=N</code> <code>If-None-Match</code>. Everything that
        goes wrong is a problem document with a <code>code</code>.
      </p>
    </section>`
}

function sampleId(format: string | undefined): string {
  const example = exampleOf({ type: 'string', ...(format === undefined ? {} : { format }) })
  return typeof example === 'string' ? example : ''
}

function curl(target: string, body: Json): Html {
  // A quote inside of a shell's single quotes ends them, stands alone, and begins them again.
  const quoted = JSON.stringify(body, null, 2).replaceAll("'", `'\\''`).replaceAll('\n', '\n  ')
  return shell(`${target} \\\n  -H 'Content-Type: application/json' \\\n  -d '${quoted}'`)
}

function shell(text: string): Html {
  return html`<pre><code>${text}</code></pre>`
}

function code(value: Json): Html {
  return html`<pre><code>${JSON.stringify(value, null, 2)}</code></pre>`
}
