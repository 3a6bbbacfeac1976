/** URLs of queues, and stores in folders. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { FeatherdetError } from "../../src/graph/error.ts";
import { parseQueueUrl } from "../../src/queue/address.ts";
import { isLost } from "../../src/queue/database.ts";
import { folderFiles } from "../../src/queue/files.ts";
import { openJobQueue } from "../../src/queue/job_queue.ts";
import { inFolder } from "../support/data_folders.ts";

Deno.test("a queue's URL says where it is, and no password is shown", () => {
  const { kind, place, name, shown } = parseQueueUrl("postgresql://me:secret@host:5433/db?sslmode=require&name=slow");
  assertEquals([kind, place, name], ["postgres", "postgresql://me:secret@host:5433/db?sslmode=require", "slow"]);
  assertEquals(shown, "postgresql://me@host:5433/db");
  assertEquals(parseQueueUrl("pglite:a b/c?files=/mnt/x"), {
    ...{ kind: "folder", place: "a b/c", files: "/mnt/x", name: "jobs", shown: "pglite:a b/c" },
  });
  assertEquals(parseQueueUrl("pglite:").kind, "memory");
  const wrong: [string, string][] = [
    ["redis://host", 'not "redis://host"'],
    ["mysql://me:secret@host/x", 'not "mysql://me@host/x"'],
    ["pglite:x?files=a&port=3", 'no option "port"'],
    ["pglite:x?name=1-a", 'the name "1-a"'],
  ];
  for (const [url, says] of wrong) assertThrows(() => parseQueueUrl(url), FeatherdetError, says);
});

Deno.test("a server that is not there is told of at once, without its password", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  const error = await assertRejects(() => openJobQueue(`postgres://me:secret@127.0.0.1:${port}/db`), FeatherdetError);
  assertEquals(error.message.includes("secret"), false);
  assertEquals(
    error.message.startsWith(`the queue postgres://me@127.0.0.1:${port}/db cannot be opened: connect `),
    true,
  );
});

Deno.test("what a restart breaks is run again, what is wrong with a statement is not", () => {
  const coded = (code: string) => Object.assign(new Error("x"), { code });
  for (const code of ["57P01", "57P03", "08006", "ECONNREFUSED"]) assertEquals(isLost(coded(code)), true);
  for (const code of ["23505", "42P01", "57014"]) assertEquals(isLost(coded(code)), false);
  assertEquals(isLost(new Error("Connection terminated unexpectedly")), true);
  assertEquals(isLost(new FeatherdetError("ended")), false);
});

Deno.test("a shared folder keeps files by their hash and tells of damaged ones", () =>
  inFolder(async (folder) => {
    const files = folderFiles(folder), bytes = new TextEncoder().encode("abc");
    const hash = await files.put(bytes);
    // FIPS 180-2, appendix B.1.
    assertEquals(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assertEquals(await files.get(hash), bytes);
    assertEquals([await files.has(hash), await files.has("../x"), await files.has("0".repeat(64))], [
      true,
      false,
      false,
    ]);
    await Deno.writeTextFile(join(folder, "ba", hash), "abd");
    await assertRejects(() => files.get(hash), FeatherdetError, "it is damaged");
    await assertRejects(() => files.get("../../etc/passwd"), FeatherdetError, "has no file");
  }));
