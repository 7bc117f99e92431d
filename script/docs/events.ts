import { join } from 'node:path'
import { docOf, membersOf, typeIn } from './declarations.ts'
import { generatedFrom } from './markdown.ts'

const FILE = 'src/protocols/event-payloads.ts'
/** What payloads are made of. */
const PARTS: readonly (readonly [name: string, file: string])[] = [
  ['Step', FILE],
  ['Attempt', FILE],
  ['Place', FILE],
  ['By', FILE],
  ['LaneSummary', 'src/protocols/summary.ts'],
  ['CommandSummary', 'src/protocols/summary.ts'],
  ['RunSummary', 'src/protocols/summary.ts'],
  ['PtyExit', 'src/protocols/pty-exit.ts'],
  ['SignalRecord', 'src/protocols/pty-exit.ts'],
  ['ExitFinding', 'src/protocols/exit-class.ts'],
  ['Decision', 'src/protocols/decision.ts'],
  ['Exit', 'src/protocols/exit.ts'],
]

const block = (heading: string, doc: string, text: string): string =>
  [heading, doc, `\`\`\`ts\n${text}\n\`\`\``].filter((part) => part !== '').join('\n\n')

/** Every recorded event with its payload. */
export const eventsPage = (root: string): string => {
  const events = membersOf(typeIn(join(root, FILE), 'EventPayloads'))
  const parts = PARTS.map(([name, file]) => ({ name, node: typeIn(join(root, file), name) }))
  return `${generatedFrom(FILE)}

# Events

What is recorded, in the order in which it happened: \`signalbox events\` prints it, \`events.subscribe\` and \`runtime.bus\` hand it out. Each has a \`topic\` (the headings below), a \`sequence\` within its topic and one of all recorded events, both from 1 and without gaps; \`timestamp\` in ms since the epoch; the ids that it is about (\`runId\`, \`laneId\`, \`terminalId\`, \`ptyId\`); and a payload. Fields are added, not taken away and not given another meaning.

${events.map(({ name, text, doc }) => block(`## ${name}`, doc, text)).join('\n\n')}

## Parts of payloads

${parts.map(({ name, node }) => block(`### ${name}`, docOf(node), node.getText().replace(/^export /, ''))).join('\n\n')}
`
}
