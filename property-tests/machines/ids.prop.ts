import { testProperty } from '../run.ts'
import { idsAscend, idsTold } from './ids.property.ts'

export { idsAscend, idsTold }
testProperty(idsAscend)
testProperty(idsTold)
