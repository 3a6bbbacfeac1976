/**
 * Where the readers of data sets find files: this machine's, or others that somebody has handed over, as the user of a web page does.
 *
 * @module
 */

/** An entry of a folder, links as what they lead to. */
export interface FolderEntry {
  /** Without the folder. */
  readonly name: string;
  /** Whether it is a folder. */
  readonly isFolder: boolean;
}

/** Files and folders by paths. What is not there throws, but for `kindOf`. */
export interface FileSystem {
  /** What a path is; undefined if there is nothing. */
  kindOf(path: string): "file" | "folder" | undefined;
  /** All bytes of a file. */
  read(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** The first bytes of a file, and whether they are all of it. */
  readHead(path: string, bytes: number): Promise<{ readonly head: Uint8Array<ArrayBuffer>; readonly whole: boolean }>;
  /** A file of text, at once. */
  readTextNow(path: string): string;
  /** The entries of a folder, in any order. */
  list(folder: string): readonly FolderEntry[];
  /** A path without links: equal for what is the same. */
  real(path: string): string;
}

/** The files of this machine. */
const MACHINE: FileSystem = {
  kindOf(path) {
    try {
      return Deno.statSync(path).isDirectory ? "folder" : "file";
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
      throw error;
    }
  },
  read: (path) => Deno.readFile(path),
  async readHead(path, bytes) {
    const open = await Deno.open(path);
    try {
      const head = new Uint8Array(bytes);
      let length = 0;
      while (length < head.length) {
        const count = await open.read(head.subarray(length));
        if (count === null) return { head: head.subarray(0, length), whole: true };
        length += count;
      }
      return { head, whole: false };
    } finally {
      open.close();
    }
  },
  readTextNow: (path) => Deno.readTextFileSync(path),
  list: (folder) =>
    [...Deno.readDirSync(folder)].map((entry) => ({
      name: entry.name,
      isFolder: entry.isSymlink ? MACHINE.kindOf(`${folder}/${entry.name}`) === "folder" : entry.isDirectory,
    })),
  real: (path) => Deno.realPathSync(path),
};

let files = MACHINE;

/** The files that are read now. */
export const fileSystem = (): FileSystem => files;

/** Reads files of others from now on, in pages that have none of their own. */
export function useFileSystem(others: FileSystem): void {
  files = others;
}

/** Whether an error says that nothing is there. */
export const saysNotFound = (error: unknown): boolean => "Deno" in globalThis && error instanceof Deno.errors.NotFound;
