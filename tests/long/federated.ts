/** Federated training over a queue with clients in processes of their own, two of which are killed. */

import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { command } from "../support/command_line.ts";
import { inFolder } from "../support/data_folders.ts";
import { gpuTest } from "../support/gpu.ts";

/** A command; `onSaid` is told all that it has said so far, `ended` what was on stdout. */
function started(args: readonly string[], onSaid: (said: string) => void = () => {}) {
  const child = command(args).spawn();
  let said = "";
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    let own = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      [own, said] = [own + text, said + text];
      onSaid(said);
    }
    return own;
  };
  const ended = Promise.all([child.status, read(child.stdout), read(child.stderr)]);
  return { child, ended: ended.then(([{ code }, stdout, stderr]) => ({ code, stdout, stderr })) };
}

interface Result {
  rounds: { asked: number[]; heard: number[]; sentBytes: number; skipped?: string }[];
}

const MODEL = ["--model", "yolo11n", "--no-pretrained", "--width", "0.0625", "--depth", "0.3", "--size", "64"];

const DATA = ["--data", "synthetic", "--limit", "32", "--val-limit", "8", "--batch", "4", "--val-every", "3"];

gpuTest(
  "four client processes under masks; two more rounds without them while two are killed",
  () =>
    inFolder(async (folder) => {
      const url = `pglite:${join(folder, "queue")}`;
      // The database is held by a process that stays.
      const served = Promise.withResolvers<void>();
      const holder = started(["queue", "serve", "--queue", url], (said) => {
        if (said.includes("is served at")) served.resolve();
      });
      await served.promise;
      const ready = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
      const clients = ready.map(({ resolve }, client) =>
        started(["federated", "--client", String(client), "--queue", url], (line) => {
          if (line.includes("takes jobs")) resolve();
        })
      );
      try {
        await Promise.all(ready.map(({ promise }) => promise));
        const serve = (more: readonly string[], onLine?: (line: string) => void) =>
          started(["federated", ...MODEL, ...DATA, "--clients", "4", "--queue", url, "--json", ...more], onLine).ended;
        const secure = await serve(["--rounds", "1", "--secure", "--out", join(folder, "secure")]);
        assertEquals(secure.code, 0, secure.stderr);
        assertEquals((JSON.parse(secure.stdout) as Result).rounds.map(({ heard }) => heard), [[0, 1, 2, 3]]);
        clients[1].child.kill("SIGKILL");
        clients[3].child.kill("SIGKILL");
        const out = ["--out", join(folder, "plain"), "--compression", "int8"];
        const plain = await serve(["--rounds", "2", "--deadline", "60", ...out]);
        assertEquals(plain.code, 0, plain.stderr);
        const { rounds } = JSON.parse(plain.stdout) as Result;
        assertEquals(rounds.map(({ asked, heard }) => [asked, heard]), [[[0, 1, 2, 3], [0, 2]], [[0, 1, 2, 3], [
          0,
          2,
        ]]]);
        assert(rounds.every(({ sentBytes }) => sentBytes > 0));
        // Under masks two of four are no majority: nothing is uncovered, and nothing changes.
        const few = await serve(["--rounds", "1", "--secure", "--deadline", "20", "--out", join(folder, "few")]);
        assertEquals((JSON.parse(few.stdout) as Result).rounds[0].skipped, "too few clients answered");
      } finally {
        for (const { child } of [...clients, holder]) {
          try {
            child.kill("SIGINT");
          } catch {
            // It was killed before.
          }
        }
        await Promise.all([...clients, holder].map(({ ended }) => ended));
      }
    }),
);
