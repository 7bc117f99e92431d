import { bytes, json, number } from './command-options.ts'
import type { ArgumentSpec, CommandSpec, OptionSpec } from './command-spec.ts'
import type { EventsOptions } from './events.command.ts'
import { JSON_HELP } from './json-help.ts'
import type { LaneAddOptions, LaneLsOptions, LaneOptions, LaneRmOptions } from './lane.command.ts'
import type { AttachCommandOptions } from './term-attach.command.ts'
import type { TermLogsOptions } from './term-logs.command.ts'
import type { TermSearchOptions, TermTextOptions } from './term-text.command.ts'
import type {
  TermHealthOptions,
  TermKillOptions,
  TermLsOptions,
  TermRespawnOptions,
  TermSendOptions,
  TermSpawnOptions,
} from './term.command.ts'

const lane: ArgumentSpec = { name: 'lane', about: 'its name, its id, or the beginning of that', completes: 'open-lanes' }
const terminal: ArgumentSpec = {
  name: 'terminal',
  about: 'its name, lane/name, its id, or the beginning of that',
  completes: 'terminals',
}
const detachKey: OptionSpec = {
  flag: 'detach-key',
  value: 'key',
  about: 'what leaves it, a letter with Ctrl',
  default: 'ctrl-q',
  parse: (text) => {
    if (/^ctrl-[a-z\\\]^_]$/iu.test(text)) return text.toLowerCase()
    throw new RangeError('it must be ctrl- and a letter, such as ctrl-g')
  },
}
const all = (what: string): OptionSpec => ({ flag: 'all', short: 'a', about: what })

/** Commands on what the running orchestrator has. */
export const LANE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'lane add',
    about: 'make a lane: a worktree with a branch of its own, to open terminals in',
    args: [{ name: 'name', about: 'letters, digits, ., _ and -' }],
    options: [{ flag: 'base', value: 'ref', about: 'branch, tag or commit that it begins at; HEAD otherwise' }, json],
    details: JSON_HELP.laneAdd,
    load: async () => {
      const { laneAddCommand } = await import('./lane.command.ts')
      return ([name = ''], options, io) => laneAddCommand(name, options as LaneAddOptions, io)
    },
  },
  {
    name: 'lane ls',
    about: 'list the lanes',
    options: [
      all('those too that have ended'),
      { flag: 'removed', about: 'those that were removed with --save and can be brought back' },
      json,
    ],
    details: JSON_HELP.laneLs,
    load: async () => {
      const { laneLsCommand } = await import('./lane.command.ts')
      return (_, options, io) => laneLsCommand(options as LaneLsOptions, io)
    },
  },
  {
    name: 'lane show',
    about: 'show a lane and its terminals',
    args: [lane],
    options: [json],
    details: JSON_HELP.laneShow,
    load: async () => {
      const { laneShowCommand } = await import('./lane.command.ts')
      return ([name = ''], options, io) => laneShowCommand(name, options as LaneOptions, io)
    },
  },
  {
    name: 'lane rm',
    about: 'end what runs in a lane and remove its worktree',
    args: [lane],
    options: [
      { flag: 'save', about: 'save all that it holds, so that `lane undo` can bring it back' },
      { flag: 'ignored', about: 'with --save: ignored files too, such as .env and what a build made' },
      json,
    ],
    details: JSON_HELP.laneRm,
    load: async () => {
      const { laneRmCommand } = await import('./lane.command.ts')
      return ([name = ''], options, io) => laneRmCommand(name, options as LaneRmOptions, io)
    },
  },
  {
    name: 'lane undo',
    about: 'bring back a lane that was removed with --save',
    args: [{ name: 'lane', about: 'its name, its id, or the beginning of that', completes: 'removed-lanes' }],
    options: [json],
    details: JSON_HELP.laneUndo,
    load: async () => {
      const { laneUndoCommand } = await import('./lane.command.ts')
      return ([name = ''], options, io) => laneUndoCommand(name, options as LaneOptions, io)
    },
  },
  {
    name: 'term spawn',
    about: 'open a terminal in a lane, with a command or the shell of the user',
    args: [lane, { name: 'command', about: 'after `--`, a program and its arguments', optional: true, variadic: true }],
    options: [
      { flag: 'name', short: 'n', value: 'name', about: 'how to call it; made from the command otherwise' },
      { flag: 'memory', value: 'bytes', about: 'most memory of all its processes together, such as 500M or 2Gi', parse: bytes },
      {
        flag: 'cpus',
        value: 'n',
        about: 'most processors that it uses at once, such as 0.5',
        parse: number(/^\d+(\.\d+)?$/, 0, 1_024, 'it must be a number of processors from 0.01 to 1024, or 0 for no limit'),
      },
      {
        flag: 'processes',
        value: 'n',
        about: 'most processes and threads at once',
        parse: number(/^\d+$/, 0, 4_194_304, 'it must be a whole number from 0 to 4194304'),
      },
      {
        flag: 'if-missing',
        value: 'what',
        about: 'where such a limit is not to be had here; as configured otherwise',
        choices: ['fail', 'run'],
      },
      { flag: 'attach', about: 'attach to it at once' },
      detachKey,
      json,
    ],
    details: JSON_HELP.termSpawn,
    load: async () => {
      const { termSpawnCommand } = await import('./term.command.ts')
      return ([name = '', ...command], options, io) => termSpawnCommand(name, command, options as TermSpawnOptions, io)
    },
  },
  {
    name: 'term ls',
    about: 'list the terminals, of one lane or all',
    args: [{ ...lane, optional: true }],
    options: [all('those too of lanes that have ended'), json],
    details: JSON_HELP.termLs,
    load: async () => {
      const { termLsCommand } = await import('./term.command.ts')
      return ([name], options, io) => termLsCommand(name, options as TermLsOptions, io)
    },
  },
  {
    name: 'term health',
    about: 'show what terminals do: CPU, memory, processes, what they wait for',
    args: [{ ...terminal, optional: true }],
    options: [json],
    details: JSON_HELP.termHealth,
    load: async () => {
      const { termHealthCommand } = await import('./term.command.ts')
      return ([name], options, io) => termHealthCommand(name, options as TermHealthOptions, io)
    },
  },
  {
    name: 'term attach',
    about: 'sit down at a terminal; Ctrl-Q leaves it',
    args: [terminal],
    options: [
      detachKey,
      {
        flag: 'window-size',
        value: 'whose',
        about: 'of several who are attached, whose size it has from now on; as configured otherwise',
        choices: ['latest', 'smallest', 'fixed'],
      },
      { flag: 'clipboard', about: 'let programs set the clipboard of this terminal' },
    ],
    details: JSON_HELP.termAttach,
    load: async () => {
      const { termAttachCommand } = await import('./term-attach.command.ts')
      return ([name = ''], options, io) => termAttachCommand(name, options as AttachCommandOptions, io)
    },
  },
  {
    name: 'term send',
    about: 'type into a terminal',
    args: [terminal, { name: 'text', about: 'after `--` if it begins with a dash; stdin otherwise', optional: true, variadic: true }],
    options: [
      { flag: 'no-enter', short: 'n', about: 'no Enter after the text' },
      { flag: 'paste', short: 'p', about: 'as a paste, so that the program takes line ends for text' },
      { flag: 'wait-for-prompt', short: 'w', about: 'first wait until the program reads from the terminal' },
      {
        flag: 'limit',
        value: 'seconds',
        about: 'how long to wait for that',
        default: 60,
        parse: number(/^\d+$/, 0, 600, 'it must be a whole number from 0 to 600'),
      },
      { flag: 'key', short: 'k', value: 'key', about: 'names the input: sent again with the same key, it is not typed again' },
      json,
    ],
    details: JSON_HELP.termSend,
    load: async () => {
      const { termSendCommand } = await import('./term.command.ts')
      return ([name = '', ...words], options, io) => termSendCommand(name, words, options as TermSendOptions, io)
    },
  },
  {
    name: 'term logs',
    about: 'show what a terminal put out',
    args: [terminal],
    options: [
      { flag: 'follow', short: 'f', about: 'go on with what comes, until its process ends' },
      {
        flag: 'lines',
        value: 'n',
        about: 'how many of the last lines, of at most 512 KB',
        default: 50,
        parse: number(/^\d+$/, 0, 100_000, 'it must be a whole number from 0 to 100000'),
      },
      {
        flag: 'attempt',
        value: 'n',
        about: 'of which start of its command; the last otherwise',
        parse: number(/^\d+$/, 1, 1_000_000_000, 'it must be a whole number from 1'),
      },
      json,
    ],
    details: JSON_HELP.termLogs,
    load: async () => {
      const { termLogsCommand } = await import('./term-logs.command.ts')
      return ([name = ''], options, io) => termLogsCommand(name, options as TermLogsOptions, io)
    },
  },
  {
    name: 'term text',
    about: 'show what is on a terminal as text, or what it put out since an offset or by the last command',
    args: [terminal],
    options: [
      {
        flag: 'since',
        value: 'offset',
        about: 'what was put out from there on',
        parse: number(/^\d+$/, 0, Number.MAX_SAFE_INTEGER, 'it must be a whole number from 0'),
      },
      { flag: 'last-command', about: 'what the last command put out, where the shell marks it' },
      {
        flag: 'lines',
        value: 'n',
        about: 'how many of the last lines',
        default: 1_000,
        parse: number(/^\d+$/, 1, 10_000, 'it must be a whole number from 1 to 10000'),
      },
      json,
    ],
    details: JSON_HELP.termText,
    load: async () => {
      const { termTextCommand } = await import('./term-text.command.ts')
      return ([name = ''], options, io) => termTextCommand(name, options as TermTextOptions, io)
    },
  },
  {
    name: 'term search',
    about: 'find a text in what a terminal put out',
    args: [terminal, { name: 'pattern', about: 'what to find' }],
    options: [
      { flag: 'regex', short: 'e', about: 'it is a regular expression' },
      { flag: 'ignore-case', short: 'i', about: 'small and capital letters are one' },
      {
        flag: 'limit',
        value: 'n',
        about: 'how many of the last lines found',
        default: 100,
        parse: number(/^\d+$/, 1, 10_000, 'it must be a whole number from 1 to 10000'),
      },
      json,
    ],
    details: JSON_HELP.termSearch,
    load: async () => {
      const { termSearchCommand } = await import('./term-text.command.ts')
      return ([name = '', pattern = ''], options, io) => termSearchCommand(name, pattern, options as TermSearchOptions, io)
    },
  },
  {
    name: 'term respawn',
    about: 'start again what a terminal ran that has ended, or was lost with the machine or what held it',
    args: [terminal],
    options: [{ flag: 'attach', about: 'attach to it at once' }, detachKey, json],
    details: JSON_HELP.termRespawn,
    load: async () => {
      const { termRespawnCommand } = await import('./term.command.ts')
      return ([name = ''], options, io) => termRespawnCommand(name, options as TermRespawnOptions, io)
    },
  },
  {
    name: 'term kill',
    about: 'end a terminal and all that it started, or send its processes a signal',
    args: [terminal],
    options: [{ flag: 'signal', short: 's', value: 'name', about: 'only send this one, such as INT' }, json],
    details: JSON_HELP.termKill,
    load: async () => {
      const { termKillCommand } = await import('./term.command.ts')
      return ([name = ''], options, io) => termKillCommand(name, options as TermKillOptions, io)
    },
  },
  {
    name: 'events',
    about: 'show what happened, and what happens',
    options: [
      { flag: 'follow', short: 'f', about: 'go on with what happens' },
      { flag: 'topic', value: 'topic', about: 'lane.created, or lane.* for all that begin so; may be given again', multiple: true },
      {
        flag: 'since',
        value: 'sequence',
        about: 'from this one on',
        parse: number(/^\d+$/, 1, Number.MAX_SAFE_INTEGER, 'it must be a whole number from 1'),
      },
      { flag: 'json', about: 'as NDJSON' },
    ],
    details: JSON_HELP.events,
    load: async () => {
      const { eventsCommand } = await import('./events.command.ts')
      return (_, options, io) => eventsCommand(options as EventsOptions, io)
    },
  },
]
