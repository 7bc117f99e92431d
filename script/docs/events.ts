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
  ['AppliedLimits', 'src/protocols/limits.ts'],
  ['LimitName', 'src/protocols/limits.ts'],
  ['TerminalLimits', 'src/protocols/limits.ts'],
  ['PtyCondition', 'src/protocols/health.ts'],
  ['PtyHealth', 'src/protocols/health.ts'],
  ['PtyPressure', 'src/protocols/pty-pressure.ts'],
  ['ExitFinding', 'src/protocols/exit-class.ts'],
  ['Decision', 'src/protocols/decision.ts'],
  ['Exit', 'src/protocols/exit.ts'],
]

const block = (heading: string, doc: string, text: string): string =>
  [heading, doc, `\`\`\`ts\n${text}\n\`\`\``].filter((part) => part !== '').join('\n\n')

/** Every event with its payload: the recorded ones, then those of live topics. */
export const eventsPage = (root: string): string => {
  const eventsIn = (type: string): string =>
    membersOf(typeIn(join(root, FILE), type))
      .map(({ name, text, doc }) => block(`## ${name}`, type === 'EventPayloads' ? doc : `**Live.** ${doc}`, text))
      .join('\n\n')
  const parts = PARTS.map(([name, file]) => ({ name, node: typeIn(join(root, file), name) }))
  return `${generatedFrom(FILE)}

# Events

What is recorded, in the order in which it happened: \`signalbox events\` prints it, \`events.subscribe\` and \`runtime.bus\` hand it out. Each has a \`topic\` (the headings below), a \`sequence\` within its topic and one of all recorded events, both from 1 and without gaps; \`timestamp\` in ms since the epoch; the ids that it is about (\`runId\`, \`laneId\`, \`terminalId\`, \`ptyId\`); and a payload. Fields are added, not taken away and not given another meaning.

Topics marked **live** are of the moment: never stored, not replayed, and told only while somebody listens. Their \`sequence\` begins anew with the process, and they have no place among the recorded events (\`position\` is absent; \`"sequence": null\` in \`signalbox events --json\`). What comes too fast is coalesced, the newest kept; who reads too slowly loses the oldest, and is told of the gap: which sequences of which topic. \`signalbox events --follow\` shows them to who names them with \`--topic\`; \`events.subscribe\` and \`runtime.bus\` give them to all whose topics match, unless \`live\` is false.

Every subscriber is given events in one order, that in which the bus hands them out, recorded and live ones together, also where it is slow or replays. What is published live before something is recorded comes before it. What is published live after that was recorded comes after it, unless the bus itself was being restarted just then. Between processes nothing is promised.

${eventsIn('EventPayloads')}

${eventsIn('LiveEventPayloads')}

## Parts of payloads

${parts.map(({ name, node }) => block(`### ${name}`, docOf(node), node.getText().replace(/^export /, ''))).join('\n\n')}
`
}
