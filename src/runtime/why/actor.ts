import type { DeadLetter } from '../../kernel/types.ts'
import { HANDLER_LIMIT_MS } from '../../kernel/limits.ts'
import { duration, span } from '../../protocols/words.ts'
import type { WhyCause, WhyRemedy } from '../../protocols/why.ts'
import type { Inspection } from '../../supervisors/system.types.ts'
import { crashesOf } from './evidence.ts'
import { sentence } from './failure.ts'
import type { Told, WhyFacts } from './facts.ts'
import { remedy } from './remedies.ts'

/** A handler that takes longer keeps others waiting. */
const LONG_MS = 1_000

const many = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** What became of messages: what follows their number. */
const FATES: Readonly<Record<DeadLetter['reason'], string>> = {
  'not-found': 'found nobody: it did not run',
  ended: 'came when it had ended',
  restarted: 'waited for it when it was restarted, and went with its mailbox',
  full: 'found its mailbox full',
  poison: 'made it crash',
  fenced: 'came from a sender that had been given up',
}

type Lost = { readonly letter: DeadLetter; readonly count: number }

/** Equal ones together, by their last. */
const together = (letters: readonly DeadLetter[]): readonly Lost[] => {
  const groups = Map.groupBy(letters, ({ reason, type, from }) => `${reason} ${type} ${from}`)
  return [...groups.values()].flatMap((group) => {
    const letter = group.at(-1)
    return letter === undefined ? [] : [{ letter, count: group.length }]
  })
}

const fateOf = ({ letter: { type, reason }, count }: Lost): string => `${many(count, 'message')} (${type}) ${FATES[reason]}`

const letterCauses = (letters: readonly DeadLetter[]): readonly WhyCause[] =>
  together(letters).map((lost) => ({
    at: lost.letter.at,
    sequence: null,
    what: `${fateOf(lost)}${lost.letter.reason === 'poison' ? '' : ', and was lost'}`.replace(
      /^((?!1 ).*), and was lost$/u,
      '$1, and were lost',
    ),
    by: lost.letter.from === null ? null : nameOf(lost.letter.from),
  }))

const lostText = (letters: readonly DeadLetter[]): string =>
  together(letters)
    .filter(({ letter }) => letter.reason !== 'poison' && letter.reason !== 'full')
    .map((lost) => `Lost: ${sentence(fateOf(lost))}`)
    .join(' ')

const handlingText = ({ handling, name }: Inspection): string | null => {
  if (handling === null) return null
  const sender = handling.from === null || nameOf(handling.from) === name ? '' : `, from ${nameOf(handling.from)}`
  const time = handling.forMs === null ? '' : ` for ${duration(handling.forMs)}`
  return `It has been at work on one message (${handling.type}${sender})${time}, and takes no other until that is done.`
}

const mailText = ({ mailbox }: Inspection): string | null => {
  if (mailbox.now >= mailbox.limit)
    return `Its mailbox is full: ${mailbox.now} messages wait, and it takes no more (${mailbox.dropped} refused so far).`
  if (mailbox.now === 0)
    return mailbox.dropped === 0 ? null : `Its mailbox was full for a while: ${many(mailbox.dropped, 'message')} found no place.`
  return `${many(mailbox.now, 'message')} wait${mailbox.now === 1 ? 's' : ''} for it.`
}

const isHung = ({ handling, mailbox }: Inspection): boolean =>
  handling !== null && (handling.forMs === null || handling.forMs >= LONG_MS || mailbox.now >= mailbox.limit)

const lastExitText = ({ lastExit, restarts }: Inspection): string | null => {
  if (lastExit === null || restarts === 0) return null
  const error = lastExit.error?.message
  return `It was restarted ${restarts === 1 ? 'once' : `${restarts} times`}; the last time because it ${lastExit.reason}${error === undefined ? '' : `: ${error}`}.`
}

/** Of an actor that runs. */
const living = (facts: WhyFacts, actor: Inspection): Told => {
  const letters = facts.seen.deadLetters.filter(({ to }) => nameOf(to) === actor.name)
  const hung = isHung(actor)
  const isFull = actor.mailbox.now >= actor.mailbox.limit
  const texts = [hung ? handlingText(actor) : null, mailText(actor), lastExitText(actor), lostText(letters)]
  const told = texts.filter((text) => text !== null && text !== '')
  const lasts = hung && actor.handling?.forMs != null ? actor.handling.forMs : actor.upMs
  // Whole ms, as all times that are told.
  const since = lasts === null ? null : Math.round(facts.now - lasts)
  const isRestarting = actor.state === 'restarting' || actor.state === 'starting'
  const { window } = actor
  const budget = window === null ? '' : ` (${window.used} of ${window.allowed} restarts within ${span(window.withinMs)} used)`
  return {
    state:
      hung || isFull
        ? 'stuck'
        : isRestarting
          ? 'restarting'
          : actor.state === 'ended'
            ? 'ended'
            : actor.state === 'stopping'
              ? 'stopping'
              : 'running',
    since,
    summary: told.length > 0 ? told.join(' ') : isRestarting ? 'It crashed and is being restarted.' : 'It runs, and waits for messages.',
    next: hung
      ? {
          what: `if it is still at that message, it is given up and started anew${budget}; messages that wait for it are lost`,
          at: actor.handling?.forMs == null || since === null ? null : since + HANDLER_LIMIT_MS,
        }
      : { what: `should it crash, ${actor.supervisor ?? 'nobody'} restarts it${budget}`, at: null },
    remedies: [
      ...(hung ? [remedy('give it up now; the processes that it looks after go on', `signalbox kill ${actor.name}`)] : []),
      ...(facts.crash === null
        ? []
        : [remedy('a crash inside signalbox is a fault of signalbox: report it, with this', `signalbox crashes ${facts.crash.id}`)]),
      remedy('see its figures', `signalbox info ${actor.name}`),
    ],
    causes: letterCauses(letters),
  }
}

/** A reference names an incarnation: `name$2`. */
const nameOf = (to: string): string => to.replace(/\$\d+$/u, '')

/** Of an actor that does not run, or not in the process that answers. */
const gone = (facts: WhyFacts): Told => {
  const { name } = facts.subject
  const letters = facts.seen.deadLetters.filter(({ to }) => nameOf(to) === name)
  const crash = crashesOf(facts.events.filter(({ payload }) => payload['name'] === name)).at(-1)
  const remedies: readonly WhyRemedy[] =
    facts.crash === null
      ? []
      : [remedy('a crash inside signalbox is a fault of signalbox: report it, with this', `signalbox crashes ${facts.crash.id}`)]
  const lost = lostText(letters)
  const ended = crash === undefined ? 'It does not run.' : `It does not run any more. Its last crash: ${sentence(crash.error)}`
  return {
    state: 'ended',
    since: crash?.at ?? null,
    summary: lost === '' ? ended : `${ended} ${lost}`,
    next: null,
    remedies,
    causes: letterCauses(letters),
  }
}

export const explainActor = (facts: WhyFacts): Told => {
  const actor = facts.seen.actors.find(({ name }) => name === facts.subject.name)
  return actor === undefined || actor.state === 'ended' ? gone(facts) : living(facts, actor)
}

/**
 * What keeps an actor behind a lane or command from its work: then nothing else that is told of it is news. Null where
 * nothing does.
 */
export const stuckActor = (facts: WhyFacts): Told | null => {
  const actor = facts.seen.actors.find((one) => one.handling?.forMs != null && one.handling.forMs >= LONG_MS)
  if (actor === undefined) return null
  const told = living(facts, actor)
  const text = told.summary.replace(/^It has/u, 'has')
  return {
    ...told,
    summary: `The part of signalbox that looks after it (${actor.name}) ${text}`,
    remedies: [remedy('see more of that part', `signalbox why ${actor.name}`), ...told.remedies],
  }
}
