/**
 * Deno as a program that others start.
 *
 * @module
 */

/** Runs Deno with arguments: this very program, or the one on the path where only that is allowed (`--allow-run=deno`). */
export async function runDeno(
  args: string[],
  options: Omit<Deno.CommandOptions, "args"> = {},
): Promise<Deno.CommandOutput> {
  try {
    return await new Deno.Command(Deno.execPath(), { ...options, args }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    return await new Deno.Command("deno", { ...options, args }).output();
  }
}
