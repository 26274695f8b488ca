import type { Delivery } from './consumer.ts';
import type { JobMessage } from './message.ts';

/** A delivery that is a job. */
export interface DeliveredJob {
  readonly message: JobMessage;
  readonly delivery: Delivery;
  /** What makes the run of this delivery the one that may store. */
  readonly fence: string;
}
