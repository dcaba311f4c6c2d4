// What the host and the gateway use of projections: the runner, and the read model that others see.
export { createProjectionRunner } from './create-projection-runner.ts'
export { createReadModel } from './create-read-model.ts'
export { createServedProjection } from './served-projection.ts'
export { forgetLostFutures } from './lost-future.ts'
export type { ProjectionRunner } from './projection-runner.ts'
export type { Freshness, Lag, ListRequest, ReadDocument, ReadModel } from './read-model.ts'
export type { RebuildAction } from './rebuild.ts'
export type { TreatmentAction } from './treatment.ts'
