/**
 * A device that fails when it is told to. It is a real one: what a failed call leaves behind (an invalid buffer, a submission that did not
 * happen, a device that is gone) is the driver's own, and only the cause is ours.
 *
 * @module
 */

import { type Armed, armed, Countdown, type Fault, type Grounds, replaceMethod } from "./fault.ts";

interface Scope {
  readonly filter: GPUErrorFilter;
  error?: GPUError;
}

/** A device whose calls can be made to fail. */
export class FaultyDevice {
  readonly device: GPUDevice;
  /** What nobody asked for: errors outside of all error scopes. */
  readonly unasked: string[] = [];
  readonly #scopes: Scope[] = [];

  private constructor(device: GPUDevice) {
    this.device = device;
    device.addEventListener("uncapturederror", (event) => {
      event.preventDefault();
      this.unasked.push((event as GPUUncapturedErrorEvent).error.message);
    });
    replaceMethod(device, "pushErrorScope", (push) => (filter: GPUErrorFilter) => {
      this.#scopes.push({ filter });
      return push(filter);
    });
    replaceMethod(device, "popErrorScope", (pop) => () => {
      const scope = this.#scopes.pop();
      return pop().then((error) => scope?.error ?? error);
    });
  }

  /** Opens one, as `openDevice` does. */
  static async open(): Promise<FaultyDevice> {
    const adapter = (await navigator.gpu.requestAdapter())!;
    const { maxTextureArrayLayers } = adapter.limits;
    return new FaultyDevice(await adapter.requestDevice({ requiredLimits: { maxTextureArrayLayers } }));
  }

  /** Reports an error as the device does: to the innermost scope that takes it. */
  report(error: GPUError): void {
    const filter = error instanceof GPUOutOfMemoryError ? "out-of-memory" : "validation";
    const scope = this.#scopes.findLast((one) => one.filter === filter);
    if (scope) scope.error ??= error;
    else this.unasked.push(error.message);
  }

  /** Makes a call of the device itself whose error nobody hears of. */
  quietly<Result>(work: () => Result): Result {
    this.device.pushErrorScope("validation");
    try {
      return work();
    } finally {
      this.device.popErrorScope().catch(() => {});
    }
  }
}

const EXHAUSTED = "not enough memory left";

/** Arms several replacements with one countdown. */
function replaced(at: number, begin: (countdown: Countdown) => (() => void)[]): Armed {
  const countdown = new Countdown(at);
  const backs = begin(countdown);
  return armed(countdown, () => backs.forEach((back) => back()));
}

/** Buffers and textures: an invalid one is made, and its use is refused by the driver. */
const allocation: Fault<FaultyDevice> = {
  name: "allocation fails",
  arm: (ground, at) =>
    replaced(at, (countdown) => {
      const { device } = ground;
      const exhausted = () => ground.report(new GPUOutOfMemoryError(EXHAUSTED));
      return [
        replaceMethod(device, "createBuffer", (create) => (descriptor: GPUBufferDescriptor) => {
          if (!countdown.fails()) return create(descriptor);
          exhausted();
          return ground.quietly(() => create({ ...descriptor, size: 2 ** 44 }));
        }),
        replaceMethod(device, "createTexture", (create) => (descriptor: GPUTextureDescriptor) => {
          if (!countdown.fails()) return create(descriptor);
          exhausted();
          return ground.quietly(() => create({ ...descriptor, size: [2 ** 20, 1, 1] }));
        }),
      ];
    }),
};

/** Uploads need memory of their own: the data do not arrive, all else goes on. */
const upload: Fault<FaultyDevice> = {
  name: "upload fails",
  arm: (ground, at) =>
    replaced(at, (countdown) => {
      const { queue } = ground.device;
      const refuses = () => {
        if (!countdown.fails()) return false;
        ground.report(new GPUOutOfMemoryError(EXHAUSTED));
        return true;
      };
      type Call = (...given: never[]) => undefined;
      const hooked = (call: Call) => (...given: never[]) => refuses() ? undefined : call(...given);
      return [
        replaceMethod(queue, "writeBuffer", (write) => hooked(write as Call) as typeof write),
        replaceMethod(queue, "writeTexture", (write) => hooked(write as Call) as typeof write),
      ];
    }),
};

function submission(name: string, says: (ground: FaultyDevice) => void): Fault<FaultyDevice> {
  return {
    name,
    arm: (ground, at) =>
      replaced(at, (countdown) => [
        replaceMethod(ground.device.queue, "submit", (submit) => (commands: Iterable<GPUCommandBuffer>) => {
          if (countdown.fails()) says(ground);
          else submit(commands);
          return undefined;
        }),
      ]),
  };
}

const MAP_ASYNC = GPUBuffer.prototype.mapAsync;

const mapping: Fault<FaultyDevice> = {
  name: "mapping fails",
  arm: (_, at) =>
    replaced(at, (countdown) => [
      replaceMethod(GPUBuffer.prototype, "mapAsync", () =>
        function (this: GPUBuffer, ...given: Parameters<GPUBuffer["mapAsync"]>) {
          if (countdown.fails()) {
            return Promise.reject(new DOMException("mapping failed", "OperationError"));
          }
          return MAP_ASYNC.apply(this, given);
        }),
    ]),
};

const pipeline: Fault<FaultyDevice> = {
  name: "shader is refused",
  wantsFresh: true,
  arm: (ground, at) =>
    replaced(at, (countdown) => [
      replaceMethod(
        ground.device,
        "createComputePipelineAsync",
        (create) => (descriptor: GPUComputePipelineDescriptor) =>
          countdown.fails() ? Promise.reject(new Error("internal compiler error")) : create(descriptor),
      ),
    ]),
};

/** The device goes away just before a submission. */
const loss: Fault<FaultyDevice> = {
  name: "device is lost",
  isFinal: true,
  wantsFresh: true,
  arm: (ground, at) =>
    replaced(at, (countdown) => [
      replaceMethod(ground.device.queue, "submit", (submit) => (commands: Iterable<GPUCommandBuffer>) => {
        if (countdown.fails()) ground.device.destroy();
        submit(commands);
        return undefined;
      }),
    ]),
};

/** All faults of a device. */
export const GPU_FAULTS: readonly Fault<FaultyDevice>[] = [
  allocation,
  upload,
  submission(
    "submission is refused",
    (ground) => ground.report(new GPUValidationError("the command buffer is invalid")),
  ),
  submission("submission is dropped", () => {}),
  mapping,
  pipeline,
  loss,
];

/** Devices that trials share, since pipelines are compiled once a device. */
export function deviceGrounds(): Grounds<FaultyDevice> {
  let opening: Promise<FaultyDevice> | undefined, shared: FaultyDevice | undefined;
  return {
    for: async (fault) =>
      fault.wantsFresh ? await FaultyDevice.open() : shared = await (opening ??= FaultyDevice.open()),
    fresh: () => FaultyDevice.open(),
    leave: (ground) => {
      if (ground !== shared) ground.device.destroy();
    },
    unheard: ({ unasked }) => unasked,
  };
}
