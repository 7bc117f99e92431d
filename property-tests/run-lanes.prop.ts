import { runsAsPlanned, runsCrashed, runsRecovered, runsStopped } from './run-lanes.property.ts'
import { testProperty } from './run.ts'

export { runsAsPlanned, runsCrashed, runsRecovered, runsStopped }
testProperty(runsAsPlanned)
testProperty(runsStopped)
testProperty(runsCrashed)
testProperty(runsRecovered)
