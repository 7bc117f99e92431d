import { outputNews } from './output-news.property.ts'
import { logUnended, logWhole } from './ring-log.property.ts'
import { ringMemory } from './ring-memory.property.ts'
import { readersOfOutput, ringNewest } from './ring.property.ts'
import { testProperty } from './run.ts'

export { logUnended, logWhole, outputNews, readersOfOutput, ringMemory, ringNewest }
testProperty(ringNewest)
testProperty(readersOfOutput)
testProperty(ringMemory)
testProperty(logWhole)
testProperty(logUnended)
testProperty(outputNews)
