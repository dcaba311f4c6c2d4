// Endpoints of what people and tools read about an app: its documentation, its OpenAPI document, the front
// page.
import { docsPage, frontPage } from './docs-page.ts'
import type { AppDescription, Endpoint } from './endpoint.ts'
import { jsonResponse } from './exchange.ts'
import { openApiOf } from './openapi.ts'

const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
  'cache-control': 'no-cache',
}

/** The documentation endpoints of an app. */
export function appPages(app: AppDescription): readonly Endpoint[] {
  // Made when first asked for: schemas are turned into JSON Schema then, which a starting server need not
  // wait for.
  let document: ReturnType<typeof openApiOf> | undefined
  const pages: readonly Endpoint[] = [
    {
      method: 'GET',
      path: `${app.prefix}/openapi.json`,
      isPublic: true,
      handle() {
        document ??= openApiOf(app)
        return jsonResponse(document, 200, { 'cache-control': 'no-cache' })
      },
    },
    {
      method: 'GET',
      path: `${app.prefix}/docs`,
      isPublic: true,
      async handle(exchange) {
        const { origin } = new URL(exchange.req.url)
        return new Response(String(await docsPage(app, origin)), { headers: pageHeaders })
      },
    },
  ]
  if (app.prefix === '') return pages
  const location = `${app.prefix}/docs`
  const entry: Endpoint = {
    method: 'GET',
    path: app.prefix,
    isPublic: true,
    handle: () => new Response(null, { status: 302, headers: { location } }),
  }
  return [...pages, entry]
}

/** The gateway's front page, which lists the apps. */
export function frontPageEndpoint(apps: readonly AppDescription[]): Endpoint {
  return {
    method: 'GET',
    path: '/',
    isPublic: true,
    async handle() {
      return new Response(String(await frontPage(apps)), { headers: pageHeaders })
    },
  }
}
