import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { PtyArgs } from './services.ts'

/** A string runs by `/bin/sh -c`; a list is argv. */
export const argvOf = (run: string | readonly string[]): readonly string[] => (typeof run === 'string' ? ['/bin/sh', '-c', run] : run)

/**
 * The environment of a child: inherited, then the lane's and command's, then ours. Later ones win, so that a plan cannot
 * change what identifies the child.
 */
export const childEnvironment = (args: PtyArgs, mark: string): Record<string, string> => ({
  ...args.services.baseEnv,
  TERM: 'xterm-256color',
  ...args.env,
  ...args.command.env,
  SIGNALBOX_LANE: args.lane,
  SIGNALBOX_LANE_PATH: args.cwd,
  SIGNALBOX_BRANCH: args.branch,
  SIGNALBOX_TERMINAL: args.terminalId,
  SIGNALBOX_MARK: mark,
})

/** Logs lie by what is forgotten as a whole: the run, or the lane of its own. */
export const logPath = (
  logs: string,
  { runId, laneId, lane, command }: Pick<PtyArgs, 'runId' | 'laneId' | 'lane'> & { readonly command: { readonly name: string } },
  attempt: number,
): string => join(logs, ...(runId === null ? [laneId] : [runId, lane]), `${command.name}.${attempt}.log`)

/**
 * The last non-empty lines of output as text for people: control sequences removed, a line that was rewritten by
 * carriage returns shown as last written.
 * @param bytes the end of the output; a cut character or line at its start is harmless
 */
export const lastLines = (bytes: Uint8Array, count: number): string[] =>
  stripVTControlCharacters(new TextDecoder().decode(bytes))
    .split('\n')
    .map((line) => line.replace(/\r+$/u, '').split('\r').at(-1) ?? '')
    // oxlint-disable-next-line no-control-regex -- what is left of control characters must not reach a terminal
    .map((line) => line.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/gu, '').trimEnd())
    .filter((line) => line !== '')
    .slice(-count)
