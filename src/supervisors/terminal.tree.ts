import { ptyName, terminalTreeName } from '../actors/names.ts'
import { ptyActor } from '../actors/pty.actor.ts'
import type { PtyArgs } from '../actors/services.ts'
import { type SupervisorSpec, worker } from '../kernel/child-spec.ts'
import { judgeEnd } from './judge-end.ts'

/** Beyond the grace of the command: to end what its process tree left behind and to record it. */
const PTY_SHUTDOWN_MARGIN_MS = 15_000

/**
 * A terminal restarts its PTY as the plan says and ends with it. Temporary in `terminals`: when it gives up, its exit goes
 * to the lane, and nothing above multiplies the attempts.
 */
export const terminalTree = (args: PtyArgs): SupervisorSpec => ({
  type: 'supervisor',
  name: terminalTreeName(args.terminalId),
  strategy: 'rest_for_one',
  restart: 'temporary',
  intensity: args.command.intensity,
  backoff: args.command.backoff,
  autoShutdown: 'any_significant',
  children: [
    worker(ptyName(args.terminalId), ptyActor, args, {
      restart: args.command.restart,
      significant: true,
      classify: (exit, waits) => judgeEnd(exit, waits, args.command.classify),
      shutdown: args.command.graceMs + PTY_SHUTDOWN_MARGIN_MS,
    }),
  ],
})
