/** Nodes that do not need each other in one dispatch, chains of poolings, and a Concat over what is no longer needed. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { Graph } from "../../src/graph/mod.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { buildPlan, type PlanOptions } from "../../src/plan/plan.ts";
import { Session, type SessionOptions } from "../../src/engine/session.ts";
import { gpuTest, testDevice } from "../support/gpu.ts";
import { comparePlan } from "../support/plan_case.ts";
import { QdqBuilder } from "../support/qdq.ts";
import { randomTensor } from "../support/random.ts";

const planOf = (graph: Graph, options: Partial<PlanOptions> = {}) =>
  buildPlan(graph, { form: { storage: "texture", scalar: "f32" }, maxPages: Infinity, ...options });

/** Operators of a plan between those that move tensors in and out. */
const between = (operators: readonly string[]) => operators.filter((name) => !/^To(Blocked|Plain)$/.test(name));

const operatorsOf = (graph: Graph, options?: Partial<PlanOptions>) =>
  between(planOf(graph, options).dispatches.map(({ operator }) => operator));

/** Extents of the maps of three levels, none of which a tile divides. */
const LEVELS = [[3, 13, 7], [9, 5, 5], [14, 1, 3]] as const;

/** A head over maps of three levels: 3x3 and 1x1 after each other, and depthwise beside them; `change` makes a level another. */
function head(change: (level: number) => { kernel?: number; relu?: boolean; deeper?: boolean } = () => ({})): Graph {
  const b = new ModelBuilder({ seed: 3 });
  const outputs = LEVELS.flatMap(([channels, height, width], level) => {
    const { kernel = 3, relu = false, deeper = false } = change(level), at = (name: string) => `${name}${level}`;
    const x = b.conv(at("pre"), b.input(at("x"), [2, 3, height, width]), {
      out: 4 * channels,
      kernel: 1 + 2 * (level % 2),
    });
    let y = b.activation(at("act"), b.conv(at("box"), x, { out: 6, kernel }), relu ? "relu" : "silu");
    if (deeper) y = b.conv(at("deeper"), y, { out: 6, kernel: 3 });
    const each = b.conv(at("each"), x, { out: 4 * channels, kernel: 3, groups: 4 * channels });
    return [b.conv(at("last"), y, { out: 5 }), b.conv(at("classes"), each, { out: 9 })];
  });
  return b.graph("head", outputs);
}

/** What a session computes of seeded inputs. */
async function computed(graph: Graph, options: SessionOptions): Promise<Float32Array[]> {
  const session = await Session.create(graph, { device: await testDevice(), ...options });
  const inputs = graph.inputs.map(({ name, shape }, i) =>
    [name, { shape, data: randomTensor(shape, 40 + i) }] as const
  );
  const found = await session.run(Object.fromEntries(inputs));
  session.destroy();
  return graph.outputs.map((output) => found[output].data as Float32Array);
}

gpuTest("the levels of a head are one dispatch a depth, whose numbers are those of single dispatches", async () => {
  const graph = head();
  await comparePlan(graph);
  // Two kinds of first layers; 3x3, depthwise, and all last layers at once.
  assertEquals(operatorsOf(graph).toSorted(), ["Conv", "Conv", "Conv", "Conv", "Conv+Silu"]);
  // Another kernel that suits all levels adds in another order.
  const [joined, separate] = [await computed(graph, {}), await computed(graph, { separate: true })];
  joined.forEach((numbers, i) =>
    numbers.forEach((number, at) => assertAlmostEquals(number, separate[i][at], 1e-6, `${i}[${at}]`))
  );
});

Deno.test("what differs is not joined: another kernel, another activation, one that needs the other", () => {
  /** Dispatches of the three layers with an activation. */
  const count = (change?: Parameters<typeof head>[0]) =>
    operatorsOf(head(change)).filter((operators) => operators.includes("+")).length;
  assertEquals(count(), 1);
  assertEquals(count((level) => ({ kernel: level === 1 ? 1 : 3 })), 2);
  assertEquals(count((level) => ({ relu: level === 2 })), 2);
  assertEquals(count((level) => ({ deeper: level === 0 })), 2, "of another depth");
  assertEquals(operatorsOf(head(), { separate: true }).length, 3 + 4 * LEVELS.length);

  const b = new ModelBuilder({ seed: 4 });
  const x = b.input("x", [1, 8, 9, 9]);
  const chain = ["one", "two", "three"].reduce((y, name) => b.conv(name, y, { out: 8 }), x);
  assertEquals(operatorsOf(b.graph("chain", [chain])), ["Conv", "Conv", "Conv"]);
});

gpuTest("convolutions of one input are joined although what follows them has another length", async () => {
  const b = new ModelBuilder({ seed: 5 });
  const x = b.conv("pre", b.input("x", [1, 3, 13, 11]), { out: 16, kernel: 3 });
  const branch = (name: string) => b.activation(`${name}.act`, b.conv(name, x, { out: 8 }), "silu");
  const [short, long] = [branch("short"), branch("long")];
  const deep = b.add("sum", long, b.conv("inner", long, { out: 8, kernel: 3 }));
  const y = b.conv("post", b.concat("both", [deep, short]), { out: 6 });
  const pair = b.graph("pair", [y]);
  await comparePlan(pair);
  // In textures: in buffers, where plain values lie between the pages, this little network would grow by more than a third.
  assertEquals(operatorsOf(pair), ["Conv", "Conv+Silu", "Conv", "Add", "Conv"]);
});

gpuTest("convolutions of bytes are joined, dense and depthwise", async () => {
  const X = { scale: 0.01, zero: 3 };
  const q = new QdqBuilder();
  const outputs = LEVELS.flatMap(([channels], level) => {
    const x = q.stored(`x${level}`, X), wide = 4 * channels;
    const dense = q.conv(x, `dense${level}`, { weight: [7, wide, 3, 3], x: X });
    const each = q.conv(x, `each${level}`, { weight: [wide, 1, 3, 3], groups: wide, x: X });
    return [dense, q.stored(each, X)];
  });
  const graph = q.graph(
    Object.fromEntries(
      LEVELS.map(([channels, height, width], level) => [`x${level}`, [1, 4 * channels, height, width]]),
    ),
    outputs,
  );
  const joined = planOf(graph).dispatches.filter(({ kernel }) => kernel.label.startsWith("conv int8"));
  assertEquals(joined.map(({ kernel }) => Number(kernel.constants.JOINED_STEPS ?? 1)), [3, 3]);
  for (const storage of ["texture", "buffer"] as const) {
    assertEquals(await computed(graph, { storage }), await computed(graph, { storage, separate: true }));
  }
});

Deno.test("kernels of one kind share a pipeline, joined or not", () => {
  // The levels' 1x1 and one 1x1 that nothing goes with.
  const b = new ModelBuilder({ seed: 6 });
  const maps = LEVELS.map(([channels, height, width], i) =>
    b.conv(`a${i}`, b.input(`x${i}`, [1, 4 * channels, height, width]), { out: 8 })
  );
  const graph = b.graph("heads", [...maps.slice(1), b.conv("more", maps[0], { out: 8 })]);
  const convs = planOf(graph).dispatches.filter(({ operator }) => operator.startsWith("Conv"));
  assert(convs.length < 4);
  assertEquals(new Set(convs.map(({ kernel }) => JSON.stringify([kernel.shader, kernel.constants]))).size, 1);
});

Deno.test("nodes are joined only where that takes little more memory", () => {
  // Large maps that would be one after the other are held at once.
  const branches = (channels: number) => {
    const b = new ModelBuilder({ seed: 7 });
    const outputs = [0, 1, 2].map((i) => {
      const wide = b.conv(`wide${i}`, b.input(`x${i}`, [1, 4, 40, 40]), { out: channels, kernel: 3 });
      return b.conv(`narrow${i}`, wide, { out: 4, kernel: 3 });
    });
    return b.graph("branches", outputs);
  };
  assertEquals(operatorsOf(branches(128)).length, 6);
  assertEquals(operatorsOf(branches(4)).length, 2);
});

gpuTest("poolings of poolings are one dispatch", async () => {
  const chain = (windows: readonly number[], shape: readonly number[]) => {
    const b = new ModelBuilder({ seed: 8 });
    const x = b.conv("pre", b.input("x", shape), { out: 6 }), maps = [x];
    windows.forEach((kernel, i) =>
      maps.push(b.maxPool(`pool${i}`, maps[i], { kernel, stride: 1, padding: kernel >> 1 }))
    );
    return b.graph("sppf", [b.conv("post", b.concat("all", maps), { out: 3 }), maps.at(-1)!]);
  };
  const three = await comparePlan(chain([5, 5, 5], [3, 2, 13, 17]));
  assertEquals(between(three.operators).slice(0, 2), ["Conv", "MaxPool+MaxPool+MaxPool"]);
  const two = await comparePlan(chain([3, 3], [1, 1, 3, 127]));
  assertEquals(between(two.operators).slice(0, 2), ["Conv", "MaxPool+MaxPool"]);
  assertEquals(operatorsOf(chain([5, 3], [1, 2, 9, 9])).filter((name) => name === "MaxPool").length, 2);
});

gpuTest("a Concat takes the place of a Split of which only a half goes on", async () => {
  const halves = (
    more: (b: ModelBuilder, half: string, worked: string) => string[] = () => [],
    before: (b: ModelBuilder, half: string) => string[] = () => [],
  ) => {
    const b = new ModelBuilder({ seed: 9 });
    const whole = b.conv("whole", b.input("x", [1, 3, 9, 7]), { out: 16 });
    const [kept, half] = b.split("halves", whole, [8, 8]);
    const early = before(b, half);
    const inner = b.activation("act", b.conv("inner", half, { out: 8, kernel: 3 }), "silu");
    const worked = b.conv("worked", inner, { out: 8, kernel: 3 });
    const others = more(b, half, worked);
    return b.graph("halves", [b.conv("post", b.concat("joint", [kept, worked]), { out: 5 }), ...early, ...others]);
  };
  const copies = (operators: readonly string[]) => operators.filter((name) => name === "Copy").length;
  assertEquals(copies((await comparePlan(halves())).operators), 0);
  // The other half is read when it would be written over, at that node, behind it, as an output, or in another Concat.
  const late = halves((b, half, worked) => [b.add("late", half, worked)]);
  assertEquals(copies((await comparePlan(late)).operators), 1);
  assertEquals(copies(operatorsOf(halves((_, half) => [half]), { blockedOutputs: ["halves.1"] })), 1);
  const twice = halves((b, half, worked) => [b.conv("again", b.concat("twice", [worked, half]), { out: 3 })]);
  assert(copies((await comparePlan(twice)).operators) > 0);
  // Who has read it before is not joined with who comes behind.
  const early = halves(undefined, (b, half) => [b.conv("early", half, { out: 5 })]);
  assertEquals(copies((await comparePlan(early)).operators), 0);
});
