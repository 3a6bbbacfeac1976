/**
 * A folder that somebody has chosen, as the readers of data sets see files. Nothing is read but what they ask for.
 *
 * @module
 */

import type { FileSystem, FolderEntry } from "../../src/data/file_system.ts";

/** Files of a chosen folder, and the folder's path among them. Text of COCO's files is read at once. */
export async function chosenFiles(
  files: readonly File[],
): Promise<{ readonly system: FileSystem; readonly root: string }> {
  const byPath = new Map(files.map((file) => [`/${file.webkitRelativePath || file.name}`, file]));
  const folders = new Map<string, Map<string, FolderEntry>>([["/", new Map()]]);
  for (const path of byPath.keys()) {
    const parts = path.split("/").slice(1);
    parts.forEach((name, i) => {
      const above = `/${parts.slice(0, i).join("/")}`, isFolder = i < parts.length - 1;
      folders.get(above)!.set(name, { name, isFolder });
      const own = `/${parts.slice(0, i + 1).join("/")}`;
      if (isFolder && !folders.has(own)) folders.set(own, new Map());
    });
  }
  const texts = new Map<string, string>();
  for (const [path, file] of byPath) if (path.endsWith(".json")) texts.set(path, await file.text());
  const plain = (path: string) => path.length > 1 ? path.replace(/\/+$/, "") : path;
  const fileOf = (path: string) => {
    const file = byPath.get(plain(path));
    if (file) return file;
    throw new Error(`there is no file ${path} in what was chosen`);
  };
  const system: FileSystem = {
    kindOf(path) {
      if (folders.has(plain(path))) return "folder";
      return byPath.has(plain(path)) ? "file" : undefined;
    },
    read: async (path) => new Uint8Array(await fileOf(path).arrayBuffer()),
    async readHead(path, bytes) {
      const file = fileOf(path);
      return { head: new Uint8Array(await file.slice(0, bytes).arrayBuffer()), whole: file.size < bytes };
    },
    readTextNow(path) {
      const text = texts.get(plain(path));
      if (text !== undefined) return text;
      throw new Error(`${path} is no JSON file of what was chosen`);
    },
    list: (folder) => [...folders.get(plain(folder))?.values() ?? []],
    real: plain,
  };
  const [first] = folders.get("/")!.values();
  return { system, root: first?.isFolder ? `/${first.name}` : "/" };
}
