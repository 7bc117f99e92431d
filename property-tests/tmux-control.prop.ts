import { testProperty } from './run.ts'
import { tmuxControl, tmuxLastWords } from './tmux-control.property.ts'

export { tmuxControl, tmuxLastWords }
testProperty(tmuxControl)
testProperty(tmuxLastWords)
