import { testProperty } from './run.ts'
import { screensKept } from './screen-kept.property.ts'
import { screensDrawn } from './screen.property.ts'

export { screensDrawn, screensKept }
testProperty(screensDrawn)
testProperty(screensKept)
