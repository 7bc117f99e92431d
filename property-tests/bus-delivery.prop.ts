import { busDelivery } from './bus-delivery.property.ts'
import { testProperty } from './run.ts'

export { busDelivery }
testProperty(busDelivery)
