/** Secure aggregation: the sum under masks is that of the plain integers, with and without lost clients; a single contribution is hidden. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FeatherdetError } from "../../../src/graph/error.ts";
import { Random } from "../../../src/numbers/random.ts";
import { fromFixed, toFixed } from "../../../src/train/federated/fixed_point.ts";
import { expandSeed, type Revealed, SecureClient, unmask } from "../../../src/train/federated/secure.ts";

const LENGTH = 127, THRESHOLD = 3;

/** A round of five clients of which some vanish after dealing, and some more after sending. */
async function round(vanishBefore: readonly number[], vanishBehind: readonly number[] = []) {
  const random = new Random(7), how = { range: 1, weights: 100 };
  const clients = await Promise.all(Array.from({ length: 5 }, (_, i) => SecureClient.create(10 + i)));
  const ring = new Map(await Promise.all(clients.map(async (client) => [client.id, await client.keys()] as const)));
  const dealt = new Map(
    await Promise.all(clients.map(async (one) => [one.id, await one.deal(ring, THRESHOLD)] as const)),
  );
  const plain = new Map(clients.map(({ id }) => {
    const vector = Array.from({ length: LENGTH }, () => random.uniform(-1.2, 1.2));
    return [id, toFixed(vector, id, how)];
  }));
  const staying = clients.filter(({ id }) => !vanishBefore.includes(id));
  const sent = new Map(
    await Promise.all(staying.map(async (client) => {
      const shares = new Map(
        [...dealt].filter(([id]) => id !== client.id).map(([id, all]) => [id, all.get(client.id)!]),
      );
      return [client.id, await client.masked(plain.get(client.id)!, shares)] as const;
    })),
  );
  const heard = new Set(sent.keys());
  const revealed = staying.filter(({ id }) => !vanishBehind.includes(id)).map((one) => one.reveal(heard, THRESHOLD));
  const sum = new Uint32Array(LENGTH);
  for (const { id } of staying) plain.get(id)!.forEach((value, i) => sum[i] += value);
  return { ring, dealt: new Set(dealt.keys()), sent, revealed, sum, plain, staying, how };
}

Deno.test("the sum under masks is the plain sum bit for bit, also when clients vanish before or behind sending", async () => {
  const cases: [number[], number[]][] = [[[], []], [[11], []], [[10, 14], []], [[13], [12]]];
  for (const [before, behind] of cases) {
    const { sent, sum, plain, ...rest } = await round(before, behind);
    assertEquals(await unmask(sent, { ...rest, threshold: THRESHOLD }), sum);
    for (const [id, integers] of sent) {
      // A single one is noise: about one number in 2^32 stays what it was.
      assert(integers.every((value, i) => value !== plain.get(id)![i]), `client ${id} is not masked`);
    }
  }
});

Deno.test("too few clients tell nothing, shares are handed out once, changed ones are noticed", async () => {
  const { sent, staying, revealed, ...rest } = await round([]);
  await assertRejects(
    () => unmask(sent, { ...rest, revealed: revealed.slice(0, 2), threshold: THRESHOLD }),
    FeatherdetError,
    "2 clients have revealed their shares, 3 are needed",
  );
  assertThrows(() => staying[0].reveal(new Set(sent.keys()), THRESHOLD), FeatherdetError, "once");
  // Nobody hands out both secrets of a client.
  const both = (one: Revealed) => [...one.seeds.keys()].filter((id) => one.keys.has(id));
  assertEquals(revealed.flatMap(both), []);
  const pair = await Promise.all([SecureClient.create(1), SecureClient.create(2)]);
  const ring = new Map(await Promise.all(pair.map(async (one) => [one.id, await one.keys()] as const)));
  await assertRejects(() => pair[0].deal(ring, 1), FeatherdetError, "1 of 2 clients are no majority");
  await pair[0].deal(ring, 2);
  const shares = (await pair[1].deal(ring, 2)).get(1)!;
  shares[20] ^= 1;
  await assertRejects(
    () => pair[0].masked(new Uint32Array(3), new Map([[2, shares]])),
    FeatherdetError,
    "the shares of client 2 cannot be read",
  );
  assertThrows(() => pair[0].reveal(new Set([1]), 2), FeatherdetError, "only 1 clients have sent");
});

Deno.test("seeds give the key stream of AES-256 in counter mode", async () => {
  // The hash key H of test case 13 of the GCM specification (McGrew and Viega 2004): key 0, block 0.
  const stream = await expandSeed(new Uint8Array(32), 4);
  const hex = [...new Uint8Array(stream.buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  assertEquals(hex, "dc95c078a2408989ad48a21492842087");
});

Deno.test("integers stand for the weighted mean within half a step a client", () => {
  const how = { range: 2, weights: 30 }, random = new Random(3);
  const clients = [13, 1, 16].map((weight) => ({
    weight,
    vector: Array.from({ length: 13 }, () => random.uniform(-2, 2)),
  }));
  const sum = new Uint32Array(13);
  for (const { vector, weight } of clients) toFixed(vector, weight, how).forEach((value, i) => sum[i] += value);
  const mean = fromFixed(sum, 30, how), step = 2 / ((2 ** 31 - 1) / 30 - 1);
  mean.forEach((value, i) => {
    const exact = clients.reduce((total, { vector, weight }) => total + weight * vector[i], 0) / 30;
    assert(Math.abs(value - exact) <= step / 2 * 1.001, `${value} against ${exact}`);
  });
  // The greatest sum there can be does not wrap.
  const most = new Uint32Array(1);
  for (let i = 0; i < 30; i++) most[0] += toFixed([5], 1, how)[0];
  assert(Math.abs(fromFixed(most, 30, how)[0] - 2) < 1e-6);
  assertThrows(() => toFixed([NaN], 1, how), FeatherdetError, "not finite");
  assertThrows(() => toFixed([1], 1, { range: 1, weights: 2 ** 30 }), FeatherdetError, "leave no room in 32 bits");
});
