import { readFileSync } from 'node:fs'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { EXIT, errorText, exitCodeOf } from './exit-codes.ts'
import { type Io, onLostOutput, safeWriter } from './io.ts'
import type { DoctorCommandOptions } from './doctor.command.ts'
import type { FuzzCommandOptions } from './fuzz.command.ts'
import type { ReplayOptions } from './replay.command.ts'
import type { RunOptions } from './run.command.ts'
import type { RunsOptions } from './runs.command.ts'
import type { WhyOptions } from './why.command.ts'

const version = (): string => {
  // two levels up from here, in src/ as in dist/
  const { version: text } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  return text
}

const lanesAtOnce = (text: string): number => {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > 1_000) throw new InvalidArgumentError('It must be a whole number from 1 to 1000.')
  return value
}

const minutesLong = (text: string): number => {
  const value = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0 || value > 1_440) throw new InvalidArgumentError('It must be a number above 0, up to 1440.')
  return value
}

const seedNumber = (text: string): number => {
  const value = Number(text)
  if (!/^-?\d+$/.test(text) || Math.abs(value) > 2 ** 31) throw new InvalidArgumentError('It must be a whole number of at most 31 bits.')
  return value
}

/** The stable shapes of `--json`: keys may be added, none is taken away. */
const JSON_HELP = {
  run: `
With --json each line is one JSON document: recorded events
  { "type", "at", "sequence", "topicSequence", "workspaceId", "runId", "laneId", "terminalId", "ptyId", "payload" }
and at last the summary
  { "type": "summary", "runId", "ok", "outcome", "durationMs", "lanes": [{ "name", "id", "outcome", "durationMs", "branch",
    "commits", "uncommitted": [], "worktree", "reason", "commands": [{ "name", "outcome", "exitCode", "signal",
    "attempts", "log", "reason" }] }] }
The first Ctrl-C stops everything gracefully, in reverse order; a second one kills.`,
  why: `
With --json one document:
  { "type": "why", "runId", "lane", "command", "outcome", "reason", "now", "worktree", "next": [],
    "transitions": [{ "at", "of", "from", "to", "event", "cause" }],
    "attempts": [{ "command", "attempt", "pid", "startedAt", "endedAt", "durationMs", "exitCode", "signal", "stopped", "error",
      "survivors": [{ "pid", "command", "endedBy" }], "log", "logGap", "lastLines": [] }],
    "decisions": [{ "at", "command", "decision", "restarts", "allowed": { "restarts", "withinMs" }, "delayMs", "text" }],
    "crashes": [{ "at", "name", "error" }] }`,
  runs: `
With --json one document:
  { "type": "runs", "runs": [{ "id", "plan", "startedAt", "endedAt", "outcome", "owner": { "pid", "startTime", "bootId" },
    "lanes": [{ "name", "id" }], "summary" }] }`,
  doctor: `
With --json one document:
  { "type": "doctor", "ok", "checks": [{ "name", "ok", "detail", "remedy" }], "found": [{ "kind", "what", "why", "action" }] }
Exit code 1 when something is left to remove, 4 when a check fails.`,
  fuzz: `
With --json one document:
  { "type": "fuzz", "ok", "seed", "minutes", "properties": [{ "title", "module", "ok", "runs", "seed", "file", "error" }] }
Exit code 1 when a property fails, or a file cannot be loaded.`,
  replay: `
With --json one document:
  { "type": "replay", "property", "ok", "error", "trace": [] }
Exit code 1 when it still fails.`,
} as const

const EXIT_HELP = `
Exit codes: 0 success, 1 something failed, 2 wrong usage or plan, 3 not found, 4 the machine lacks something, 130 interrupted.`

/** Each command loads its own code when it runs: help and version stay quick. */
const addCommands = (program: Command, io: Io, exit: (code: Promise<number>) => Promise<void>): void => {
  program
    .command('run')
    .description('run the lanes of a plan, supervised, and leave nothing behind')
    .argument('<plan>', 'plan file (YAML or JSON)')
    .option('--plain', 'one line an event instead of the live tree')
    .option('--json', 'events as NDJSON; the last line is the summary')
    .addOption(new Option('--keep <which>', 'which worktrees stay, instead of what the plan says').choices(['never', 'failed', 'always']))
    .addOption(new Option('--parallel <lanes>', 'lanes at once, instead of what the plan says').argParser(lanesAtOnce))
    .addHelpText('after', JSON_HELP.run)
    .action((plan: string, options: RunOptions) => exit(import('./run.command.ts').then(({ runCommand }) => runCommand(plan, options, io))))
  program
    .command('why')
    .description('show the evidence: transitions, attempts, decisions, last output')
    .argument('<lane[/command]>', 'a lane, or a command of it')
    .option('--run <id>', 'the run meant; the newest with that lane otherwise')
    .option('--json', 'as one JSON document')
    .addHelpText('after', JSON_HELP.why)
    .action((place: string, options: WhyOptions) =>
      exit(import('./why.command.ts').then(({ whyCommand }) => whyCommand(place, options, io))),
    )
  program
    .command('runs')
    .description('list the runs of the last 14 days')
    .option('--json', 'as one JSON document')
    .addHelpText('after', JSON_HELP.runs)
    .action((options: RunsOptions) => exit(import('./runs.command.ts').then(({ runsCommand }) => runsCommand(options, io))))
  program
    .command('doctor')
    .description('check the machine, and find what killed runs left behind')
    .option('--fix', 'remove what is provably left over and holds no work')
    .option('--json', 'as one JSON document')
    .addHelpText('after', JSON_HELP.doctor)
    .action((options: DoctorCommandOptions) => exit(import('./doctor.command.ts').then(({ doctorCommand }) => doctorCommand(options, io))))
  program
    .command('fuzz')
    .description('search for counterexamples of the properties that *.prop.ts and *.prop.js files export')
    .argument('[paths...]', 'files and directories; all below the current one otherwise')
    .addOption(new Option('--minutes <n>', 'how long to search').argParser(minutesLong).default(1))
    .addOption(new Option('--seed <s>', 'where to begin; the same seed searches the same way').argParser(seedNumber))
    .option('--json', 'as one JSON document')
    .addHelpText('after', JSON_HELP.fuzz)
    .action((paths: string[], options: FuzzCommandOptions) =>
      exit(import('./fuzz.command.ts').then(({ fuzzCommand }) => fuzzCommand(paths, options, io))),
    )
  program
    .command('replay')
    .description('run a counterexample of a property again, step by step')
    .argument('<file>', 'as `signalbox fuzz` or a failing property wrote it')
    .option('--json', 'as one JSON document')
    .addHelpText('after', JSON_HELP.replay)
    .action((file: string, options: ReplayOptions) =>
      exit(import('./replay.command.ts').then(({ replayCommand }) => replayCommand(file, options, io))),
    )
}

/** Streams tell of a failed write later: waits until all that was written is out, or is known to have failed. */
const flushed = async (io: Io): Promise<void> => {
  if (io.out.writable !== false) await new Promise<void>((resolve) => io.out.write('', () => resolve()))
  // the event of a failure follows what the callback was told
  await new Promise((resolve) => setImmediate(resolve))
}

const processIo = (): Io => ({ out: process.stdout, err: process.stderr, env: process.env, cwd: process.cwd() })

/**
 * The command line.
 * @param argv without node and script
 * @returns the exit code; never rejects
 */
export const main = async (argv: readonly string[], io: Io = processIo()): Promise<number> => {
  const out = safeWriter(io.out)
  const err = safeWriter(io.err)
  let code: number = EXIT.ok
  let lost = false
  onLostOutput(io.out, ({ message }) => {
    lost = true
    err.write(`signalbox: the output could not be written: ${message}\nnext: Free space, or write it elsewhere.\n`)
  })
  const program = new Command('signalbox')
    .description('Supervises the terminals, lanes and commands that coding agents run on a machine.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .configureOutput({
      writeOut: out.write,
      writeErr: err.write,
      outputError: (text, write) =>
        write(text.replace(/^error: /, 'signalbox: ').replace(/\n\(Did you mean (.+)\?\)/, '; did you mean $1?')),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .addHelpText('after', EXIT_HELP)
  addCommands(program, io, async (result) => {
    code = await result
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    await flushed(io)
    return lost && code === EXIT.ok ? EXIT.environment : code
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.ok
      if (error.code !== 'commander.help') err.write('next: signalbox help\n')
      return EXIT.usage
    }
    err.write(errorText(error, io.env['SIGNALBOX_DEBUG'] === '1'))
    return exitCodeOf(error)
  }
}
