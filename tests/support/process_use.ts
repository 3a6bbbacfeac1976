/**
 * What another process takes of the machine: memory and time of the processors.
 *
 * @module
 */

/** What a process has and has had. */
export interface ProcessUse {
  /** Bytes of resident memory. */
  readonly memory: number;
  /** Milliseconds of the processors, of all its threads. */
  readonly computed: number;
}

/** Milliseconds of a clock tick in `/proc`, which Linux shows to programs as a hundredth of a second on every machine. */
const TICK = 10;

/** Milliseconds of `[days-][hours:]minutes:seconds`. */
function millisecondsOf(time: string): number {
  const [clock, days = "0"] = time.split("-").reverse();
  const seconds = clock.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);
  return 1000 * (86_400 * Number(days) + seconds);
}

/** What a process takes; undefined where that cannot be asked. */
export async function processUse(pid: number): Promise<ProcessUse | undefined> {
  try {
    const [pages, stat] = await Promise.all(["statm", "stat"].map((name) => Deno.readTextFile(`/proc/${pid}/${name}`)));
    // Behind the name in parentheses, which may hold anything: state, then 10 others, then time as itself and in the kernel.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { memory: Number(pages.split(" ")[1]) * 4096, computed: TICK * (Number(fields[11]) + Number(fields[12])) };
  } catch {
    const { success, stdout } = await new Deno.Command("ps", { args: ["-o", "rss=,time=", "-p", String(pid)] }).output()
      .catch(() => ({ success: false, stdout: new Uint8Array() }));
    if (!success) return undefined;
    const [memory, time] = new TextDecoder().decode(stdout).trim().split(/\s+/);
    return { memory: 1024 * Number(memory), computed: millisecondsOf(time) };
  }
}
