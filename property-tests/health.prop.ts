import { testProperty } from './run.ts'
import { terminalConditions } from './terminal-conditions.property.ts'
import { terminalHealth } from './terminal-health.property.ts'

export { terminalConditions, terminalHealth }
testProperty(terminalHealth)
testProperty(terminalConditions)
