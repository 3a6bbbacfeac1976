/** Models of adapters as files: found by the driver's name or the file's, refused where they are damaged or missing. */

import { assertEquals, assertRejects } from "@std/assert";
import { pathToFileURL } from "node:url";
import shipped from "../../data/adapters/llvmpipe-llvm-15-0-6-256-bits.json" with { type: "json" };
import { FeatherdetError } from "../../src/graph/mod.ts";
import type { AdapterModel } from "../../src/hardware/adapter/model.ts";
import {
  adapterModelFile,
  adapterModelNames,
  adapterSlug,
  readAdapterModel,
  writeAdapterModel,
} from "../../src/host/adapter_models.ts";
import { inFolder } from "../support/data_folders.ts";

const MODEL = shipped as unknown as AdapterModel;

Deno.test("models of this machine come before those that were shipped, by the driver's name or the file's", () =>
  inFolder(async (folder) => {
    const [own, others] = ["own/", "others/"].map((name) => new URL(name, pathToFileURL(`${folder}/`)));
    const folders = [own, others];
    const name = "Card (R) 12 GB", file = adapterModelFile(name, others);
    assertEquals([adapterSlug(name), adapterSlug("()"), adapterModelNames(folders)], ["card-r-12-gb", "unnamed", []]);
    await writeAdapterModel({ ...MODEL, adapter: name }, file);
    assertEquals(await readAdapterModel("card-r-12-gb", folders), { ...MODEL, adapter: name });
    await writeAdapterModel({ ...MODEL, adapter: name, date: "later" }, adapterModelFile(name, own));
    assertEquals((await readAdapterModel(name, folders)).date, "later");
    assertEquals(adapterModelNames(folders), ["card-r-12-gb"]);
    const refused = (adapter: string, said: string) =>
      assertRejects(() => readAdapterModel(adapter, folders), FeatherdetError, said);
    await refused("other", 'no model of the adapter "other", but of card-r-12-gb: measure this adapter');
    await Deno.writeTextFile(adapterModelFile(name, own), `{"format":`);
    await refused(name, `is no JSON, so no model of the adapter "${name}"`);
    await Deno.writeTextFile(adapterModelFile(name, own), JSON.stringify({ ...MODEL, format: 7 }));
    await refused(name, `is no model of the adapter "${name}" (format: expected 1): measure this adapter`);
  }));

Deno.test("the model that comes with the toolkit is found", async () => {
  const folder = new URL("../../data/adapters/", import.meta.url);
  assertEquals(await readAdapterModel(MODEL.adapter, [folder]), MODEL);
});
