import { randomUUID } from 'node:crypto';
import type { JobExecution, JobWant } from '../../contracts/jobs.ts';
import type { Warn } from '../../lib/warn.ts';
import { wornOut } from '../lost-run.ts';
import type { Consumer, Delivery } from './consumer.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Delays } from './delays.ts';
import type { DeliveredJob } from './delivered-job.ts';
import { readMessage } from './message.ts';
import type { JobRecords } from './records.ts';
import type { Runs } from './runs.ts';
import { createWaitingRoom } from './waiting-room.ts';

/** Gives out the jobs whose messages have come. */
export interface Taker {
  /** As `JobQueue.take`. */
  take(want: JobWant): Promise<readonly JobExecution[]>;
  /** A message has come. */
  receive(delivery: Delivery): void;
  /** Lets no more come, and gives back what waits here, until the next `take`. */
  rest(): void;
}

export interface TakerOptions {
  readonly records: JobRecords;
  readonly consumer: Consumer;
  readonly delays: Delays;
  readonly deadLetters: DeadLetters;
  readonly runs: Runs;
  /** Called when there is something to take. */
  readonly onDue: () => void;
  readonly warn: Warn;
}

/** How long a job without a place stays here, where it is the first to be started, in milliseconds. */
const stayMs = 100;

/** Lets as many messages come as there are runs wanted, and asks Redis for each whether it may start. */
export function createTaker(options: TakerOptions): Taker {
  const { records, consumer, delays, deadLetters, runs, onDue, warn } = options;
  const room = createWaitingRoom();
  const processId = randomUUID();
  let lastFence = 0;
  let isResting = true;
  let places = new Map<string, number>();
  let making: NodeJS.Timeout | undefined;

  function putBack(job: DeliveredJob): void {
    if (isResting) job.delivery.requeue();
    else room.add(job);
  }

  async function giveUp(job: DeliveredJob, fence: string, attempts: number): Promise<void> {
    const { id, requestId } = job.message.request;
    const error = wornOut(attempts, requestId);
    if (await records.giveUp({ id, fence }, error)) await deadLetters.put(job, error);
    else job.delivery.requeue();
  }

  /** Starts a job, or does with its message what is to be done. */
  async function start(
    job: DeliveredJob,
    sharedLimit: number,
    withText = false,
  ): Promise<JobExecution | undefined> {
    const { message, delivery, fence } = job;
    const reply = await records.take(message, { fence, sharedLimit, withText });
    switch (reply[0]) {
      case 'run':
        return runs.hold(job, Number(reply[1]), reply[2] === '1');
      case 'lost':
        return start(job, sharedLimit, true);
      case 'over':
        delivery.ack();
        break;
      case 'dead':
        await deadLetters.put(job, JSON.parse(reply[1]));
        break;
      case 'held':
      case 'early':
        void delays.put(job, reply[1]);
        break;
      case 'crowded':
        // The others of this skill need not ask.
        places.set(message.request.skill, 0);
        putBack(job);
        break;
      case 'worn':
        await giveUp(job, reply[1], Number(reply[2]));
        break;
    }
    return undefined;
  }

  async function startAll(want: JobWant): Promise<readonly JobExecution[]> {
    const started: JobExecution[] = [];
    for (;;) {
      const chosen = room.choose(places, want.count - started.length);
      if (chosen.length === 0) return started;
      const limitOf = ({ message }: DeliveredJob) => want.sharedLimits.get(message.request.skill) ?? -1;
      const results = await Promise.allSettled(chosen.map((job) => start(job, limitOf(job))));
      const failures = results.filter((result) => result.status === 'rejected');
      results.forEach((result, index) => {
        const job = chosen[index];
        if (result.status === 'rejected') {
          if (job) putBack(job);
          return;
        }
        if (result.value) started.push(result.value);
        else if (job) freePlace(job.message.request.skill);
      });
      if (failures[0] && started.length === 0) throw failures[0].reason;
      if (failures.length > 0) return started;
    }
  }

  function freePlace(skill: string): void {
    const left = places.get(skill);
    if (left !== undefined && left > 0) places.set(skill, left + 1);
  }

  /** Puts off what has no place, so that it is in nobody's way, here or at another worker. */
  function makeRoom(ms: number): void {
    for (const job of room.chooseWithoutPlace(places, ms)) void delays.putBehind(job);
    clearTimeout(making);
    if (room.size > 0) making = setTimeout(makeRoom, stayMs, stayMs).unref();
  }

  return {
    async take(want) {
      if (want.count <= 0) return [];
      isResting = false;
      const most = want.count + runs.count;
      consumer.start(most);
      places = new Map(want.places);
      const started = await startAll(want);
      // Where everything that may come is here, nothing comes that has a place.
      const isBlocked = started.length < want.count && runs.count + room.size >= most;
      makeRoom(isBlocked ? 0 : stayMs);
      return started;
    },
    receive(delivery) {
      const message = readMessage(delivery.text);
      if (message === undefined) {
        warn('job_message_unreadable', new Error('A message in the queue of the jobs is not a job.'));
        void deadLetters.refuse(delivery);
        return;
      }
      lastFence += 1;
      room.add({ message, delivery, fence: `${processId}:${lastFence}` });
      onDue();
    },
    rest() {
      isResting = true;
      clearTimeout(making);
      consumer.pause();
      for (const { delivery } of room.empty()) delivery.requeue();
    },
  };
}
