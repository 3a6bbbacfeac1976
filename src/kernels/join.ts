/**
 * Several steps in one dispatch: kernels of one shader, specialised alike, of which none reads what another writes. Their workgroups follow
 * each other; each finds its own parameters, its rows in what is bound and its layers of the weights (`shaders/lib/entry.wgsl`).
 *
 * A dispatch costs a software adapter as much as some hundred thousand products, and small maps do not keep hardware busy.
 *
 * @module
 */

import {
  i32,
  type Kernel,
  type KernelBinding,
  type Layout,
  type PackedInt8Weights,
  type PackedWeights,
  type Parameters,
  type StorageForm,
  struct,
  valuesOf,
  vec4i,
} from "./kernel.ts";
import { SHADERS } from "./shaders.ts";

/** Where values lie: pages of row memory. */
export interface JoinMemory {
  readonly form: Pick<StorageForm, "storage" | "pageShift">;
  readonly placements: ReadonlyMap<
    string,
    { readonly layout: Layout; readonly offset: number; readonly extent: number }
  >;
}

/** Most workgroups of a joint dispatch: what one axis holds. */
const MOST_GROUPS = 65535;

/** Most layers of weights: what every adapter's textures have. */
const MOST_LAYERS = 256;

/** Bindings whose tensors begin at a row that the step's parameters name. */
const MOST_TENSORS = 5;

/** True where the kernel's shader can compute several steps. */
export function isJoinable({ shader, bindings }: Kernel): boolean {
  return bindings.length <= MOST_TENSORS && SHADERS[shader].includes('#include "lib/entry.wgsl"') &&
    bindings.every(({ kind }) => kind === "read" || kind === "write" || kind === "weights" || kind === "int8 weights");
}

/** What kernels of one joint dispatch have in common. */
export function joinKey({ shader, constants, bindings }: Kernel): string {
  const bound = bindings.map((binding) =>
    "weights" in binding ? [binding.kind, binding.weights.columns] : binding.kind
  );
  return JSON.stringify([shader, constants, bound]);
}

type Packed<Words> = Omit<PackedWeights, "pack"> & { readonly pack: () => Words };

/** Weights of several steps, whose rows are of one length, layer behind layer; undefined if there are too many. */
function joinWeights<Words extends Float32Array | Uint32Array>(
  all: readonly Packed<Words>[],
  create: (length: number) => Words,
): Packed<Words> | undefined {
  const [{ columns }] = all;
  const rows = Math.max(...all.map((one) => one.rows)), layers = all.reduce((sum, one) => sum + one.layers, 0);
  if (layers > MOST_LAYERS) return undefined;
  const pack = () => {
    const words = create(4 * columns * rows * layers);
    let layer = 0;
    for (const one of all) {
      const packed = one.pack(), length = 4 * columns * one.rows;
      for (let i = 0; i < one.layers; i++) {
        words.set(packed.subarray(i * length, (i + 1) * length), 4 * columns * rows * layer++);
      }
    }
    return words;
  };
  return { columns, rows, layers, pack };
}

/** A binding of all steps, and where each step's tensor begins in it. */
interface JoinedBinding {
  readonly binding: KernelBinding;
  readonly rows: readonly number[];
  /** Pages that are bound. */
  readonly range?: { readonly arena: string; readonly first: number; readonly end: number; readonly writes: boolean };
}

function joinValues(steps: readonly KernelBinding[], { form, placements }: JoinMemory): JoinedBinding | undefined {
  const bound = steps.flatMap((binding) => valuesOf(binding)), values = [...new Set(bound)];
  const binding = { kind: steps[0].kind as "read" | "write", value: values[0] };
  const places = values.map((value) => placements.get(value));
  const rows = bound.map(() => 0);
  // What is not in row memory has no rows: then it is one and the same.
  if (places.some((place) => place?.layout.kind !== "blocked")) {
    return values.length === 1 ? { binding, rows } : undefined;
  }
  const arenas = places.map((place) => (place!.layout as { readonly int8?: object }).int8 ? "int8" : "floats");
  if (new Set(arenas).size > 1) return undefined;
  const first = Math.min(...places.map((place) => place!.offset));
  const end = Math.max(...places.map((place) => place!.offset + place!.extent));
  return {
    binding: values.length > 1 ? { ...binding, besides: values.slice(1) } : binding,
    rows: bound.map((value) => (placements.get(value)!.offset - first) << form.pageShift),
    range: { arena: arenas[0], first, end, writes: binding.kind === "write" },
  };
}

function joinBinding(steps: readonly KernelBinding[], memory: JoinMemory): JoinedBinding | undefined {
  const [{ kind }] = steps;
  const rows = steps.map(() => 0);
  if (kind === "weights") {
    const all = steps.map((one) => (one as { readonly weights: PackedWeights }).weights);
    const weights = joinWeights(all, (length) => new Float32Array(length));
    return weights && { binding: { kind, weights }, rows };
  }
  if (kind === "int8 weights") {
    const all = steps.map((one) => (one as { readonly weights: PackedInt8Weights }).weights);
    const weights = joinWeights(all, (length) => new Uint32Array(length));
    return weights && { binding: { kind, weights }, rows };
  }
  return joinValues(steps, memory);
}

/** True where the adapter refuses to bind these together: written memory is bound once, as is that of a writable buffer. */
function collide(ranges: readonly NonNullable<JoinedBinding["range"]>[], { form }: JoinMemory): boolean {
  return ranges.some((a, i) =>
    ranges.slice(0, i).some((b) =>
      a.arena === b.arena && a.first < b.end && b.first < a.end && (a.writes || b.writes || form.storage === "buffer")
    )
  );
}

/** A step's parameters where `rows` of weights make a layer. */
function withRows(parameters: Parameters, rows: number | undefined): Parameters {
  return rows !== undefined && parameters.weightRows ? { ...parameters, weightRows: i32(rows) } : parameters;
}

/**
 * One dispatch of several steps; undefined where their kernels differ in more than parameters, or their tensors lie so that one binding
 * cannot hold those of all.
 */
export function joinKernels(kernels: readonly Kernel[], memory: JoinMemory): Kernel | undefined {
  const [first] = kernels, key = joinKey(first);
  if (!kernels.every((kernel) => isJoinable(kernel) && joinKey(kernel) === key)) return undefined;
  const bindings: JoinedBinding[] = [];
  for (const i of first.bindings.keys()) {
    const joined = joinBinding(kernels.map((kernel) => kernel.bindings[i]), memory);
    if (!joined) return undefined;
    bindings.push(joined);
  }
  if (collide(bindings.flatMap(({ range }) => range ?? []), memory)) return undefined;
  const weights = bindings.flatMap(({ binding }) => "weights" in binding ? [binding.weights] : [])[0];
  let groups = 0, layers = 0;
  const steps = kernels.map((kernel, step) => {
    const [x, y, z] = kernel.workgroups;
    const rows = Array.from({ length: MOST_TENSORS }, (_, i) => bindings[i]?.rows[step] ?? 0);
    const parameters = {
      rows: vec4i(rows),
      place: vec4i([rows[4], layers, groups, 0]),
      grid: vec4i([x, y, z, 0]),
      params: struct(withRows(kernel.parameters, weights?.rows)),
    };
    groups += x * y * z;
    layers += kernel.bindings.reduce((sum, one) => sum + ("weights" in one ? one.weights.layers : 0), 0);
    return [`step${step}`, struct(parameters)] as const;
  });
  if (groups > MOST_GROUPS) return undefined;
  const labels = [...new Set(kernels.map(({ label }) => label))];
  return {
    label: labels.length === 1 ? `${labels[0]} x ${kernels.length}` : labels.join(", "),
    shader: first.shader,
    constants: { ...first.constants, JOINED_STEPS: kernels.length },
    parameters: Object.fromEntries(steps),
    bindings: bindings.map(({ binding }) => binding),
    workgroups: [groups, 1, 1],
  };
}

/** First workgroup of a step that no dispatch reaches. */
const NEVER = 2 ** 30;

/** The same dispatch with room for more steps, which are never reached. */
function widened(kernel: Kernel, steps: number): Kernel {
  const { step0 } = kernel.parameters;
  if (step0.type !== "struct") return kernel;
  const idle = struct({ ...step0.value, place: vec4i([0, 0, NEVER, 0]) });
  const all = Array.from({ length: steps }, (_, i) => [`step${i}`, kernel.parameters[`step${i}`] ?? idle] as const);
  return { ...kernel, constants: { ...kernel.constants, JOINED_STEPS: steps }, parameters: Object.fromEntries(all) };
}

/** Steps of a dispatch; 1 where it has no room for several. */
const stepsOf = ({ constants }: Kernel) => Number(constants.JOINED_STEPS ?? 1);

/**
 * Kernels that share pipelines where some are dispatches of several steps and others of one: those of one kind get room for as many steps
 * as any of them has. To compile a pipeline takes longer than all that the room costs.
 */
export function shareJoined(kernels: readonly Kernel[], memory: JoinMemory): Kernel[] {
  const keyOf = (kernel: Kernel) => {
    const { JOINED_STEPS: _, ...constants } = kernel.constants;
    const int8 = kernel.bindings.map((binding) => {
      const layout = memory.placements.get(valuesOf(binding)[0])?.layout;
      return layout?.kind === "blocked" && layout.int8 !== undefined;
    });
    return joinKey({ ...kernel, constants }) + int8.join();
  };
  const most = new Map<string, number>();
  for (const kernel of kernels) {
    if (stepsOf(kernel) > 1) most.set(keyOf(kernel), Math.max(most.get(keyOf(kernel)) ?? 1, stepsOf(kernel)));
  }
  return kernels.map((kernel) => {
    const steps = most.get(keyOf(kernel));
    if (steps === undefined) return kernel;
    const joined = stepsOf(kernel) > 1 ? kernel : joinKernels([kernel], memory);
    return joined ? widened({ ...joined, label: kernel.label }, steps) : kernel;
  });
}
