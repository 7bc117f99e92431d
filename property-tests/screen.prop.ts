import { testProperty } from './run.ts'
import { screensDrawn } from './screen.property.ts'

export { screensDrawn }
testProperty(screensDrawn)
