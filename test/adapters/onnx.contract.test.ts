import { startModelThread } from '../../src/adapters/onnx/thread.ts';
import type { Adapter } from '../../src/contracts/adapter.ts';
import { describeAdapterContract } from './contract.ts';
import { makeAdapter } from './onnx/setup.ts';

const absent = (what: string, url: string) => ({
  what,
  createAdapter: async (): Promise<Adapter> => makeAdapter({ url }),
  error: { code: 'model_not_ready', retryable: true, mayHaveRun: false } as const,
  state: 'not_ready' as const,
});

describeAdapterContract('onnx', ['is not there', 'is no model'], async () => {
  let runs = 0;
  let answersNonsense = false;
  let begin: (() => void) | undefined;
  const adapter = makeAdapter({
    url: 'file:slow.onnx',
    startThread(setup) {
      const thread = startModelThread(setup);
      return {
        ...thread,
        async run(tensors, attempt) {
          runs += 1;
          const worksLong = begin;
          begin = undefined;
          if (!worksLong) return answersNonsense ? {} : thread.run(tensors, attempt);
          const rounds = { type: 'int64', dims: [], data: BigInt64Array.of(200_000n) } as const;
          const sent = () => {
            attempt.sent();
            worksLong();
          };
          return thread.run({ rounds }, { signal: attempt.signal, sent });
        },
      };
    },
  });

  return {
    adapter,
    input: { rounds: 1 },
    output: { trace: 16 },
    inferences: () => runs,
    workForever() {
      // As long as a run can be made to last whose end somebody has to wait for: it cannot be interrupted.
      const begun = Promise.withResolvers<void>();
      begin = begun.resolve;
      return { begun: begun.promise };
    },
    answerNonsense() {
      answersNonsense = true;
    },
    absent: [absent('is not there', 'file:gone.onnx'), absent('is no model', 'file:make.py')],
    cleanUp: () => adapter.close(),
  };
});
