/**
 * Deno as a program: what only its command line can do.
 *
 * @module
 */

/** Runs Deno with arguments: this very program, or the one on the path where only that is allowed (`--allow-run=deno`). */
export async function runDeno(args: string[]): Promise<Deno.CommandOutput> {
  try {
    return await new Deno.Command(Deno.execPath(), { args }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    return await new Deno.Command("deno", { args }).output();
  }
}
