// The calculator's one bounded context.
import { context } from 'rampart'
import { value } from './value/decider.ts'
import { values } from './value/projections.ts'

/** Values and what may be read of them. */
export const calculator = context('calculator', { deciders: [value], projections: [values] })
