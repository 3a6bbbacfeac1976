/**
 * The program ffmpeg, which reads and writes videos where it is installed.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { installCommand } from "../setup/packages.ts";

/** Names the program where it is not on the path. */
export const FFMPEG_VARIABLE = "FFMPEG";

const isFile = (path: string): boolean => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
};

/** Path of the program: `$FFMPEG`, or the first on the path; undefined where there is none. */
export function findFfmpeg(): string | undefined {
  const given = Deno.env.get(FFMPEG_VARIABLE);
  if (given) return given;
  const [separator, name] = Deno.build.os === "windows" ? [";", "ffmpeg.exe"] : [":", "ffmpeg"];
  return (Deno.env.get("PATH") ?? "").split(separator).map((folder) => `${folder}/${name}`).find(isFile);
}

/** How the program is installed here. */
function installText(): string {
  if (Deno.build.os === "darwin") return "brew install ffmpeg";
  return Deno.build.os === "windows" ? "winget install ffmpeg" : installCommand(["ffmpeg"]);
}

/** Path of the program. Throws a `FeatherdetError` for `file`, which cannot be read or written without, with the command that installs it. */
export function needFfmpeg(file: string): string {
  const found = findFfmpeg();
  if (found !== undefined) return found;
  throw new FeatherdetError(`videos and cameras need ffmpeg, which is not installed: ${installText()}`, { file });
}

/** A started ffmpeg and what it says. */
export interface RunningFfmpeg {
  readonly child: Deno.ChildProcess;
  /** Frames a second of what it writes, once it has said so; undefined where it ends without. */
  readonly rate: Promise<number | undefined>;
  /** Waits for its end. Rejects with a `FeatherdetError` for `file` that has its last words, unless it ended well. */
  ended(): Promise<void>;
}

/** The line that says what is wrong, without the part of ffmpeg that says it. */
function lastWords(lines: readonly string[]): string {
  const plain = lines.map((line) => line.replace(/^\[[^\]]*\]\s*/, "").trim()).filter((line) => line !== "");
  const last = plain.findLast((line) => !/^(Conversion failed|Exiting|At least one output)/i.test(line));
  return last?.replace(/^.*: (?=(Invalid data|No such file))/, "") ?? "it says nothing";
}

/**
 * Starts ffmpeg. It is no member of this program's process group: Ctrl-C in a terminal is this program's to answer, which then lets ffmpeg
 * finish its file.
 */
export function startFfmpeg(
  args: readonly string[],
  file: string,
  pipes: { readonly stdin: "piped" | "null"; readonly stdout: "piped" | "null" },
): RunningFfmpeg {
  const program = needFfmpeg(file);
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args: ["-hide_banner", "-nostats", ...args],
      ...{ ...pipes, stderr: "piped", detached: true },
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new FeatherdetError(`this program may not start ${program}: allow it with --allow-run=${program}`, { file }, {
      cause: error,
    });
  }
  const { promise: rate, resolve } = Promise.withResolvers<number | undefined>();
  const lines: string[] = [];
  let isOutput = false;
  const read = (async () => {
    let rest = "";
    for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) {
      const [...complete] = (rest + part).split(/[\r\n]+/);
      rest = complete.pop() ?? "";
      for (const line of complete) {
        isOutput ||= line.startsWith("Output #0");
        const [, said, thousands] = isOutput ? /, ([\d.]+)(k?) fps/.exec(line) ?? [] : [];
        if (said !== undefined) resolve(Number(said) * (thousands === "k" ? 1000 : 1));
        lines.push(line);
        // A damaged video is complained of without end.
        if (lines.length > 20) lines.shift();
      }
    }
    lines.push(rest);
    resolve(undefined);
  })();
  return {
    ...{ child, rate },
    async ended() {
      const [{ success }] = await Promise.all([child.status, read]);
      if (!success) throw new FeatherdetError(`ffmpeg failed: ${lastWords(lines)}`, { file });
    },
  };
}
