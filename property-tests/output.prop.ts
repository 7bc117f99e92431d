import { inputOnce } from './input-queue.property.ts'
import { outputNews } from './output-news.property.ts'
import { logUnended, logWhole } from './ring-log.property.ts'
import { ringMemory } from './ring-memory.property.ts'
import { readersOfOutput, ringNewest } from './ring.property.ts'
import { testProperty } from './run.ts'

export { inputOnce, logUnended, logWhole, outputNews, readersOfOutput, ringMemory, ringNewest }
testProperty(ringNewest)
testProperty(readersOfOutput)
testProperty(ringMemory)
testProperty(inputOnce)
testProperty(logWhole)
testProperty(logUnended)
testProperty(outputNews)
