import { json, number } from './command-options.ts'
import type { CommandSpec, OptionSpec } from './command-spec.ts'
import type { ConfigOptions } from './config.command.ts'
import type { CrashesOptions } from './crashes.command.ts'
import type { DownOptions } from './down.command.ts'
import type { DoctorCommandOptions } from './doctor.command.ts'
import type { FuzzCommandOptions } from './fuzz.command.ts'
import { INSPECTOR_COMMANDS } from './inspector-commands.ts'
import { JSON_HELP } from './json-help.ts'
import { LANE_COMMANDS } from './lane-commands.ts'
import type { LogsOptions } from './logs.command.ts'
import type { ReplayOptions } from './replay.command.ts'
import type { RunOptions } from './run.command.ts'
import type { RunsOptions } from './runs.command.ts'
import type { ServiceOptions } from './service.command.ts'
import type { StatusOptions } from './status.command.ts'
import type { UpOptions } from './up.command.ts'
import type { WhyOptions } from './why.command.ts'

const dryRun: OptionSpec = { flag: 'dry-run', about: 'print the file and the commands, change nothing' }
const manager: OptionSpec = {
  flag: 'manager',
  value: 'name',
  about: 'for whom; that of this system otherwise',
  choices: ['systemd', 'launchd'],
}
const set: OptionSpec = {
  flag: 'set',
  value: 'setting=value',
  about: 'a setting for this once, before all files; may be given again',
  multiple: true,
  completes: 'settings',
}

/**
 * Every command, in the order of help. An entry is data and loads nothing: a new command is a new entry and a file
 * `<name>.command.ts`.
 */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'run',
    about: 'run the lanes of a plan, supervised, and leave nothing behind',
    args: [{ name: 'plan', about: 'plan file (YAML or JSON)', completes: 'files' }],
    options: [
      { flag: 'dry-run', about: 'print what would run, check what can be checked, start and write nothing' },
      { flag: 'plain', about: 'one line an event instead of the live tree' },
      { flag: 'json', about: 'events as NDJSON; the last line is the summary' },
      {
        flag: 'keep',
        value: 'which',
        about: 'which worktrees stay, instead of what the plan says',
        choices: ['never', 'failed', 'always'],
      },
      {
        flag: 'parallel',
        value: 'lanes',
        about: 'lanes at once, instead of what the plan says',
        parse: number(/^\d+$/, 1, 1_000, 'it must be a whole number from 1 to 1000'),
      },
      { flag: 'own', about: 'in this process, also where an orchestrator runs' },
      set,
    ],
    details: JSON_HELP.run,
    load: async () => {
      const { runCommand } = await import('./run.command.ts')
      return ([plan = ''], options, io) => runCommand(plan, options as RunOptions, io)
    },
  },
  {
    name: 'why',
    about: 'say what something does or how it ended, why, what comes next, and what one can do',
    args: [{ name: 'subject', about: 'a lane, LANE/COMMAND, an id, `latest` for the newest run, or an actor', completes: 'lanes' }],
    options: [
      { flag: 'run', value: 'id', about: 'the run meant; the newest with that lane otherwise', completes: 'runs' },
      { flag: 'evidence', about: 'with every attempt, decision, transition and crash on record' },
      json,
    ],
    details: JSON_HELP.why,
    load: async () => {
      const { whyCommand } = await import('./why.command.ts')
      return ([where = ''], options, io) => whyCommand(where, options as WhyOptions, io)
    },
  },
  {
    name: 'runs',
    about: 'list the runs that are remembered',
    options: [json],
    details: JSON_HELP.runs,
    load: async () => {
      const { runsCommand } = await import('./runs.command.ts')
      return (_, options, io) => runsCommand(options as RunsOptions, io)
    },
  },
  {
    name: 'crashes',
    about: 'list the commands and actors that did not end well, or show all that is known of one',
    args: [{ name: 'id', about: 'one of those listed, or the beginning of its id', optional: true }],
    options: [json],
    details: JSON_HELP.crashes,
    load: async () => {
      const { crashesCommand } = await import('./crashes.command.ts')
      return ([id], options, io) => crashesCommand(id, options as CrashesOptions, io)
    },
  },
  {
    name: 'doctor',
    about: 'check the machine, and find what killed runs left behind',
    options: [{ flag: 'fix', about: 'remove what is provably left over and holds no work' }, json],
    details: JSON_HELP.doctor,
    load: async () => {
      const { doctorCommand } = await import('./doctor.command.ts')
      return (_, options, io) => doctorCommand(options as DoctorCommandOptions, io)
    },
  },
  {
    name: 'fuzz',
    about: 'search for counterexamples of the properties that *.prop.ts and *.prop.js files export',
    args: [
      {
        name: 'paths',
        about: 'files and directories; all below the current one otherwise',
        optional: true,
        variadic: true,
        completes: 'files',
      },
    ],
    options: [
      {
        flag: 'minutes',
        value: 'n',
        about: 'how long to search',
        default: 1,
        parse: number(/^\d+(\.\d+)?$/, Number.MIN_VALUE, 1_440, 'it must be a number above 0, up to 1440'),
      },
      {
        flag: 'seed',
        value: 's',
        about: 'where to begin; the same seed searches the same way',
        parse: number(/^-?\d+$/, -(2 ** 31), 2 ** 31, 'it must be a whole number of at most 31 bits'),
      },
      json,
    ],
    details: JSON_HELP.fuzz,
    load: async () => {
      const { fuzzCommand } = await import('./fuzz.command.ts')
      return (paths, options, io) => fuzzCommand(paths, options as FuzzCommandOptions, io)
    },
  },
  {
    name: 'replay',
    about: 'run a counterexample of a property again, step by step',
    args: [{ name: 'file', about: 'as `signalbox fuzz` or a failing property wrote it', completes: 'files' }],
    options: [json],
    details: JSON_HELP.replay,
    load: async () => {
      const { replayCommand } = await import('./replay.command.ts')
      return ([file = ''], options, io) => replayCommand(file, options as ReplayOptions, io)
    },
  },
  {
    name: 'up',
    about: 'start the orchestrator of this repository in the background, unless it runs',
    options: [
      { flag: 'foreground', about: 'be the orchestrator, until a signal comes; logs to stderr' },
      { flag: 'drain', about: 'first wait for the end of a terminal host that another version left; it starts nothing more' },
      set,
      json,
    ],
    details: JSON_HELP.up,
    load: async () => {
      const { upCommand } = await import('./up.command.ts')
      return (_, options, io) => upCommand(options as UpOptions, io)
    },
  },
  {
    name: 'down',
    about: 'stop the orchestrator and everything that it runs, phase by phase',
    options: [{ flag: 'keep', about: 'leave the terminals running in the terminal host; the next `up` takes them over' }, json],
    details: JSON_HELP.down,
    load: async () => {
      const { downCommand } = await import('./down.command.ts')
      return (_, options, io) => downCommand(options as DownOptions, io)
    },
  },
  {
    name: 'status',
    about: 'show the orchestrator of this repository',
    options: [json],
    details: JSON_HELP.status,
    load: async () => {
      const { statusCommand } = await import('./status.command.ts')
      return (_, options, io) => statusCommand(options as StatusOptions, io)
    },
  },
  {
    name: 'logs',
    about: 'show the log of the orchestrator',
    options: [
      { flag: 'follow', short: 'f', about: 'go on with what is added, until the orchestrator ends' },
      {
        flag: 'lines',
        value: 'n',
        about: 'how many of the last lines',
        default: 50,
        parse: number(/^\d+$/, 0, 100_000, 'it must be a whole number from 0 to 100000'),
      },
    ],
    load: async () => {
      const { logsCommand } = await import('./logs.command.ts')
      return (_, options, io) => logsCommand(options as LogsOptions, io)
    },
  },
  ...LANE_COMMANDS,
  ...INSPECTOR_COMMANDS,
  {
    name: 'service install',
    about: 'start the orchestrator of this repository with the session of the user, by systemd or launchd',
    options: [dryRun, manager, json],
    details: JSON_HELP.service,
    load: async () => {
      const { serviceCommand } = await import('./service.command.ts')
      return (_, options, io) => serviceCommand('install', options as ServiceOptions, io)
    },
  },
  {
    name: 'service uninstall',
    about: 'stop that, and remove the service file',
    options: [dryRun, manager, json],
    details: JSON_HELP.service,
    load: async () => {
      const { serviceCommand } = await import('./service.command.ts')
      return (_, options, io) => serviceCommand('uninstall', options as ServiceOptions, io)
    },
  },
  {
    name: 'orchestrator',
    about: 'what `signalbox up` starts',
    args: [{ name: 'log', about: 'file that it logs to', completes: 'files' }],
    options: [set],
    hidden: true,
    load: async () => {
      const { orchestratorCommand } = await import('./orchestrator.command.ts')
      return ([log = ''], options, io) => orchestratorCommand(log, options['set'] as readonly string[] | undefined, io)
    },
  },
  {
    name: 'config explain',
    about: 'show each setting: its value, where that comes from, and what it means',
    args: [{ name: 'setting', about: 'one setting, or a section', optional: true, completes: 'settings' }],
    options: [set, json],
    details: JSON_HELP.configExplain,
    load: async () => {
      const { configExplainCommand } = await import('./config.command.ts')
      return ([setting], options, io) => configExplainCommand(setting, options as ConfigOptions, io)
    },
  },
  {
    name: 'config path',
    about: 'show the files that settings are read from; a later one wins',
    options: [json],
    details: JSON_HELP.configPath,
    load: async () => {
      const { configPathCommand } = await import('./config.command.ts')
      return (_, options, io) => configPathCommand(options as ConfigOptions, io)
    },
  },
  {
    name: 'completion',
    about: 'print the completion script of a shell',
    args: [{ name: 'shell', about: 'for whom', choices: ['bash', 'zsh', 'fish'] }],
    details: `
bash:  signalbox completion bash > ~/.local/share/bash-completion/completions/signalbox
zsh:   signalbox completion zsh > "\${fpath[1]}/_signalbox"
fish:  signalbox completion fish > ~/.config/fish/completions/signalbox.fish`,
    load: async () => {
      const { completionCommand } = await import('./completion.command.ts')
      return ([shell = ''], _, io) => completionCommand(shell, io)
    },
  },
  {
    name: 'complete',
    about: 'what may follow the words of a command line, a line each: asked by the completion scripts',
    args: [{ name: 'words', about: 'after `--`, the words up to the cursor', optional: true, variadic: true }],
    hidden: true,
    load: async () => {
      const { completeCommand } = await import('./complete.command.ts')
      return (words, _, io) => completeCommand(COMMANDS, words, io)
    },
  },
]
