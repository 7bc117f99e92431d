import { busDelivery } from './bus-delivery.property.ts'
import { actorLives } from './actor-lives.property.ts'
import { askDeadlines } from './ask-deadlines.property.ts'
import { controlFrames, controlLines, controlNoise, controlSwitch } from './control-decoders.property.ts'
import { crashStorm } from './crash-storm.property.ts'
import { inputOnce } from './input-queue.property.ts'
import { kernelIntrospection } from './kernel-introspection.property.ts'
import { kernelMessages } from './kernel-messages.property.ts'
import { idsAscend, idsTold } from './machines/ids.property.ts'
import { laneWalks, ptyWalks } from './machines/machines.property.ts'
import { outputNews } from './output-news.property.ts'
import type { Proven } from './proven.ts'
import { logUnended, logWhole } from './ring-log.property.ts'
import { ringMemory } from './ring-memory.property.ts'
import { readersOfOutput, ringNewest } from './ring.property.ts'
import { runsAsPlanned, runsCrashed, runsRecovered, runsStopped } from './run-lanes.property.ts'
import { screensKept } from './screen-kept.property.ts'
import { screensDrawn } from './screen.property.ts'
import { suspension } from './suspension.property.ts'
import { supervisorCommands } from './supervisor-commands.property.ts'
import { supervisorOtp } from './supervisor-otp.property.ts'
import { supervisorRecover } from './supervisor-recover.property.ts'
import { supervisorSafety } from './supervisor-safety.property.ts'
import { supervisorShutdown } from './supervisor-shutdown.property.ts'
import { terminalConditions } from './terminal-conditions.property.ts'
import { terminalHealth } from './terminal-health.property.ts'
import { tmuxControl, tmuxLastWords } from './tmux-control.property.ts'

/** Every property that must catch planted bugs. A property's own type of scenario does not matter here. */
export const allProven: readonly Proven<unknown>[] = [
  ...askDeadlines,
  ...kernelIntrospection,
  ...kernelMessages,
  ...actorLives,
  ...crashStorm,
  ...suspension,
  ...supervisorCommands,
  ...supervisorOtp,
  ...supervisorRecover,
  ...supervisorSafety,
  ...supervisorShutdown,
  busDelivery,
  controlLines,
  controlSwitch,
  controlFrames,
  controlNoise,
  ptyWalks,
  laneWalks,
  idsAscend,
  idsTold,
  ringNewest,
  readersOfOutput,
  ringMemory,
  inputOnce,
  logWhole,
  logUnended,
  outputNews,
  tmuxControl,
  tmuxLastWords,
  screensDrawn,
  terminalHealth,
  terminalConditions,
  screensKept,
  runsAsPlanned,
  runsStopped,
  runsCrashed,
  runsRecovered,
] as readonly Proven<unknown>[]
