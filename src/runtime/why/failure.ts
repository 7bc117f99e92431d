import type { ExitFinding } from '../../protocols/exit-class.ts'
import { BY_CLOSE } from '../close-phases.ts'
import type { SignalRecord } from '../../protocols/pty-exit.ts'
import type { WhyAttempt } from '../../protocols/why.ts'

/** Signals by which the system ends a program for a fault of its own. */
const FAULTS: ReadonlySet<string> = new Set(['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGABRT', 'SIGTRAP', 'SIGSYS'])

/** A shell that could not run its command says which. */
const lastLine = ({ lastLines }: WhyAttempt): string | null => lastLines.findLast((line) => line.trim() !== '')?.trim() ?? null

const withExit = ({ exitCode, signal }: WhyAttempt): string => (signal === null ? `exit code ${exitCode}` : signal)

/** Evidence of a text in its output is in quotes. */
const saidIn = (attempt: WhyAttempt, what: string, { evidence, certain }: ExitFinding): string =>
  evidence.startsWith('"')
    ? `${certain ? '' : 'perhaps '}${what}: its output says ${evidence} (${withExit(attempt)})`
    : `${certain ? '' : 'perhaps '}${what} (${evidence})`

/** Those to its survivors, one by one or together in their control group, came after its end. */
const isForLeader = ({ target }: SignalRecord): boolean => target.scope === 'leader' || target.scope === 'group'

/** The signal that ended it, where signalbox sent it. */
export const sentSignal = ({ signals, signal }: WhyAttempt): SignalRecord | undefined =>
  signals.findLast((one) => one.signal === signal && one.outcome === 'delivered' && isForLeader(one))

const bySignal = (attempt: WhyAttempt, signal: string): string => {
  const sent = sentSignal(attempt)
  if (sent?.askedBy === BY_CLOSE) return `it was ended by ${signal} when signalbox was closed`
  if (sent !== undefined) return `it was ended by ${signal}, which signalbox sent (${sent.askedBy})`
  if (FAULTS.has(signal)) return `it crashed: the system ended it by ${signal}, for a fault of the program itself`
  return `it was killed by ${signal}, which signalbox did not send: somebody else did, or the system`
}

const ofClass = (attempt: WhyAttempt, finding: ExitFinding): string => {
  const { exitCode, signal } = attempt
  switch (finding.class) {
    case 'notExecutable': {
      const line = lastLine(attempt)
      const said = line === null ? '' : `: "${line}"`
      return exitCode === 126
        ? `its shell found the command and could not execute it${said} (exit code 126)`
        : `its shell did not find the command${said} (exit code 127)`
    }
    case 'authentication':
      return saidIn(attempt, 'it failed to log in', finding)
    case 'rateLimited':
      return saidIn(attempt, 'it was rate-limited', finding)
    case 'memory':
      return finding.evidence.startsWith('"')
        ? saidIn(attempt, 'it ran out of memory', finding)
        : saidIn(attempt, 'it was killed for lack of memory', finding)
    case 'signal':
      return bySignal(attempt, signal ?? 'a signal')
    case 'failure':
      return `it failed with exit code ${exitCode}`
  }
}

/** How an attempt went wrong, in words that follow "because"; small letters, no full stop. */
export const failureText = (attempt: WhyAttempt, worktree: string | null): string => {
  const { error, errorCode, finding, exitCode, signal } = attempt
  if (errorCode === 'ERR_PTY_CWD_NOT_FOUND') {
    return `it could not start: the worktree ${worktree ?? ''} is gone; somebody removed it while the lane was running`.replace('  ', ' ')
  }
  if (error !== null)
    return `it could not start: ${error.replace(/\.$/u, '').replace(/^[A-Z](?=[a-z])/u, (letter) => letter.toLowerCase())}`
  if (finding !== null) return ofClass(attempt, finding)
  return signal === null ? `it failed with exit code ${exitCode}` : bySignal(attempt, signal)
}

/** How an attempt that was asked to stop went: whether it obeyed. */
export const stoppedText = ({ signals, signal, exitCode }: WhyAttempt): string => {
  const asked = signals.find((one) => one.signal === 'SIGTERM' && isForLeader(one))
  const killed = signals.find((one) => one.signal === 'SIGKILL' && isForLeader(one))
  if (killed !== undefined && signal === 'SIGKILL') {
    return asked === undefined
      ? 'it was killed at once (SIGKILL)'
      : `it was asked to end (SIGTERM), did not within ${((killed.at - asked.at) / 1_000).toFixed(1)} s, and was killed (SIGKILL)`
  }
  return signal === null ? `it was asked to end and did (exit code ${exitCode})` : `it was asked to end and did (${signal})`
}

/** The last that a program said, for a failure that says nothing else. */
export const lastWordsOf = (attempt: WhyAttempt): string => {
  const line = lastLine(attempt)
  const isTold = attempt.finding !== null && attempt.finding.class !== 'failure' && attempt.finding.class !== 'signal'
  return line === null || isTold ? '' : ` Its last words: "${line.slice(0, 200)}".`
}

/** A sentence: capital letter and full stop. */
export const sentence = (text: string): string => {
  const begun = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/u.test(begun) ? begun : `${begun}.`
}
