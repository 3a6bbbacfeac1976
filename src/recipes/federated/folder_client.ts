/**
 * A client of federated training on this machine: pictures of data sets by name, and a folder for what stays with it between rounds.
 *
 * @module
 */

import { join } from "node:path";
import { kindOf, readBytes } from "../../data/files.ts";
import { openDataset } from "../../data/open.ts";
import { makeFolder } from "../../host/table_files.ts";
import { writeWhole } from "../../host/whole_file.ts";
import type { FileStore } from "../../queue/files.ts";
import { FederatedClient, type KeptNumbers, type LocalTraining } from "./client.ts";
import { dealDataset } from "./deal.ts";

/** What a client has of its own. */
export interface FolderClientOptions {
  /** How it trains; by SGD on this adapter by default. */
  readonly training?: LocalTraining;
  /** Its own pictures, whatever the server says. */
  readonly pictures?: { readonly data: string; readonly split?: string };
}

/** Numbers in files of a folder. */
function folderNumbers(folder: string): KeptNumbers {
  const fileOf = (name: string) => join(folder, `${name}.bin`);
  return {
    async read(name) {
      const file = fileOf(name);
      return kindOf(file) === "file" ? new Float32Array((await readBytes(file)).buffer) : undefined;
    },
    async write(name, numbers) {
      await makeFolder(folder);
      await writeWhole(fileOf(name), new Uint8Array(numbers.slice().buffer));
    },
  };
}

/**
 * A client that opens data sets by name: its own, or its share of the one that the server names. The client's methods throw FeatherdetError
 * as `openDataset` and `dealDataset` do.
 */
export function folderClient(
  files: FileStore,
  folder: string,
  { training, pictures: own }: FolderClientOptions = {},
): FederatedClient {
  return new FederatedClient(files, {
    ...(training && { training }),
    kept: folderNumbers(folder),
    async pictures({ data, split, limit, deal, client }) {
      if (own) return await openDataset(own.data, { split: own.split ?? split });
      const all = await openDataset(data, { split, limit });
      return deal === undefined ? all : dealDataset(all, deal.how, deal)[client];
    },
    validation: async ({ data, split, limit }) => await openDataset(data, { split, limit }),
  });
}
