// Collections that the language has as well, for uses in which its own cost more than they need to.
export { PassingMap } from './passing-map.ts'
