/** Whether a model can be called. */
export type ReadinessState = 'ready' | 'loading' | 'not_ready' | 'unreachable' | 'gpu_exhausted';

/** What one probe of a model found. */
export interface ModelStatus {
  readonly state: Exclude<ReadinessState, 'gpu_exhausted'>;
  /** For people: what the server said. */
  readonly reason: string;
}

/** The memory of one GPU at one moment. */
export interface GpuMemory {
  readonly index: string;
  readonly uuid: string;
  readonly totalMib: number;
  readonly usedMib: number;
  readonly freeMib: number;
  /** Share of time that the GPU computed, 0 to 100; undefined where the driver does not say. */
  readonly utilizationPercent: number | undefined;
}

/** What a source tells at one moment. */
export interface GpuReading {
  /** Every GPU whose memory it tells. */
  readonly gpus: readonly GpuMemory[];
  /** Requests that wait at the server, where it is one and says so. */
  readonly waiting?: number;
  /** How much of the KV cache is taken, 0 to 1. */
  readonly cacheShare?: number;
  /** How much of each loaded model lies in GPU memory, 0 to 1, by the model's name. */
  readonly gpuShares?: ReadonlyMap<string, number>;
}

/** Who tells how the GPUs are. */
export interface GpuSource {
  /**
   * Reads them once.
   *
   * @throws Error where the source cannot be read or takes too long
   */
  read(signal: AbortSignal): Promise<GpuReading>;
}

/** The state of a model, as it is shown. */
export interface Readiness {
  readonly state: ReadinessState;
  readonly reason: string;
  /** When this state began, in milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly gpu?: GpuMemory;
}

/** What the gateway knows of one model, kept up to date beside the calls. */
export interface ReadinessView {
  /** Undefined until the first probe has ended. */
  readonly current: Readiness | undefined;
  /** How long until the next probe, in milliseconds: when a caller that was turned away may find news. */
  readonly nextProbeMs: number;
  /** Resolves at the next change of the state. Rejects with the signal's reason. */
  changed(signal: AbortSignal): Promise<void>;
  /** A call met a model that is not ready: probe now. */
  suspect(): void;
}

/** What loads a model that its server has not loaded. */
export interface ModelLoader {
  /**
   * Has the model loaded, once for all who ask at the same time.
   *
   * @throws what the load throws, or the signal's reason, which does not end the load
   */
  load(signal: AbortSignal): Promise<void>;
}
