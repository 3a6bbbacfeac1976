/**
 * Reads one file of a ZIP archive on a server, and transfers only that part of the archive.
 *
 * @module
 */

import { HttpRangeReader, TextWriter, ZipReader } from "npm:@zip.js/zip.js@2.24.0";
import { FeatherdetError } from "../../graph/error.ts";
import { sha256Of } from "./checksum.ts";
import type { SourceMember } from "./sources.ts";

async function readFrom(url: string, { member, sha256, bytes }: SourceMember, onBytes: (count: number) => void) {
  const reader = new ZipReader(new HttpRangeReader(url), { useWebWorkers: false, checkSignature: true });
  try {
    const entry = (await reader.getEntries()).find(({ filename }) => filename === member);
    if (entry === undefined || entry.directory) {
      throw new FeatherdetError(`it does not contain ${member}`, { file: url });
    }
    let told = 0;
    const text = await entry.getData(new TextWriter(), {
      // The library counts packed bytes; what is unpacked is what sizes are stated for.
      onprogress: (done, total) => {
        const now = Math.round((done / total) * (bytes ?? entry.uncompressedSize));
        onBytes(now - told);
        told = now;
        return undefined;
      },
    });
    const found = sha256Of(text);
    if (sha256 !== undefined && found !== sha256) {
      throw new FeatherdetError(`the SHA-256 of ${member} in it is ${found}, expected ${sha256}`, { file: url });
    }
    return text;
  } catch (error) {
    if (error instanceof FeatherdetError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new FeatherdetError(`cannot be read in parts: ${reason}`, { file: url }, { cause: error });
  } finally {
    await reader.close();
  }
}

/** The text of a file in an archive. Throws a `FeatherdetError` that names the last address if none has it as it should be. */
export async function zipMember(source: SourceMember, onBytes: (count: number) => void = () => {}): Promise<string> {
  for (const [index, url] of source.from.entries()) {
    try {
      return await readFrom(url, source, onBytes);
    } catch (error) {
      if (index === source.from.length - 1) throw error;
    }
  }
  throw new FeatherdetError(`no address is known for ${source.member}`);
}
