// The gateway's reading room: documents, pages and live changes of an app's read models.
export { readEndpoints } from './endpoints.ts'
export type { ReadModel } from '../../projection/index.ts'
