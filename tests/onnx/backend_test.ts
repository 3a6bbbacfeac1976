/** A sample of ONNX's own single-operator cases; `tests/long/onnx_backend.ts` runs them all. */

import { assert, assertEquals } from "@std/assert";
import { type BackendCase, backendCases, judge, onReference, throughSession } from "../support/backend_cases.ts";
import { gpuTest, testDevice } from "../support/gpu.ts";

const CASES = await backendCases();

/** Every so many cases of those that are read. */
const sample = (every: number) => CASES.filter(({ claimed }) => claimed).filter((_, index) => index % every === 0);

async function wrongOf(cases: readonly BackendCase[], compute: Parameters<typeof judge>[1]) {
  const verdicts = [];
  for (const one of cases) verdicts.push([one.name, await judge(one, compute)] as const);
  const right = verdicts.filter(([, { kind }]) => kind === "right").length;
  const wrong = verdicts.filter(([, { kind }]) => kind === "wrong").map(([name, { detail }]) => `${name}: ${detail}`);
  return { wrong, share: right / cases.length };
}

Deno.test("by the reference no case of ONNX is wrong, and nearly all of the operators that are read are right", async () => {
  const { wrong, share } = await wrongOf(sample(1), onReference);
  assertEquals(wrong, []);
  assert(share >= 0.85, `${share}`);
});

Deno.test("cases of other operators are refused in a sentence", async () => {
  const { wrong, share } = await wrongOf(CASES.filter(({ claimed }) => !claimed), onReference);
  assertEquals(wrong, []);
  assert(share < 0.1, `${share}`);
});

gpuTest("through a session a sample of ONNX's cases is right", async () => {
  const { wrong, share } = await wrongOf(sample(17), throughSession({ device: await testDevice() }));
  assertEquals(wrong, []);
  assert(share >= 0.75, `${share}`);
});
