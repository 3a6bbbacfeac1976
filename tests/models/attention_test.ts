/** Attention blocks as graphs: the reference and the plan against the papers' formulas; export and choice by name. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { TrainingSession } from "../../src/engine/training_session.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { analyze, type Graph, inferTypes } from "../../src/graph/mod.ts";
import {
  attention,
  ATTENTION_KINDS,
  type AttentionKind,
  bottleneckOf,
  cbam,
  simam,
  squeezeExcite,
} from "../../src/models/attention.ts";
import { ModelBuilder } from "../../src/models/builder.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { referenceTensor, runReference } from "../../src/reference/run.ts";
import { buildTrainingGraph } from "../../src/train/mod.ts";
import {
  cbamChannelGates,
  channelStatistics,
  hardSigmoid,
  type Map4,
  mapped,
  pixelGates,
  relu,
  sigmoid,
  simamFormula,
  squeezeExciteGates,
} from "../support/attention_formulas.ts";
import { lossOf, moved, slope } from "../support/finite_differences.ts";
import { gpuTest } from "../support/gpu.ts";
import { comparePlan } from "../support/plan_case.ts";
import { randomTensor } from "../support/random.ts";

const SHAPES = [[3, 13, 13, 7], [1, 18, 1, 1], [2, 5, 4, 127]] as const;

/** A graph of one block; `path` of its weights is "block". */
function blockGraph(shape: readonly number[], block: (b: ModelBuilder, x: string) => string): Graph {
  const b = new ModelBuilder({ seed: 3 });
  return b.graph("block", [block(b, b.input("x", shape))]);
}

function evaluate(graph: Graph, x: Map4 & { data: Float32Array }): ArrayLike<number> {
  return runReference(graph, { x: referenceTensor(x.shape, x.data) }).get(graph.outputs[0])!.data;
}

function assertNear(found: ArrayLike<number>, expected: readonly number[], what: string): void {
  assertEquals(found.length, expected.length, what);
  expected.forEach((value, i) => {
    assert(Math.abs(found[i] - value) <= 1e-6 * (1 + Math.abs(value)), `${what}: ${found[i]} at ${i}, not ${value}`);
  });
}

const dense = (graph: Graph, path: string) => ({
  weight: graph.constants.get(`${path}.weight`)!.data,
  bias: graph.constants.get(`${path}.bias`)?.data,
});

Deno.test("attention: squeeze-and-excitation is what Hu et al. write", () => {
  for (const shape of SHAPES) {
    for (const [gate, formula] of [["sigmoid", sigmoid], ["hardsigmoid", hardSigmoid]] as const) {
      const map = { shape, data: randomTensor(shape, 1, -3, 3) };
      const graph = blockGraph(shape, (b, x) => squeezeExcite(b, "block", x, { squeeze: 6, gate }));
      const gates = squeezeExciteGates(map, [dense(graph, "block.fc1"), dense(graph, "block.fc2")], [relu, formula]);
      assertNear(evaluate(graph, map), mapped(map, (value, n, c) => value * gates[n][c]), `${shape}, ${gate}`);
    }
  }
});

Deno.test("attention: CBAM is what Woo et al. write", () => {
  for (const shape of SHAPES) {
    const map = { shape, data: randomTensor(shape, 1, -3, 3) };
    const graph = blockGraph(shape, (b, x) => cbam(b, "block", x, { reduction: 2, kernel: 5 }));
    const layers = [dense(graph, "block.channel.fc1"), dense(graph, "block.channel.fc2")] as const;
    const channel = cbamChannelGates(map, layers);
    const scaled = { shape, data: mapped(map, (value, n, c) => value * channel[n][c]) };
    const pixel = pixelGates(channelStatistics(scaled), dense(graph, "block.spatial.conv").weight);
    assertNear(evaluate(graph, map), mapped(scaled, (value, n, _, i) => value * pixel[n][i]), String(shape));
  }
});

Deno.test("attention: SimAM is what Yang et al. write", () => {
  for (const shape of SHAPES) {
    const map = { shape, data: randomTensor(shape, 1, -3, 3) };
    const graph = blockGraph(shape, (b, x) => simam(b, "block", x, { lambda: 1e-3 }));
    assertNear(evaluate(graph, map), simamFormula(map, 1e-3), String(shape));
  }
});

gpuTest("attention: every kind runs in few steps and as the reference, odd shapes", async () => {
  const steps: Record<AttentionKind, string[]> = {
    none: [],
    se: ["SqueezeExcite", "Mul"],
    cbam: ["SqueezeExcite2", "Mul+ChannelStatistics", "SpatialGate"],
    simam: ["SimAM"],
  };
  for (const kind of ATTENTION_KINDS) {
    for (const shape of SHAPES) {
      const graph = blockGraph(shape, (b, x) => {
        const wide = b.conv("pre", x, { out: 18, kernel: 3 });
        return b.activation("post", attention(b, "block", wide, { kind }), "relu");
      });
      const { operators } = await comparePlan(graph);
      const own = operators.filter((name) => !/^(ToBlocked|ToPlain|Conv|Relu|Conv\+Relu)$/.test(name));
      assertEquals(own, steps[kind]);
    }
  }
});

gpuTest("attention: every kind is trained by the slopes of the reference", async () => {
  const shape = [3, 5, 13, 7], data = randomTensor(shape, 1, -2, 2);
  for (const kind of ATTENTION_KINDS) {
    const b = new ModelBuilder({ seed: 3 });
    const y = attention(b, "block", b.conv("pre", b.input("x", shape), { out: 6, kernel: 3 }), { kind });
    const axes = { axes: [0, 1, 2, 3], keepDims: false };
    const value = b.node("ReduceMean", "loss", [b.mul("squares", y, y)], axes);
    const problem = buildTrainingGraph(b.graph("net", [value]));
    const session = await TrainingSession.create({ ...problem, losses: [{ name: "squares", value }] });
    await session.step({ x: data });
    const gradients = await session.gradients();
    session.destroy();
    const parameters = problem.parameters.map(({ name, initial }) =>
      [name, referenceTensor(initial.shape, initial.data)] as const
    );
    const feeds = { x: referenceTensor(shape, data), ...Object.fromEntries(parameters) };
    const loss = new Map([[value, referenceTensor([], [1])]]);
    for (const [name, { data: { length } }] of parameters) {
      const found = gradients.get(name)!, greatest = Math.max(...found.map(Math.abs));
      for (const at of [0, length >> 1, length - 1]) {
        const direction = new Map([[name, Array.from({ length }, (_, i) => Number(i === at))]]);
        // So short that no other element becomes the greatest.
        const wanted = slope((by) => lossOf(problem.graph, moved(feeds, direction, by), loss), 1e-6);
        const near = Math.abs(found[at] - wanted) <= 1e-4 * greatest + 1e-7;
        assert(near, `${kind}, ${name}[${at}]: ${found[at]}, the reference rises by ${wanted}`);
      }
    }
  }
});

Deno.test("attention: kinds replace one another; none adds nothing; sizes are those asked for", () => {
  const parameters = ATTENTION_KINDS.map((kind) => {
    const graph = blockGraph([1, 32, 8, 8], (b, x) => attention(b, "block", x, { kind, reduction: 4, kernel: 3 }));
    assertEquals(inferTypes(graph).get(graph.outputs[0])?.shape, [1, 32, 8, 8]);
    return analyze(graph).parameters;
  });
  const products = 2 * 32 * 8 + 8 + 32;
  assertEquals(parameters, [0, products, products + 2 * 3 * 3, 0]);
  assertEquals([bottleneckOf(512), bottleneckOf(24), bottleneckOf(100, 8)], [32, 4, 13]);
  assertThrows(() => blockGraph([1, 8, 4, 4], (b, x) => cbam(b, "block", x, { kernel: 4 })), FeatherdetError, "odd");
});

Deno.test("attention: exported as ONNX and read back, every kind computes the same", async () => {
  for (const kind of ATTENTION_KINDS.slice(1)) {
    const shape = [2, 6, 5, 7] as const, map = { shape, data: randomTensor(shape, 1) };
    const graph = blockGraph(shape, (b, x) => attention(b, "block", x, { kind }));
    const back = await loadOnnx(saveOnnx(graph));
    assertEquals(evaluate(back, map), evaluate(graph, map), kind);
  }
});

Deno.test("attention: a file read at another size computes what a block made for that size does", async () => {
  for (const kind of ATTENTION_KINDS.slice(1)) {
    const block = (shape: readonly number[]) => blockGraph(shape, (b, x) => attention(b, "block", x, { kind }));
    const shape = [3, 6, 9, 4] as const, map = { shape, data: randomTensor(shape, 1) };
    const changed = await loadOnnx(saveOnnx(block([2, 6, 5, 7])), { shapes: { x: [...shape] } });
    assertEquals(evaluate(changed, map), evaluate(block(shape), map), kind);
  }
});
