import { busDelivery } from './bus-delivery.property.ts'
import { kernelMessages } from './kernel-messages.property.ts'
import { laneWalks, ptyWalks } from './machines/machines.property.ts'
import type { Proven } from './proven.ts'
import { supervisorCommands } from './supervisor-commands.property.ts'
import { supervisorOtp } from './supervisor-otp.property.ts'
import { supervisorSafety } from './supervisor-safety.property.ts'
import { supervisorShutdown } from './supervisor-shutdown.property.ts'

/** Every property that must catch planted bugs. A property's own type of scenario does not matter here. */
export const allProven: readonly Proven<unknown>[] = [
  kernelMessages,
  supervisorCommands,
  supervisorOtp,
  supervisorSafety,
  supervisorShutdown,
  busDelivery,
  ptyWalks,
  laneWalks,
] as readonly Proven<unknown>[]
