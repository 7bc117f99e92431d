import { lanesBroughtBack } from './recovery.property.ts'
import { testProperty } from './run.ts'

export { lanesBroughtBack }
testProperty(lanesBroughtBack)
