import { CONTROL_VERSION } from '../../protocols/control/limits.ts'
import type { DeadLetterInfo } from '../../protocols/control/views.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import { diagnose } from '../doctor/doctor.ts'
import type { Methods, Served } from './method.types.ts'

type Names = 'hello' | 'status' | 'why' | 'dead-letters.list' | 'doctor' | 'orchestrator.stop'

/** What is there, and how it fares. */
export const inspectMethods = ({ runtime, version, startedAt, clients, stop, stopped }: Served): Pick<Methods, Names> => ({
  hello: {
    run({ protocols, client }, { connection }) {
      if (!protocols.includes(CONTROL_VERSION)) {
        const text = `this orchestrator (signalbox ${version}) speaks version ${CONTROL_VERSION} of the control protocol, the client ${protocols.join(', ')}`
        throw new SignalboxError('ERR_CONTROL_VERSION', text, { context: { server: CONTROL_VERSION, client: protocols } })
      }
      connection.greeted(client ?? 'a client')
      return { protocol: CONTROL_VERSION, version, pid: process.pid, workspaceId: runtime.workspaceId }
    },
  },
  status: {
    async run() {
      const lanes = (await runtime.records.lanes()).filter(({ endedAt }) => endedAt === null)
      const runs = (await runtime.records.runs()).filter((run) => run.endedAt === null && runtime.isAlive(run.owner))
      const terminals = (await runtime.terminals.list()).filter(({ pid }) => pid !== null)
      return {
        pid: process.pid,
        version,
        workspaceId: runtime.workspaceId,
        stateDirectory: runtime.stateDirectory,
        startedAt,
        state: runtime.isClosing ? 'stopping' : 'running',
        counts: { lanes: lanes.length, terminals: terminals.length, runs: runs.length, clients: clients() },
      }
    },
  },
  why: { run: ({ subject, run }) => runtime.why(subject, run) },
  'dead-letters.list': {
    run: () => ({
      letters: runtime.deadLetters().map(({ number, at, to, from, type, reason, stack }): DeadLetterInfo => ({
        number,
        at,
        to,
        from,
        type,
        reason,
        stack: stack ?? null,
      })),
    }),
  },
  doctor: { run: async () => ({ report: await diagnose({ ...runtime.places, fix: false }) }) },
  'orchestrator.stop': {
    async run(_params, { progress, afterwards }) {
      afterwards(stopped)
      return stop(progress)
    },
  },
})
