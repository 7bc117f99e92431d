import type { ArgumentSpec, CommandSpec, OptionSpec } from './command-spec.ts'
import type { DeadLettersOptions } from './dead-letters.command.ts'
import type { InfoOptions } from './info.command.ts'
import type { InterveneOptions, Intervention } from './intervene.command.ts'
import { JSON_HELP } from './json-help.ts'
import type { MachineOptions } from './machine.command.ts'
import { json, number } from './command-options.ts'
import type { TraceOptions } from './trace.command.ts'
import type { TreeOptions } from './tree.command.ts'

const actor: ArgumentSpec = {
  name: 'actor',
  about: 'name of an actor, the beginning of one, or its lane or terminal',
  completes: 'actors',
}
const yes: OptionSpec = { flag: 'yes', about: 'ask nothing' }

/** Something that is done to one actor of the orchestrator's tree. */
const intervention = (name: Intervention, about: string, options: readonly OptionSpec[], details: string): CommandSpec => ({
  name,
  about,
  args: [actor],
  options: [...options, json],
  details: `${details}${JSON_HELP.intervention}`,
  load: async () => {
    const { interveneCommand } = await import('./intervene.command.ts')
    return ([word = ''], chosen, io) => interveneCommand(name, word, chosen as InterveneOptions, io)
  },
})

/** Looking at the actors of the orchestrator, and repairing. */
export const INSPECTOR_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'tree',
    about: 'show the supervision tree of the orchestrator: state, mailbox, restarts, age, last exit',
    args: [{ ...actor, about: `a part of it: ${actor.about}`, optional: true }],
    options: [
      {
        flag: 'depth',
        value: 'n',
        about: 'levels below the first; all otherwise',
        parse: number(/^\d+$/, 0, 1_000, 'it must be a whole number from 0 to 1000'),
      },
      { flag: 'watch', about: 'draw it again each second, until Ctrl-C' },
      json,
    ],
    details: JSON_HELP.tree,
    load: async () => {
      const { treeCommand } = await import('./tree.command.ts')
      return ([name], options, io) => treeCommand(name, options as TreeOptions, io)
    },
  },
  {
    name: 'top',
    about: 'show the actors of the orchestrator live: sorted, filtered, and repaired by keys',
    details: `
Keys as in htop: arrows move, s sorts, / filters, p pauses, left and right fold, i shows all that is known of an actor, k kills,
r restarts, x stops, z suspends and resumes, h shows all of them, q quits. What changes something asks first.`,
    load: async () => {
      const { topCommand } = await import('./top.command.ts')
      return (_args, _options, io) => topCommand(io)
    },
  },
  {
    name: 'info',
    about: 'show all that is known of one actor',
    args: [actor],
    options: [json],
    details: JSON_HELP.info,
    load: async () => {
      const { infoCommand } = await import('./info.command.ts')
      return ([name = ''], options, io) => infoCommand(name, options as InfoOptions, io)
    },
  },
  {
    name: 'trace',
    about: 'show what actors do as it happens: messages, failures, starts and exits',
    args: [{ ...actor, about: `one actor only: ${actor.about}`, optional: true }],
    options: [
      { flag: 'type', value: 'message', about: 'messages of this type only' },
      { flag: 'under', value: 'supervisor', about: 'actors below this supervisor only', completes: 'actors' },
      {
        flag: 'max',
        value: 'n',
        about: 'events, after which it ends',
        default: 1_000,
        parse: number(/^\d+$/, 1, 1_000_000, 'it must be a whole number from 1 to 1000000'),
      },
      {
        flag: 'for',
        value: 'seconds',
        about: 'how long; until Ctrl-C otherwise',
        parse: number(/^\d+(\.\d+)?$/, 0.001, 86_400, 'it must be a number of seconds, up to 86400'),
      },
      { flag: 'json', about: 'events as NDJSON; the last line says how it ended' },
    ],
    details: JSON_HELP.trace,
    load: async () => {
      const { traceCommand } = await import('./trace.command.ts')
      return ([name], options, io) => traceCommand(name, options as TraceOptions, io)
    },
  },
  {
    name: 'dead-letters',
    about: 'show the last messages between actors that nobody took, or send one again',
    options: [
      {
        flag: 'retry',
        value: 'number',
        about: 'send this one again, to the actor that has the name now',
        parse: number(/^\d+$/, 1, Number.MAX_SAFE_INTEGER, 'it must be the number of a dead letter, as the list shows it'),
      },
      json,
    ],
    details: JSON_HELP.deadLetters,
    load: async () => {
      const { deadLettersCommand } = await import('./dead-letters.command.ts')
      return (_, options, io) => deadLettersCommand(options as DeadLettersOptions, io)
    },
  },
  {
    name: 'machine',
    about: 'show a state machine, or that of an actor with its present state',
    args: [{ name: 'machine|actor', about: `lane or pty; or ${actor.about}`, completes: 'actors' }],
    options: [
      { flag: 'mermaid', about: 'as a state diagram of Mermaid, which GitHub and many editors draw' },
      { flag: 'svg', about: 'as a picture' },
      json,
    ],
    details: JSON_HELP.machine,
    load: async () => {
      const { machineCommand } = await import('./machine.command.ts')
      return ([word = ''], options, io) => machineCommand(word, options as MachineOptions, io)
    },
  },
  intervention(
    'stop',
    'stop an actor and all below it; it stays down until it is restarted',
    [],
    `
A terminal is gone, with its process. Lanes, runs and the journal have other ways to end, which are said.`,
  ),
  intervention(
    'restart',
    'stop an actor and all below it, and start it again',
    [],
    `
A terminal stays, and its command runs anew.`,
  ),
  intervention(
    'kill',
    'end an actor and all below it at once; its supervisor does as after a crash',
    [yes],
    `
Asks first; without a terminal, --yes is needed. Of a terminal, its process tree is killed.`,
  ),
  intervention(
    'suspend',
    'let an actor handle nothing until it is resumed: its messages wait',
    [],
    `
From the end of its present handler on. It can still be stopped, restarted and killed; what is started in its place is not
suspended. A supervisor that is suspended restarts nothing.`,
  ),
  intervention('resume', 'let an actor that was suspended go on with what waited', [], ''),
]
