/** The convolution that leaves out blocks of zeros: against the reference and, bit for bit, the dense one; when it competes. */

import { assert, assertEquals } from "@std/assert";
import type { ConvAttributes, Node } from "../../src/graph/operators.ts";
import { NO_ACTIVATION } from "../../src/kernels/activation.ts";
import { chooseOption } from "../../src/kernels/candidate.ts";
import { convContest } from "../../src/kernels/conv.ts";
import { densePacking } from "../../src/kernels/conv_packing.ts";
import { LIST_ROWS, packBlocks, shareOfBlocks } from "../../src/kernels/sparse_weights.ts";
import type { Target } from "../../src/kernels/target.ts";
import { blockedLayout, formName, FORMS, PITCH, SOME_FORMS } from "../support/compare.ts";
import { gpuTest } from "../support/gpu.ts";
import { type CaseEpilogue, checkKernels } from "../support/kernel_case.ts";
import { node, PLAIN, weight } from "../support/tiny_graph.ts";
import { zeroBlocks } from "../support/zero_blocks.ts";

type Four = readonly [number, number, number, number];

interface Case {
  readonly x: Four;
  readonly weight: Four;
  readonly attributes?: Partial<ConvAttributes>;
  readonly op?: "Conv" | "ConvTranspose";
  readonly epilogue?: CaseEpilogue;
  /** Share of blocks that are zero; 0.7 by default. */
  readonly zeros?: number;
}

const SILU: Node = node("Silu", ["y"], ["z"], {});
const SAME = { pads: [1, 1, 1, 1] } as const;
const POINT: Case = { x: [1, 21, 13, 13], weight: [15, 21, 1, 1] };
const WINDOW: Case = { x: [3, 10, 13, 7], weight: [18, 10, 3, 3], attributes: SAME };

const CASES: Readonly<Record<string, Case>> = {
  "1x1": { ...POINT, epilogue: { activation: SILU, residual: "before activation" } },
  "1x1 of one row of 127": { x: [2, 9, 1, 127], weight: [7, 9, 1, 1] },
  "1x1 s2": { x: [1, 12, 9, 13], weight: [8, 12, 1, 1], attributes: { strides: [2, 2] } },
  "3x3": { ...WINDOW, epilogue: { activation: SILU, residual: "after activation" } },
  "3x3 of one channel to many": { x: [1, 1, 13, 7], weight: [13, 1, 3, 3], attributes: SAME, zeros: 0.4 },
  "3x3 s2": { x: [2, 11, 9, 13], weight: [6, 11, 3, 3], attributes: { ...SAME, strides: [2, 2] } },
  "transposed 3x3": { x: [1, 8, 7, 9], weight: [8, 12, 3, 3], attributes: SAME, op: "ConvTranspose", zeros: 0.3 },
};

function nodeOf({ attributes, op = "Conv" }: Case): Node {
  const all = { ...PLAIN, groups: 1, ...attributes };
  return op === "Conv"
    ? node("Conv", ["x", "w", "b"], ["y"], all)
    : node("ConvTranspose", ["x", "w", "b"], ["y"], { ...all, outputPadding: [0, 0] });
}

const inputsOf = ({ x, weight: shape, zeros = 0.7, op }: Case) => ({
  x: { shape: x },
  w: { shape, constant: true, range: [-0.5, 0.5] as const, edit: zeroBlocks(shape, zeros) },
  b: { shape: [op === "ConvTranspose" ? shape[1] : shape[0]], constant: true },
});

/** What competes for a case whose weights have these numbers. */
function contestOf(test: Case, target: Target = "software") {
  const { x, weight: shape, zeros = 0.7, attributes: { strides = [1, 1] } = {}, op } = test;
  const made = weight(shape), outputs = op === "ConvTranspose" ? shape[1] : shape[0];
  const data = zeroBlocks(shape, zeros)(made.data as Float32Array);
  const y = [x[0], outputs, Math.ceil(x[2] / strides[0]), Math.ceil(x[3] / strides[1])];
  return convContest({
    node: nodeOf(test) as Node<"Conv">,
    inputs: [
      { value: "x", shape: x, layout: blockedLayout(x) },
      { value: "w", shape, layout: { kind: "plain", shape }, constant: { ...made, data } },
    ],
    outputs: [{ value: "y", shape: y, layout: blockedLayout(y) }],
    epilogue: { activation: NO_ACTIVATION },
    pitch: PITCH,
    target,
  });
}

for (const form of SOME_FORMS) {
  gpuTest(`convolutions without blocks of zeros, ${formName(form)}`, async (_, step) => {
    for (const [what, test] of Object.entries(CASES)) {
      const options = contestOf(test).options.filter(({ kernel }) => kernel === "sparse");
      assert(options.length >= 2, what);
      // Forms differ in what every tile includes: the smallest compiles fast.
      const variants = options.map(({ variant }) => variant).filter((one) =>
        form === FORMS[0] || one.startsWith("x=2 y=2")
      );
      for (const variant of variants) {
        await step(`${what}: ${variant}`, () =>
          checkKernels(nodeOf(test), inputsOf(test), {
            ...{ form, layout: "blocked", epilogue: test.epilogue, slack: 2 },
            option: { kernel: "sparse", variant },
          }));
      }
    }
  });
}

gpuTest("leaving out zeros changes no bit", async () => {
  for (const [test, variant] of [[POINT, "x=2 y=2 outBlocks=1"], [WINDOW, "x=5 y=4 outBlocks=1"]] as const) {
    const run = async (kernel: string) => [
      ...(await checkKernels(nodeOf(test), inputsOf(test), {
        ...{ form: FORMS[0], layout: "blocked", slack: 2, option: { kernel, variant } },
      })).get("y")!,
    ];
    assertEquals(await run("sparse"), await run("direct"));
  }
});

gpuTest("lists longer than a layer go on in the next, on adapters that join outputs and on others", async () => {
  const test: Case = { x: [1, 250, 3, 2], weight: [270, 250, 1, 1], zeros: 0.3 };
  const data = zeroBlocks(test.weight, 0.3)(weight(test.weight).data as Float32Array);
  const source = { shape: test.weight, groups: 1, transposed: false, flip: false };
  const { rows, layers, pack } = packBlocks(densePacking(source, 1), { weight: { data } });
  assertEquals([rows, layers], [LIST_ROWS, 2]);
  assertEquals(pack().length, 4 * 5 * rows * layers);
  for (const form of SOME_FORMS) {
    for (const target of ["software", "hardware"] as const) {
      await checkKernels(nodeOf(test), inputsOf(test), {
        ...{ form, layout: "blocked", slack: 4, target },
        option: { kernel: "sparse", variant: "x=2 y=2 outBlocks=1" },
      });
    }
  }
});

Deno.test("blocks are counted where channels lie in cells: of four, of what is left, and from any lane", () => {
  const shape = [6, 10, 1, 1], data = new Float32Array(60);
  const source = { shape, groups: 1, transposed: false, flip: false };
  assertEquals(shareOfBlocks(densePacking(source, 1), data), 0);
  data[5 * 10 + 9] = 1;
  assertEquals(shareOfBlocks(densePacking(source, 1), data), 1 / 6);
  data[0 * 10 + 3] = 1;
  data[1 * 10 + 4] = NaN;
  assertEquals(shareOfBlocks(densePacking(source, 1), data), 3 / 6);
  // From lane 3 on, channels 1 to 4 are one block.
  assertEquals(shareOfBlocks(densePacking(source, 1, 3), data), 2 / 8);
});

Deno.test("it competes where enough blocks are zero, wins by estimate there, and measuring decides on hardware", () => {
  const at = (zeros: number, weight: Four, target?: Target) => {
    const { options, key } = contestOf({
      x: [1, weight[1], 40, 40],
      weight,
      attributes: weight[2] === 3 ? SAME : {},
      zeros,
    }, target);
    return {
      there: options.some(({ kernel }) => kernel === "sparse"),
      chosen: chooseOption({ options, revision: "" }).kernel,
      key,
    };
  };
  for (const shape of [[64, 64, 3, 3], [128, 128, 1, 1]] as const) {
    assertEquals([at(0, shape).there, at(0.1, shape).there], [true, true].map(() => false));
    for (const zeros of [0.6, 0.7, 0.9]) assertEquals(at(zeros, shape).chosen, "sparse", `${shape} ${zeros}`);
    const hardware = at(0.7, shape, "hardware");
    assert(hardware.there && hardware.chosen !== "sparse");
    assert(/ blocks-\d+%$/.test(at(0.7, shape).key) && !at(0, shape).key.includes("blocks"));
  }
});
