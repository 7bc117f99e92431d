import { runsAsPlanned, runsCrashed, runsStopped } from './run-lanes.property.ts'
import { testProperty } from './run.ts'

export { runsAsPlanned, runsCrashed, runsStopped }
testProperty(runsAsPlanned)
testProperty(runsStopped)
testProperty(runsCrashed)
