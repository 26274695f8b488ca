import type { JsonObject, JsonValue } from '../../src/contracts/json.ts';

/** A definition as a person writes it. */
export interface WrittenSkill {
  readonly name: string;
  readonly [field: string]: JsonValue;
}

/** A call of a skill. */
export interface Question {
  readonly skill: string;
  readonly input: JsonObject;
}

/** A way to a server: the same server is reached over REST and over gRPC. */
export interface Door {
  /** As the table says it, such as `REST`. */
  readonly name: string;
  readonly skills: readonly WrittenSkill[];
  /** A call that goes well, and what it has to give; for a generator, what its answer has to match. */
  readonly right: Question & { readonly output: JsonValue | ((output: JsonValue) => boolean) };
  /** Calls that are refused, with the code that they have to get. */
  readonly wrong: readonly (Question & { readonly what: string; readonly code: string })[];
  /** A call of a model that takes its time to load. */
  readonly loading: Question & {
    /** Makes the model load once more. Resolves when it has begun. */
    begin(): Promise<void>;
  };
  /** A model that the server unloads; undefined where the server cannot, with the reason. */
  readonly unloading:
    | (Question & {
        unload(): Promise<void>;
        /** Who has the model loaded again: a skill that has `readiness.load`, or this script, where no skill can. */
        readonly load: string | (() => Promise<void>);
      })
    | { readonly cannot: string };
  /** A call that takes seconds, and one that takes a moment, of a model that takes one at a time. */
  readonly long: Question;
  readonly short: Question;
  /** The call number `index` of many at once, and what it has to give. */
  many(index: number): Question & { readonly output: JsonValue | ((output: JsonValue) => boolean) };
}

/** A server that runs. */
export interface RunningServer {
  /** What it is, in its own words: `Triton 2.51.0`. */
  readonly version: string;
  readonly doors: readonly Door[];
}

/** A model server that can be installed here. */
export interface ModelServer {
  readonly name: string;
  /** Where it comes from, with the version, such as `nvidia-pytriton 0.7.0`. */
  readonly source: string;
  /**
   * Installs and starts it, and waits until it serves.
   *
   * @throws Error with the reason why it cannot be
   */
  start(): Promise<RunningServer>;
}
