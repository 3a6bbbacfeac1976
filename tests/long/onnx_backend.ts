/**
 * All of ONNX's own single-operator cases, by the reference and through a session: none is wrong, and nearly all of the operators that the
 * toolkit reads are right. Prints the shares.
 */

import { assert, assertEquals } from "@std/assert";
import {
  backendCases,
  type Compute,
  judge,
  onReference,
  throughSession,
  type Verdict,
} from "../support/backend_cases.ts";
import { gpuTest, testDevice } from "../support/gpu.ts";

async function judgeAll(what: string, compute: Compute): Promise<void> {
  const cases = await backendCases();
  const verdicts: (readonly [name: string, claimed: boolean, verdict: Verdict])[] = [];
  for (const one of cases) verdicts.push([one.name, one.claimed, await judge(one, compute)]);
  const wrong = verdicts.filter(([, , { kind }]) => kind === "wrong").map(([name, , { detail }]) =>
    `${name}: ${detail}`
  );
  const claimed = verdicts.filter(([, isClaimed]) => isClaimed);
  const right = claimed.filter(([, , { kind }]) => kind === "right").length;
  const share = 100 * right / claimed.length;
  console.log(
    `${what}: ${cases.length} cases, ${claimed.length} of operators that are read, ${right} of them right (${
      share.toFixed(1)
    } %)`,
  );
  assertEquals(wrong, []);
  assert(share >= 85);
}

Deno.test("ONNX's own cases by the reference", () => judgeAll("reference", onReference));

for (const storage of ["texture", "buffer"] as const) {
  gpuTest(`ONNX's own cases through a session, activations in a ${storage}`, async () => {
    const device = await testDevice();
    await judgeAll(`session, ${storage}`, throughSession({ device, storage }));
  });
}
